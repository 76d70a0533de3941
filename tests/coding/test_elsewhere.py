"""Work that a seat leaves where it does not count is named, whatever state its repository is in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_collab.families.coding.pool.pool import Base
from pytest_collab.families.coding.repository.clone import seat_branch
from pytest_collab.families.coding.repository.git import Store, git_environment
from pytest_collab.families.coding.repository.seed import seed_repository
from pytest_collab.families.coding.repository.work import IGNORED, collect_work
from pytest_collab.families.coding.workspace.elsewhere import SCRIPT, VARIABLES, sentences
from tests.coding.conftest import write

EDIT = "echo 'def double(a): return 2 * a' >> calc.py"
ELSEWHERE = f"git checkout -q -b fx; {EDIT}; git commit -qam x; git checkout -q a"
HERE = f"{EDIT}; git commit -qam x"
ON_FX = "committed on branch fx, which was not what is graded"
NO_GIT = "left no working .git; the files as they stand are what is graded"


class Seat:
    """A seat's tree with a branch of its own, and the store that its work goes to."""

    def __init__(self, folder: Path) -> None:
        write(folder / "base", {"calc.py": "one\ntwo\n", "lib/x.py": "x\n", ".gitignore": "local*\n.venv/\n"})
        seed = seed_repository(Base(folder="base"), folder, folder / "cache")
        self.tree = folder / "seat"
        subprocess.run(["cp", "-a", seed.checkout, self.tree], check=True)
        seat_branch(self.tree, "a", seed.commit)
        self.store = Store.create(folder / "store.git", seed.path, seed.commit)

    def run(self, command: str) -> None:
        subprocess.run(command, shell=True, cwd=self.tree, env=self._env(), capture_output=True, check=False)

    def elsewhere(self, who: str = "") -> list[str]:
        """What is said of the tree as it stands."""
        work = collect_work(self.tree, self.store)
        words = ["sh", "-c", SCRIPT, "sh", self.store.base, who]
        env = {**self._env(), **VARIABLES, "GIT_CEILING_DIRECTORIES": str(self.tree.parent)}
        asked = subprocess.run(words, cwd=self.tree, env=env, capture_output=True, check=False, timeout=60)
        base, tree = (self.store.entries(self.store.tree(one)) for one in (self.store.base, work.tree))
        return sentences(asked.stdout.decode(errors="replace"), base, tree)

    def _env(self) -> dict[str, str]:
        own = {key: value for key, value in git_environment().items() if not key.startswith("GIT_CONFIG_")}
        who = {"GIT_COMMITTER_EMAIL": "a@localhost", "GIT_CONFIG_GLOBAL": "/dev/null"}
        return {**own, **who, "S": str(self.tree.parent), "GIT_EDITOR": "true"}


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path)


CASES = {
    "nothing": (EDIT, []),
    "committed": (HERE, []),
    "a branch without commits": (f"git checkout -q --orphan o; {EDIT}", []),
    "another history": (f"git checkout -q --orphan o; {EDIT}; git add -A; git commit -qm x; git checkout -q a",
                        ["committed on branch o, which was not what is graded"]),
    "emptied by it": (f"{HERE}; git checkout -q --orphan o; git rm -rfq .",
                      ["committed on branch a, which was not what is graded"]),
    "sparse": (f"{HERE}; git sparse-checkout set --no-cone /lib",
               ["committed calc.py, which its working tree does not have",
                "deleted .gitignore and 1 more by a sparse checkout"]),
    "undone in the tree": (f"{HERE}; git checkout -q HEAD~1 -- calc.py",
                           ["committed calc.py, which its working tree does not have"]),
    "staged": (f"{EDIT}; git add calc.py; git show HEAD:calc.py > calc.py; echo n > n.py; git add n.py; rm n.py",
               ["staged calc.py and 1 more, which its working tree does not have"]),
    "half a merge": (f"{ELSEWHERE}; echo z >> calc.py; git commit -qam z; git merge fx",
                     ["left a merge half done", ON_FX]),
    "half a rebase": (f"{ELSEWHERE}; echo z >> calc.py; git commit -qam z; git rebase fx",
                      ["left a rebase half done", "committed on branch a, which was not what is graded"]),
    "half a revert": (f"{HERE}; git revert --no-commit HEAD",
                      ["left a revert half done", "committed calc.py, which its working tree does not have"]),
    "half an am": (f"{HERE}; git format-patch -q -1 -o $S/p; git reset -q --hard HEAD~1; echo z > calc.py; "
                   "git commit -qam z; git am $S/p/*",
                   ["left patches that were being applied half done"]),
    "a bisection": (f"{HERE}; git bisect start -q; git bisect bad; git bisect good HEAD~1",
                    ["left a bisection half done"]),
    "a tag": (f"git checkout -q --detach; {HERE}; git tag done; git checkout -q a; rm -rf .git/logs",
              ["keeps work under tag done, which was not what is graded"]),
    "a ref of its own": (f"git checkout -q --detach; {HERE}; git update-ref refs/x/y HEAD; git checkout -q a",
                         ["keeps work under refs/x/y, which was not what is graded"]),
    "a stash": (f"{EDIT}; git stash -q; echo n > n.py; git stash -qu",
                ["keeps work in a stash, which was not what is graded"]),
    "another working tree": (f"git worktree add -q $S/wt -b wt; cd $S/wt; {EDIT}",
                             ["left work in another working tree, {folder}/wt, which was not what is graded"]),
    "another working tree inside": (f"git worktree add -q wt -b wt; cd wt; {EDIT}",
                                    ["left work in another working tree, wt, which was not what is graded"]),
    "no git": (f"{ELSEWHERE}; rm -rf .git", [NO_GIT]),
    "a link to nowhere": (f"{ELSEWHERE}; rm -rf .git; ln -s /nowhere .git", [NO_GIT]),
    "no objects": (f"{ELSEWHERE}; rm -rf .git/objects/??", [NO_GIT]),
    "git as a file": (f"{ELSEWHERE}; mv .git $S/own; echo gitdir: $S/own > .git", [ON_FX]),
    "a broken index": (f"{ELSEWHERE}; echo junk > .git/index; touch .git/index.lock", [ON_FX]),
    "a bare repository": (f"{ELSEWHERE}; git config core.bare true", [ON_FX]),
    "its tree elsewhere": (f"{ELSEWHERE}; git config core.worktree $S", [ON_FX]),
    "bits on every file": (f"{ELSEWHERE}; git ls-files | xargs git update-index --assume-unchanged", [ON_FX]),
    "a replaced commit": (f"{ELSEWHERE}; git replace HEAD fx", [ON_FX]),
    "another repository": (f"rm -rf .git; git init -q -b a; git add -A; git commit -qm all; {ELSEWHERE}", [ON_FX]),
}  # fmt: skip


@pytest.mark.parametrize(("command", "said"), CASES.values(), ids=CASES)
def test_what_does_not_count_is_named(command: str, said: list[str], seat: Seat, tmp_path: Path) -> None:
    seat.run(command)
    assert seat.elsewhere() == [sentence.format(folder=tmp_path) for sentence in said]


def test_a_partners_commits_are_not_the_seats_own(seat: Seat) -> None:
    seat.run(ELSEWHERE.replace("commit", "-c user.name=b commit"))
    assert seat.elsewhere("<a@localhost>") == [ON_FX]
    assert seat.elsewhere("<b@localhost>") == []


def test_code_that_is_ignored_is_named_and_what_a_package_manager_brought_is_not(seat: Seat) -> None:
    write(seat.tree, {"local.py": "x", "local.txt": "x", ".venv/lib/y.py": "y", "lib/local/z.ts": "z"})
    assert collect_work(seat.tree, seat.store).skipped == {"local.py": IGNORED, "lib/local/z.ts": IGNORED}


READ = """
import sys
from pathlib import Path
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.work import collect_work

tree, store, base = sys.argv[1:]
work = collect_work(Path(tree), Store(Path(store), base))
print(work.tree, work.skipped)
"""


def test_files_whose_permissions_were_taken_away_count(seat: Seat) -> None:
    write(seat.tree, {"calc.py": "changed\n", "lib/deep/new.py": "new\n"})
    found = collect_work(seat.tree, seat.store)
    for path, mode in (("calc.py", 0), ("lib/deep", 0o400), ("lib", 0), ("", 0)):
        (seat.tree / path).chmod(mode)
    unprivileged: list[str] = []
    if os.geteuid() == 0:  # without what lets root read everything
        rights = "-dac_override,-dac_read_search"
        unprivileged = [shutil.which("setpriv") or pytest.skip("setpriv is not here"), f"--bounding-set={rights}"]
        unprivileged.append(f"--inh-caps={rights}")
    words = [*unprivileged, sys.executable, "-c", READ, str(seat.tree), str(seat.store.path), seat.store.base]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.stdout == f"{found.tree} {{}}\n", said.stderr


def test_lines_are_counted_under_the_names_that_files_have(seat: Seat) -> None:
    write(seat.tree, {"a b/c.py": "1\n2\n", 'q"\n\u00e9': "1\n", "calc.py": "one\n2\n"})
    (seat.tree / "lib" / "x.py").rename(seat.tree / "lib" / "y.py")
    (seat.tree / "data").write_bytes(b"\0\1")
    assert seat.store.stat(collect_work(seat.tree, seat.store).tree) == {
        "a b/c.py": {"added": 2, "removed": 0},
        "calc.py": {"added": 1, "removed": 1},
        "data": {"added": 0, "removed": 0},
        "lib/y.py": {"added": 0, "removed": 0},
        'q"\n\u00e9': {"added": 1, "removed": 0},
    }
