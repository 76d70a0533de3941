"""What the tutorial and the how-to pages say to do is done, and prints what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import blocks, run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    links = ("tasks",) if page == README or page.stem.startswith("seat-") else ()
    wrong = run(page, tmp_path, ROOT, links)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_has_something_to_run(page: Path) -> None:
    assert any(block.run and block.kind == "console" and block.commands() for block in blocks(page))


def test_a_page_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```text title="a/b.txt"\nhello\n```\n\n```console\n$ cat a/b.txt\nhello\n$ false\n$ echo $?\n1\n```\n'
        "\n<!-- not run: never ends -->\n```console\n$ sleep 1000\n```\n"
        "\n```console\n$ echo one two\none ... three\n```\n"
    )
    (wrong,) = run(page, tmp_path, ROOT)
    assert wrong.startswith("page.md:18: $ echo one two")
