"""Tables that benchmarks write into pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cooperbench_pools import HEAD, written
from pytest_collab.errors import UsageError


def test_rows_are_put_where_they_stand_and_others_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- pools -->\n| `a/1` | old |\n| `c/3` | kept |\n<!-- /pools -->\n\nAfter.\n")
    written(page, {"b/2": "| `b/2` | new |", "a/1": "| `a/1` | newer |"}, ["a/1", "b/2", "c/3", "d/4"])
    assert page.read_text().splitlines() == [
        *("Before.", "", "<!-- pools -->", HEAD, "|---|---|---|---|---|---|"),
        *("| `a/1` | newer |", "| `b/2` | new |", "| `c/3` | kept |", "<!-- /pools -->", "", "After."),
    ]


def test_a_page_without_a_place_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- pools -->\n")
    with pytest.raises(
        UsageError, match=r"page\.md has no place for the table: put <!-- pools --> and <!-- /pools -->"
    ):
        written(page, {}, [])
    assert page.read_text() == "<!-- pools -->\n"
