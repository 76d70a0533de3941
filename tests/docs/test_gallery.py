"""The gallery shows every family, and stays small."""

from __future__ import annotations

import os
import re
import runpy
import shutil
from pathlib import Path

import pytest

from pytest_collab import families

DOCS = Path(__file__).parents[2] / "docs"
MADE = runpy.run_path(str(DOCS / "make_gallery.py"))
IMAGES = sorted((DOCS / "images").glob("gallery-*"))


def test_every_family_has_a_picture() -> None:
    shipped = {name for name in families.names() if type(families.get(name)).__module__.startswith("pytest_collab.")}
    assert shipped == set(MADE["PLAYS"])
    for play in MADE["PLAYS"].values():
        assert (DOCS.parent / "tasks" / play.task).is_file()


def test_the_page_shows_what_is_made_and_nothing_else() -> None:
    shown = set(re.findall(r"\(images/(gallery-[^)]+)\)", (DOCS / "gallery.md").read_text(encoding="utf-8")))
    made = {f"gallery-{name}.png" for name in MADE["PLAYS"]} | {f"gallery-{name}.svg" for name in MADE["TERMINAL"]}
    assert shown == made == {image.name for image in IMAGES}


def test_every_family_is_shown_on_its_own_page() -> None:
    for name in MADE["PLAYS"]:
        assert f"(../images/gallery-{name}.png)" in (DOCS / "families" / f"{name}.md").read_text(encoding="utf-8"), (
            name
        )


def test_pictures_are_small_and_ask_no_server() -> None:
    assert all(image.stat().st_size < 160_000 for image in IMAGES)
    assert sum(image.stat().st_size for image in IMAGES) < 2_000_000
    for image in IMAGES:
        if image.suffix == ".svg":
            assert not re.search(r"url\(\s*[\"']?http|href=|<script", image.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_no_picture_shows_what_is_not_so_any_more() -> None:
    """Plays every episode of the gallery again and reads its page: it takes a while, and is the only way to know."""
    pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if browser is None:
        pytest.skip("no Chromium: apt-get install chromium, or set CHROMIUM to one")
    assert MADE["out_of_date"](browser) == []
