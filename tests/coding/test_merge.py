"""The merge check, against real git repositories."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_collab.errors import TaskError
from pytest_collab.families.coding.pool.pool import Base, Pool
from pytest_collab.families.coding.repository import git
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.merge import Region, check_merge, overlaps, regions
from pytest_collab.families.coding.repository.seed import seed_repository
from pytest_collab.families.coding.repository.work import collect_work
from pytest_collab.sandbox.process import remove_tree
from tests.coding.conftest import write

LINES = "".join(f"line {number}\n" for number in range(1, 21))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(
        tmp_path / "base",
        {
            "a.txt": LINES,
            "b.txt": LINES,
            "c.txt": "c\n",
            "crlf.txt": "one\r\ntwo\r\nthree\r\n",
            "run.sh": "#!/bin/sh\n",
        },
    )


class Bench:
    """Seats on a base, and what they leave."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.seed = seed_repository(Base(folder="base"), base.parent, folder / "cache")
        self.store = Store.create(folder / "store.git", self.seed.path, self.seed.commit)
        self.folder = folder
        self.count = 0

    def seat(self) -> Path:
        self.count += 1
        path = self.folder / f"seat{self.count}"
        subprocess.run(["cp", "-a", self.seed.checkout, path], check=True)
        return path

    def commit(self, seat: Path) -> str:
        return collect_work(seat, self.store).commit


@pytest.fixture
def bench(base: Path, tmp_path: Path) -> Bench:
    return Bench(base, tmp_path)


def changed(text: str, number: int, new: str) -> str:
    return text.replace(f"line {number}\n", new)


def test_a_seed_holds_one_commit_and_no_other_ref(bench: Bench) -> None:
    for path in (bench.seed.path, bench.seed.checkout / ".git"):
        refs = subprocess.run(["git", "--git-dir", path, "for-each-ref"], capture_output=True, text=True, check=True)
        assert refs.stdout.split("\t")[1:] == ["refs/heads/main\n"]
        log = subprocess.run(
            ["git", "--git-dir", path, "rev-list", "--all"], capture_output=True, text=True, check=True
        )
        assert log.stdout.split() == [bench.seed.commit]
    status = subprocess.run(["git", "-C", bench.seat(), "status", "--porcelain"], capture_output=True, check=True)
    assert status.stdout == b""


def test_a_commit_of_a_repository_comes_without_its_past_and_future(tmp_path: Path, bench: Bench) -> None:
    upstream = write(tmp_path / "upstream", {"a.txt": "one\n"})
    git = ["git", "-C", str(upstream), "-c", "user.name=u", "-c", "user.email=u@localhost"]
    subprocess.run([*git[:3], "init", "-q"], check=True)
    ids = []
    for text in ("one", "two", "the solution"):
        write(upstream, {"a.txt": text})
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", text], check=True)
        ids.append(
            subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        )
    subprocess.run([*git, "tag", "solved"], check=True)
    seed = seed_repository(Base(repository="upstream", commit=ids[1]), tmp_path, tmp_path / "cache")
    objects = subprocess.run(
        ["git", "-C", seed.checkout, "cat-file", "--batch-all-objects", "--batch-check"],
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert sorted(line.split()[1] for line in objects) == ["blob", "commit", "tree"]
    assert (seed.checkout / "a.txt").read_text() == "two"
    assert (
        seed_repository(Base(repository="upstream", commit=ids[1]), tmp_path, tmp_path / "other").commit
        == seed.commit
    )


def test_changes_apart_merge_and_the_same_place_conflicts_with_its_lines(bench: Bench) -> None:
    one, two, three = bench.seat(), bench.seat(), bench.seat()
    write(one, {"a.txt": changed(LINES, 2, "ONE\n")})
    write(two, {"a.txt": changed(LINES, 18, "TWO\n")})
    write(three, {"a.txt": changed(LINES, 2, "THREE\nFOUR\n")})
    first, second, third = bench.commit(one), bench.commit(two), bench.commit(three)
    clean = check_merge(bench.store, [first, second])
    assert clean.clean
    merged = bench.store.blob(bench.store.entries(clean.tree)["a.txt"][1]).decode()
    assert merged == changed(changed(LINES, 2, "ONE\n"), 18, "TWO\n")
    conflict = check_merge(bench.store, [first, third])
    assert conflict.status == "conflicts"
    (place,) = conflict.conflicts
    assert (place.path, place.kind) == ("a.txt", "contents")
    assert [(hunk.line, hunk.ours, hunk.theirs) for hunk in place.hunks] == [(2, ("ONE",), ("THREE", "FOUR"))]
    assert overlaps(regions(bench.store, bench.store.tree(first)), regions(bench.store, bench.store.tree(third))) == {
        "a.txt": ((Region(2, 2), Region(2, 2)),)
    }
    assert not overlaps(regions(bench.store, bench.store.tree(first)), regions(bench.store, bench.store.tree(second)))


def test_union_keeps_both_sides_and_says_which_files_it_took_luck_for(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    write(one, {"a.txt": LINES + "one\n", "new.txt": "x\n"})
    write(two, {"a.txt": LINES + "two\n"})
    union = check_merge(bench.store, [bench.commit(one), bench.commit(two)], "union")
    assert union.clean
    assert union.rescued == ("a.txt",)
    assert bench.store.blob(bench.store.entries(union.tree)["a.txt"][1]).decode() == LINES + "two\none\n"


def test_three_seats_merge_one_after_the_other(bench: Bench) -> None:
    seats = [bench.seat() for _ in range(3)]
    for number, seat in enumerate(seats):
        write(seat, {"a.txt": changed(LINES, 3 + 7 * number, f"seat {number}\n")})
    merged = check_merge(bench.store, [bench.commit(seat) for seat in seats])
    assert merged.clean
    text = bench.store.blob(bench.store.entries(merged.tree)["a.txt"][1]).decode()
    assert [f"seat {number}" in text for number in range(3)] == [True] * 3


def test_a_rename_follows_the_others_edit(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    (one / "a.txt").rename(one / "moved.txt")
    write(two, {"a.txt": changed(LINES, 5, "edited\n")})
    merged = check_merge(bench.store, [bench.commit(one), bench.commit(two)])
    entries = bench.store.entries(merged.tree)
    assert "a.txt" not in entries
    assert "edited" in bench.store.blob(entries["moved.txt"][1]).decode()


def test_a_file_that_is_new_in_a_renamed_folder_conflicts_as_in_git(bench: Bench) -> None:
    for seat in (one := bench.seat(), two := bench.seat()):
        write(seat, {"lib/a.txt": LINES, "lib/b.txt": LINES[::-1]})
    begun = bench.commit(one)
    (one / "lib").rename(one / "src")
    write(two, {"lib/new.txt": "new\n"})
    ours = bench.store.commit(bench.store.tree(bench.commit(one)), begun)
    theirs = bench.store.commit(bench.store.tree(bench.commit(two)), begun)
    for strategy in ("naive", "union"):
        merged = check_merge(bench.store, [ours, theirs], strategy)  # type: ignore[arg-type]
        assert merged.status == "conflicts"
        assert [(place.path, place.kind) for place in merged.conflicts] == [
            ("src/new.txt", "directory rename suggested")
        ]


def test_the_bases_attributes_decide_about_merging_and_a_seats_do_not(tmp_path: Path) -> None:
    root = write(
        tmp_path / "base",
        {
            ".gitattributes": "CHANGES.rst merge=union\n*.lock -merge\n*.txt merge=mine\n",
            "docs/.gitattributes": "*.md merge=union\n",
            **dict.fromkeys(("CHANGES.rst", "x.lock", "x.txt", "docs/a/x.md", "x.md"), "one\n"),
        },
    )
    bench = Bench(root, tmp_path)
    for path, clean in (("CHANGES.rst", True), ("docs/a/x.md", True), ("x.lock", False), ("x.txt", False)):
        one, two = bench.seat(), bench.seat()
        write(one, {path: "one\nours\n"})
        write(two, {path: "one\ntheirs\n"})
        commits = [bench.commit(one), bench.commit(two)]
        assert check_merge(bench.store, commits).clean == clean, path
        assert not check_merge(bench.store, commits, "plain").clean
        assert check_merge(bench.store, commits, "union").clean == (path != "x.lock")
    one, two = bench.seat(), bench.seat()
    write(one, {"x.md": "one\nours\n", ".gitattributes": "* merge=union\n"})
    write(two, {"x.md": "one\ntheirs\n"})
    assert check_merge(bench.store, [bench.commit(one), bench.commit(two)]).files == ("x.md",)


def test_headings_that_look_like_markers_split_nothing(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    write(one, {"a.txt": changed(LINES, 2, "Ours\n=======\n<<<<<<< x\n")})
    write(two, {"a.txt": changed(LINES, 2, "Theirs\n=======\n>>>>>>> x\n")})
    (place,) = check_merge(bench.store, [bench.commit(one), bench.commit(two)]).conflicts
    (hunk,) = place.hunks
    assert hunk.ours == ("Ours", "=======", "<<<<<<< x")
    assert hunk.theirs == ("Theirs", "=======", ">>>>>>> x")


def test_two_new_files_of_one_name_conflict_and_union_keeps_both(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    write(one, {"new.txt": "ours\n"})
    write(two, {"new.txt": "theirs\n"})
    commits = [bench.commit(one), bench.commit(two)]
    naive = check_merge(bench.store, commits)
    assert [(conflict.kind, conflict.path) for conflict in naive.conflicts] == [("contents", "new.txt")]
    union = check_merge(bench.store, commits, "union")
    kept = bench.store.blob(bench.store.entries(union.tree)["new.txt"][1]).decode()
    assert sorted(kept.split()) == ["ours", "theirs"]
    assert union.rescued == ("new.txt",)


def test_what_both_do_alike_is_done_once(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    for seat in (one, two):
        (seat / "a.txt").unlink()
        (seat / "b.txt").rename(seat / "moved.txt")
        write(seat, {"same.txt": "same\n"})
        (seat / "run.sh").chmod(0o755)
    merged = check_merge(bench.store, [bench.commit(one), bench.commit(two)])
    entries = bench.store.entries(merged.tree)
    assert merged.clean
    assert set(entries) == {"c.txt", "crlf.txt", "run.sh", "moved.txt", "same.txt"}
    assert entries["run.sh"][0] == "100755"


def test_edits_to_tests_take_part_in_the_merge_like_all_others(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    write(one, {"tests/test_a.py": "assert 1\n"})
    write(two, {"tests/test_a.py": "assert 2\n"})
    check = check_merge(bench.store, [bench.commit(one), bench.commit(two)])
    assert check.status == "conflicts"
    assert check.files == ("tests/test_a.py",)


def test_submodules_of_the_base_stay_what_they_were(tmp_path: Path) -> None:
    upstream = write(tmp_path / "upstream", {"a.txt": LINES})
    git = ["git", "-C", str(upstream), "-c", "user.name=u", "-c", "user.email=u@localhost"]
    subprocess.run([*git[:3], "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "with a submodule"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    seed = seed_repository(Base(repository="upstream", commit=head), tmp_path, tmp_path / "cache")
    store = Store.create(tmp_path / "store.git", seed.path, seed.commit)
    commits = []
    for number in (3, 15):
        seat = tmp_path / f"seat{number}"
        subprocess.run(["cp", "-a", seed.checkout, seat], check=True)
        assert list((seat / "vendored").iterdir()) == []
        write(seat, {"a.txt": changed(LINES, number, "edited\n")})
        commits.append(collect_work(seat, store).commit)
    merged = check_merge(store, commits)
    assert store.entries(merged.tree)["vendored"] == ("160000", "1" * 40)
    store.checkout(merged.tree, tmp_path / "graded")
    assert list((tmp_path / "graded" / "vendored").iterdir()) == []
    filled = write(tmp_path / "seat3", {"vendored/mine.txt": "x\n"})
    assert store.entries(collect_work(filled, store).tree).keys() == {"a.txt", "vendored/mine.txt"}


def test_a_base_that_is_no_repository_or_lacks_the_commit_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match="is no git repository"):
        seed_repository(Base(repository="empty", commit="1" * 40), tmp_path, tmp_path / "cache")
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare.git")], check=True)
    for commit in ("1" * 40, "1234567"):
        with pytest.raises(TaskError, match=f"has no commit {commit}"):
            seed_repository(Base(repository="bare.git", commit=commit), tmp_path, tmp_path / "cache")


def _delete(seat: Path) -> None:
    (seat / "a.txt").unlink()


def _edit(seat: Path) -> None:
    write(seat, {"a.txt": changed(LINES, 9, "edited\n")})


def _rename_one(seat: Path) -> None:
    (seat / "a.txt").rename(seat / "x.txt")


def _rename_other(seat: Path) -> None:
    (seat / "a.txt").rename(seat / "y.txt")


def _binary(byte: int):  # type: ignore[no-untyped-def]
    return lambda seat: (seat / "data.bin").write_bytes(bytes([0, byte]) * 100)


def _link(target: str):  # type: ignore[no-untyped-def]
    return lambda seat: (seat / "ln").symlink_to(target)


def _folder(seat: Path) -> None:
    write(seat, {"thing/inside.txt": "x\n"})


def _file(seat: Path) -> None:
    write(seat, {"thing": "x\n"})


CONFLICTS = {
    "delete and edit": (_delete, _edit, "modify/delete"),
    "two renames": (_rename_one, _rename_other, "rename/rename"),
    "two binary files": (_binary(1), _binary(2), "binary"),
    "two links": (_link("a.txt"), _link("b.txt"), ""),
    "a file and a folder": (_file, _folder, "file/directory"),
}


@pytest.mark.parametrize("strategy", ["naive", "union"])
@pytest.mark.parametrize(("ours", "theirs", "kind"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts_that_are_not_about_lines_stay_conflicts(ours, theirs, kind, strategy, bench: Bench) -> None:  # type: ignore[no-untyped-def]
    seats = [bench.seat(), bench.seat()]
    for change, seat in zip((ours, theirs), seats, strict=True):
        change(seat)
    check = check_merge(bench.store, [bench.commit(seat) for seat in seats], strategy)
    assert check.status == "conflicts"
    assert check.conflicts
    assert kind in {conflict.kind for conflict in check.conflicts} or not kind


def test_modes_merge_with_content(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    (one / "run.sh").chmod(0o755)
    write(two, {"run.sh": "#!/bin/sh\necho\n"})
    merged = check_merge(bench.store, [bench.commit(one), bench.commit(two)])
    assert bench.store.entries(merged.tree)["run.sh"][0] == "100755"


def test_line_ends_are_content(bench: Bench) -> None:
    one, two = bench.seat(), bench.seat()
    (one / ".gitattributes").write_text("* text=auto eol=lf\n")
    (one / "crlf.txt").write_bytes(b"one\r\ntwo\r\nthree!\r\n")
    (two / "crlf.txt").write_bytes(b"one\ntwo\nthree\n")
    first = bench.commit(one)
    assert (
        bench.store.blob(bench.store.entries(bench.store.tree(first))["crlf.txt"][1]) == b"one\r\ntwo\r\nthree!\r\n"
    )
    assert check_merge(bench.store, [first, bench.commit(two)]).status == "conflicts"


def test_an_unknown_commit_is_an_error_and_no_conflict(bench: Bench) -> None:
    check = check_merge(bench.store, [bench.seed.commit, "0" * 40])
    assert check.status == "error"
    assert check.message


def test_committed_changed_and_untracked_files_count_and_ignored_ones_do_not(bench: Bench) -> None:
    seat = bench.seat()
    git = ["git", "-C", str(seat), "-c", "user.name=u", "-c", "user.email=u@localhost"]
    write(seat, {"committed.txt": "1\n", ".gitignore": "*.log\nbuilt/\n!kept.log\n"})
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "mine"], check=True)
    write(seat, {"staged.txt": "2\n", "untracked/deep.txt": "3\n", "a.txt": "changed\n"})
    write(seat, {"x.log": "no\n", "kept.log": "yes\n", "built/out.txt": "no\n", "deeper/built/out.txt": "no\n"})
    subprocess.run([*git, "add", "staged.txt"], check=True)
    (seat / "c.txt").unlink()
    (seat / ".git" / "info" / "exclude").write_text("untracked\n")
    work = collect_work(seat, bench.store)
    found = bench.store.entries(work.tree)
    names = {"committed.txt", "staged.txt", "untracked/deep.txt", "a.txt", "kept.log", ".gitignore"}
    assert names | {"b.txt", "crlf.txt", "run.sh"} == found.keys()
    assert bench.store.git("rev-list", "--parents", "-1", work.commit).stdout.decode().split() == [
        work.commit,
        bench.seed.commit,
    ]


def test_a_file_of_the_base_counts_even_where_it_is_ignored(bench: Bench) -> None:
    seat = bench.seat()
    write(seat, {".gitignore": "*.txt\n", "a.txt": "changed\n", "other.txt": "ignored\n"})
    found = bench.store.entries(collect_work(seat, bench.store).tree)
    assert bench.store.blob(found["a.txt"][1]) == b"changed\n"
    assert "other.txt" not in found


def test_links_are_kept_and_never_followed(bench: Bench, tmp_path: Path) -> None:
    write(tmp_path, {"secret/key.txt": "SECRET"})
    seat = bench.seat()
    (seat / "out").symlink_to(tmp_path / "secret")
    (seat / "key").symlink_to(tmp_path / "secret" / "key.txt")
    (seat / "dangling").symlink_to("nowhere")
    found = bench.store.entries(collect_work(seat, bench.store).tree)
    assert {name: found[name][0] for name in ("out", "key", "dangling")} == dict.fromkeys(
        ("out", "key", "dangling"), "120000"
    )
    assert not any(name.startswith("out/") for name in found)
    assert bench.store.blob(found["key"][1]).decode() == str(tmp_path / "secret" / "key.txt")
    bench.store.checkout(collect_work(seat, bench.store).tree, tmp_path / "there")
    assert (tmp_path / "there" / "dangling").is_symlink()


def test_special_and_huge_files_are_left_out_and_named(bench: Bench) -> None:
    seat = bench.seat()
    os.mkfifo(seat / "pipe")
    with open(seat / "huge.bin", "wb") as file:
        file.truncate(17 * 1024 * 1024)
    work = collect_work(seat, bench.store)
    assert work.skipped == {"pipe": "a special file", "huge.bin": "larger than 16777216 bytes"}
    assert not {"pipe", "huge.bin"} & bench.store.entries(work.tree).keys()


def test_a_nested_repository_is_a_folder(bench: Bench) -> None:
    seat = bench.seat()
    subprocess.run(["git", "init", "-q", seat / "inner"], check=True)
    write(seat, {"inner/code.py": "x = 1\n"})
    work = collect_work(seat, bench.store)
    assert "inner/code.py" in bench.store.entries(work.tree)
    assert work.skipped == {"inner/.git": "version control of a nested repository"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=20
    ).filter(
        lambda name: (
            name not in (".", "..")
            and not name.casefold().startswith(".git")
            and name.casefold() != "git~1"
            and len(name.encode()) < 200
        )
    ),
    content=st.binary(max_size=200),
)
def test_any_name_and_content_comes_back_byte_for_byte(name: str, content: bytes, bench: Bench) -> None:
    seat = bench.seat()
    (seat / name).write_bytes(content)
    work = collect_work(seat, bench.store)
    assert bench.store.blob(bench.store.entries(work.tree)[name][1]) == content


def test_a_pool_says_what_is_wrong_with_it(pool: Pool, tmp_path: Path) -> None:
    from pytest_collab.errors import TaskError
    from pytest_collab.families.coding.pool.pool import load

    text = """family: coding
params:
  base: {folder: base}
  test: "run {tests} {report}"
  features:
    - {id: one}
"""
    write(tmp_path, {"base/x.py": "", "p.collab.yaml": text})
    with pytest.raises(TaskError, match=r"feature\.md.* cannot be read"):
        load(tmp_path / "p.collab.yaml")
    write(tmp_path, {"p.collab.yaml": text.replace("{folder: base}", "{folder: base, commit: abcdef1}")})
    with pytest.raises(TaskError, match=r"p\.collab\.yaml:3: params\.base"):
        load(tmp_path / "p.collab.yaml")
    write(tmp_path, {"p.collab.yaml": text.replace("- {id: one}", "- {id: one}\n    - {id: one}")})
    with pytest.raises(TaskError, match="two features are called 'one'"):
        load(tmp_path / "p.collab.yaml")


def test_content_changes_with_base_tests_and_reference(pool: Pool, tmp_path: Path) -> None:
    import shutil

    seen = {pool.content()}
    for name in ("base/calc.py", "features/double/tests.patch", "features/double/feature.patch"):
        shutil.copytree(pool.folder, tmp_path / name, symlinks=True)
        with open(tmp_path / name / name, "a") as file:
            file.write("\n#\n")
        seen.add(pool.within(tmp_path / name).content())
    assert len(seen) == 4
    assert pool.within(pool.folder).content() in seen


def test_a_file_of_the_base_that_has_grown_huge_stays_as_it_was(bench: Bench) -> None:
    seat = bench.seat()
    with open(seat / "a.txt", "wb") as file:
        file.truncate(17 * 1024 * 1024)
    work = collect_work(seat, bench.store)
    assert work.skipped == {"a.txt": "larger than 16777216 bytes"}
    assert work.tree == bench.store.tree(bench.store.base)


def test_folders_thousands_deep_are_left_out_named_and_removed(bench: Bench, tmp_path: Path) -> None:
    seat = bench.seat()
    write(seat, {"kept.txt": "kept\n"})
    script = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nopen('x', 'w')\n"
    subprocess.run([sys.executable, "-c", script], cwd=seat, check=True)
    work = collect_work(seat, bench.store)
    assert "kept.txt" in bench.store.entries(work.tree)
    (why,) = work.skipped.values()
    assert "deeper than 256 folders" in why
    remove_tree(seat)
    assert not seat.exists()


def test_merges_that_begin_at_once_find_whole_rules(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)
    make = git._git_dir

    def slowly(path: Path, attributes: str) -> None:
        both.wait(10)  # each has seen that there is none yet
        make(path, attributes)

    monkeypatch.setattr(git, "_git_dir", slowly)
    with ThreadPoolExecutor() as threads:
        names = list(threads.map(lambda _: bench.store.ruled("union", "* merge=union\n"), range(2)))
    assert names == ["union", "union"]
    assert (bench.store.path / "union" / "info" / "attributes").read_text().endswith("* merge=union\n")
    assert not list(bench.store.path.glob("ruled-*"))


def test_more_than_is_collected_is_the_seats_own_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = bench.seat()
    write(seat, {f"many/{number}": "" for number in range(30)})
    for name, limit in (("ENTRY_LIMIT", 20), ("TOTAL_LIMIT", 100)):
        with monkeypatch.context() as patched:
            patched.setattr(f"pytest_collab.families.coding.repository.work.{name}", limit)
            write(seat, {"large.txt": "x" * 200})
            work = collect_work(seat, bench.store)
        assert "none of it counts" in work.refused
        assert work.tree == bench.store.tree(bench.store.base)
    assert not collect_work(seat, bench.store).refused
