"""Trees that git has trouble with: names that it refuses elsewhere, endless rules, attributes in every form."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.pool.pool import Base
from pytest_collab.families.coding.repository.attributes import merge_rules
from pytest_collab.families.coding.repository.git import Store, git_environment
from pytest_collab.families.coding.repository.merge import Region, check_merge, regions
from pytest_collab.families.coding.repository.seed import seed_repository
from pytest_collab.families.coding.repository.work import collect_work
from tests.coding.conftest import write

NAMES = (
    ".git ",
    ".git.",
    ".git::$INDEX_ALLOCATION",
    ".git\\config",
    "a\\.git\\hooks",
    ".g\u200cit",
    "git~2",
    "a\nb\t\udcff",
)


@pytest.fixture
def bench(tmp_path: Path) -> tuple[Path, Store]:
    """A seat's tree, and the store that its work goes to."""
    write(tmp_path / "base", {"calc.py": "one\ntwo\n", "lib/x.py": "x\n"})
    seed = seed_repository(Base(folder="base"), tmp_path, tmp_path / "cache")
    subprocess.run(["cp", "-a", seed.checkout, tmp_path / "seat"], check=True)
    return tmp_path / "seat", Store.create(tmp_path / "store.git", seed.path, seed.commit)


def test_names_that_other_systems_take_for_gits_own_are_names(bench: tuple[Path, Store], tmp_path: Path) -> None:
    seat, store = bench
    for name in NAMES:
        (seat / name).write_text(repr(name))
    (seat / "gitmod~1").symlink_to("calc.py")
    (seat / ".gitmodules").symlink_to("calc.py")
    work = collect_work(seat, store)
    assert work.skipped == {".gitmodules": "a link that git refuses"}
    assert check_merge(store, [work.commit, work.commit]).tree == work.tree
    assert store.apply(store.tree(store.base), store.patch(work.tree).encode(errors="surrogateescape")) == work.tree
    store.checkout(work.tree, tmp_path / "graded")
    assert {name: (tmp_path / "graded" / name).read_text() for name in NAMES} == {name: repr(name) for name in NAMES}


def test_ignore_rules_that_never_end_are_the_seats_own_failure(
    bench: tuple[Path, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat, store = bench
    monkeypatch.setattr("pytest_collab.families.coding.repository.work.RULES_SECONDS", 0.5)
    write(seat, {".gitignore": ("*a" * 14 + "*b\n") * 40, **{"a" * 200 + str(number): "" for number in range(40)}})
    work = collect_work(seat, store)
    assert ".gitignore" in work.refused
    assert work.tree == store.tree(store.base)


def test_every_file_has_its_own_regions(bench: tuple[Path, Store]) -> None:
    seat, store = bench
    write(seat, {"calc.py": "one\n2\n", "new.py": "n\n", "a b": "@@ -1 +1 @@\ndiff --git a/x b/x\n", 'q"\n': "q\n"})
    (seat / "lib" / "x.py").unlink()
    (seat / "lib" / "x.py").symlink_to("../calc.py")
    made, rewritten = (Region(1, 0),), (Region(2, 2),)
    assert regions(store, collect_work(seat, store).tree) == {
        "a b": made,
        "calc.py": rewritten,
        "lib/x.py": (Region(1, 1), Region(1, 0)),
        "new.py": made,
        'q"\n': made,
    }


def test_a_clone_that_is_not_whole_is_told_by_the_files_that_it_lacks(tmp_path: Path) -> None:
    source = write(tmp_path / "source", {"a.py": "a\n", "docs/large.gif": "large\n", "docs/other.gif": "other\n"})
    git = ["git", "-C", str(source), "-c", "user.name=u", "-c", "user.email=u@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], env=git_environment(), check=True)
    head, *blobs = (
        subprocess.run([*git, "rev-parse", name], check=True, capture_output=True, text=True).stdout.strip()
        for name in ("HEAD", "HEAD:docs/large.gif", "HEAD:docs/other.gif")
    )
    for blob in blobs:
        (source / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SetupError, match=r"lacks docs/large\.gif and 1 more file of the base commit"):
        seed_repository(Base(repository="source", commit=head), tmp_path, tmp_path / "cache")


ATTRIBUTES = {
    ".gitattributes": '\ufeff"a b.txt" merge=union\n[attr]log merge=union -diff\n[attr]deep log\n'
    " CHANGES\tlog eol=lf\r\n*.md deep\n*.txt merge=union\nq.txt merge=mine\nw.txt -log\n"
    '"\\303\\244.c" merge=union\n\\[x].y merge=union\n'
    'log.z log -merge\n"#h" merge=union\nbin* binary\n # c merge\n',
    "d e/[x]/.gitattributes": '*.md -merge\n/r.txt !merge\n"s p" merge=union\nu/v merge=union\n',
    "sub/.gitattributes": "[attr]log -merge\nz.md log\nx/ merge=union\n",
}
PATHS = (
    *("a b.txt", "CHANGES", "x.md", "t.txt", "q.txt", "w.txt", "\u00e4.c", "[x].y", "log.z", "#h", "bin1", "c"),
    *("d e/[x]/x.md", "d e/[x]/deep/y.md", "d e/[x]/r.txt", "d e/[x]/deep/r.txt", "d e/[x]/s p", "d e/[x]/u/v"),
    *("d e/x/x.md", "sub/z.md", "sub/x/q"),
)


def _asked(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """What git says of merging each path, in a repository with these files."""
    subprocess.run(["git", "init", "-q", "--template=", folder], env=git_environment(), check=True)
    write(folder, files)
    words = ["git", "-C", str(folder), "check-attr", "-z", "merge", "--", *PATHS]
    told = subprocess.run(words, env=git_environment(), check=True, capture_output=True, text=True).stdout.split("\0")
    own = {"mine": "text"}  # a driver that nobody's clone has
    return {path: own.get(value, value) for path, value in zip(told[::3], told[2::3], strict=False)}


def test_macros_quotes_and_nested_files_of_attributes_say_what_they_say_to_git(tmp_path: Path) -> None:
    theirs = _asked(tmp_path / "theirs", ATTRIBUTES)
    assert set(theirs.values()) == {"union", "unset", "unspecified", "text"}
    assert _asked(tmp_path / "ours", {".git/info/attributes": merge_rules(ATTRIBUTES)}) == theirs
