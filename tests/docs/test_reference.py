"""The reference names what there is: no more, no less."""

from __future__ import annotations

import html
import re
import runpy
from pathlib import Path

import pytest
import yaml

from pytest_collab.cli import COMMANDS
from pytest_collab.cli.schema import schemas
from pytest_collab.episode.transcript import KINDS
from pytest_collab.plugin.options import _OPTIONS

DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = (DOCS / "options.md").read_text(encoding="utf-8")
CODE = re.sub("<code>(.*?)</code>", lambda code: f"`{html.unescape(code[1])}`", OPTIONS)  # where there are pipes
ROWS = re.findall(r"^\| `(--(?:agents|collab)[^`]*)` \| `(\w+)` \|", CODE, re.MULTILINE)
MENTION = re.compile(r"(?<![\w-])--(?:agents|collab-[a-z]+(?:-[a-z]+)*)(?![\w-])")
PAGES = [*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"]


def test_every_option_and_its_ini_key_is_on_the_options_page() -> None:
    documented = {re.split(r"[=\[]", flag)[0]: ini for flag, ini in ROWS}
    assert documented == {option.flag: option.ini for option in _OPTIONS}


def test_the_values_that_an_option_takes_are_documented() -> None:
    documented = {flag.partition("=")[0]: flag.partition("=")[2] for flag, _ in ROWS}
    assert documented == {option.flag: option.metavar or "" for option in _OPTIONS}


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_no_page_names_an_option_that_there_is_not(page: Path) -> None:
    # A command of `collab` has options of its own: those that begin with --agents are the agents file's.
    known = {option.flag for option in _OPTIONS} | {"--agents-file"}
    assert set(MENTION.findall(page.read_text(encoding="utf-8"))) <= known


def test_every_command_schema_and_event_gets_into_the_reference() -> None:
    hooks = runpy.run_path(str(DOCS / "hooks.py"))
    commands, files, events = hooks["commands"](), hooks["schemas"](), hooks["events"]()
    for name in COMMANDS:
        assert f"usage: collab {name} " in commands
    for name, schema in schemas().items():
        assert f"../schemas/{name}.json" in files
        for key in schema.get("properties", {}):
            assert f"| `{key}` |" in files
    for kind in KINDS:
        assert f"| `{kind}` |" in events


def test_every_page_is_in_the_navigation() -> None:
    class Loader(yaml.SafeLoader):
        """Tags of MkDocs' own, as in `!!python/name`, are of no matter here."""

    Loader.add_multi_constructor("", lambda loader, suffix, node: None)
    navigation = yaml.load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"), Loader)["nav"]

    def pages(entry: object) -> set[str]:
        if isinstance(entry, str):
            return {entry}
        inner = entry.values() if isinstance(entry, dict) else entry
        return {page for one in inner for page in pages(one)}  # type: ignore[union-attr]

    assert pages(navigation) == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
