"""Grading, and every way of passing without doing the work that we know of."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_collab.errors import SetupError
from pytest_collab.families.coding import Coding
from pytest_collab.families.coding.grading.grading import Expectation, Grader, TestReport, judge
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import GitError, Store
from pytest_collab.families.coding.repository.work import collect_work
from tests.coding.conftest import CODE, FEATURES, added, write

pytestmark = pytest.mark.anyio
Solved = Callable[[dict[str, str]], str]
GOOD = f"{CODE}\n\n{FEATURES['double'][0]}"


async def test_a_reference_passes_and_the_base_does_not(grader: Grader, store: Store, pool: Pool) -> None:
    double = pool.feature("double")
    patch = pool.reference(double)
    assert patch is not None
    good = await grader.grade(store, store.apply(grader.seed.tree, patch), double)
    assert good.passed, good.reason
    assert good.fail_to_pass == (1, 1)
    assert good.pass_to_pass == (1, 1)
    bad = await grader.grade(store, grader.seed.tree, "double")
    assert not bad.passed
    assert bad.broken == ("tests/test_double.py::test_double",)
    assert bad.report.ran


async def test_what_passed_before_must_still_pass(grader: Grader, solved: Solved, store: Store) -> None:
    broken = GOOD.replace("return a + b", "return 2 * a")
    grade = await grader.grade(store, solved({"calc.py": broken}), "double")
    assert not grade.passed
    assert grade.fail_to_pass == (1, 1)
    assert grade.broken == ("tests/test_calc.py::test_add",)


async def test_what_is_known_of_a_feature_is_not_found_out_again_for_another_choice_of_features(
    grader: Grader, pool: Pool, cache: Path
) -> None:
    known = await grader.expectation(pool.feature("double"))
    files = set((cache / "expectations").glob("*.json"))
    data = {**pool.model_dump(), "features": [{"id": "double"}, {"id": "triple"}], "pairs": [["double", "triple"]]}
    played = Coding.model_validate(data, context={"folder": pool.folder})
    async with Grader(played, cache=cache, sandbox="bubblewrap") as another:
        assert await another.expectation(played.feature("double")) == known
    assert set((cache / "expectations").glob("*.json")) == files


async def test_tests_that_the_base_passes_are_vacuous(grader: Grader, pool: Pool) -> None:
    assert (await grader.expectation(pool.feature("negate"))).vacuous
    assert not (await grader.expectation(pool.feature("double"))).vacuous


async def test_the_seats_own_tests_do_not_collide_with_hidden_ones(
    grader: Grader, solved: Solved, store: Store
) -> None:
    tree = solved(
        {
            "calc.py": GOOD,
            "tests/test_double.py": "def test_double():\n    assert False\n",
            "tests/test_more.py": "raise SystemExit\n",
        }
    )
    grade = await grader.grade(store, tree, "double")
    assert grade.passed, grade.reason
    assert set(grade.report.tests) == {"tests/test_double.py::test_double", "tests/test_calc.py::test_add"}


@pytest.mark.parametrize("how", ["", "os.rename('tests', 'old'); os.mkdir('tests')\n"], ids=["in place", "by folder"])
async def test_hidden_tests_hold_where_tests_may_write(
    how: str, pool: Pool, cache: Path, solved: Solved, store: Store
) -> None:
    loose = pool.model_copy(
        update={"environment": pool.environment.model_copy(update={"writable": True}), "test": pool.test}
    )
    cheat = CODE + "\n\nimport os\nopen('mine.txt', 'w').close()\n" + how
    cheat += "for name in ('double', 'calc'):\n"
    cheat += "    open(f'tests/test_{name}.py', 'w').write(f'def test_{name}(): pass')\n"
    async with Grader(loose, cache=cache, sandbox="bubblewrap") as grader:
        grade = await grader.grade(store, solved({"calc.py": cheat}), "double")
        assert not grade.passed
        fair = GOOD + "\n\nopen('mine.txt', 'w').close()\n"
        assert (await grader.grade(store, solved({"calc.py": fair}), "double")).passed


async def test_the_key_is_gone_before_foreign_code_runs(grader: Grader, solved: Solved, store: Store) -> None:
    peek = GOOD + "\n\nimport os\nprint(os.listdir('/collab/out'), 'COLLAB_GUARD' in os.environ)\n"
    grade = await grader.grade(store, solved({"calc.py": peek, "tests/x": ""}), "double")
    assert grade.passed, grade.reason
    shown = await grader.grade(store, solved({"calc.py": peek + "raise OSError\n"}), "double")
    assert "[] False" in shown.report.tail


async def test_no_escape_sequence_reaches_the_report(grader: Grader, solved: Solved, store: Store) -> None:
    shouting = CODE + "\n\nprint('\\x1b]0;title\\x07\\x1b[31mred\\x1b[2J')\nraise OSError('\\x1b[1mloud')\n"
    grade = await grader.grade(store, solved({"calc.py": shouting}), "double")
    assert "red" in grade.report.tail
    assert "\x1b" not in grade.report.tail


async def test_a_tree_that_hangs_is_ended(pool: Pool, cache: Path, solved: Solved, store: Store) -> None:
    hasty = pool.model_copy(update={"timeout_s": 4.0})
    async with Grader(hasty, cache=cache, sandbox="bubblewrap") as grader:
        report = await grader.run_tests(
            store, solved({"calc.py": "import time\ntime.sleep(600)\n"}), hasty.feature("double")
        )
    assert report.timed_out
    assert not report.ran
    assert report.note == "took too long"


async def test_hooks_filters_and_attributes_of_a_seat_run_nothing_on_the_host(
    agent: Path, store: Store, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    script = write(tmp_path, {"evil.sh": f"#!/bin/sh\ntouch {mark}\ncat\n"}) / "evil.sh"
    script.chmod(0o755)
    for key in (
        *("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv"),
        *("diff.external", "merge.evil.driver", "core.sshCommand", "core.editor", "core.pager", "alias.add"),
    ):
        subprocess.run(["git", "-C", agent, "config", key, str(script)], check=True)
    subprocess.run(["git", "-C", agent, "config", "core.hooksPath", str(tmp_path)], check=True)
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        (agent / ".git" / "hooks").mkdir(exist_ok=True)
        (agent / ".git" / "hooks" / hook).write_bytes(script.read_bytes())
        (agent / ".git" / "hooks" / hook).chmod(0o755)
    write(
        agent, {".gitattributes": "* filter=evil diff=evil merge=evil\n*.py ident text eol=crlf\n", "calc.py": GOOD}
    )
    work = collect_work(agent, store)
    store.patch(work.tree)
    store.checkout(work.tree, tmp_path / "checkout")
    assert (tmp_path / "checkout" / "calc.py").read_text() == GOOD
    assert not mark.exists()


@pytest.mark.parametrize("path", ["../outside.py", "/etc/outside.py", ".git/hooks/post-commit", "a/../../b"])
def test_a_patch_cannot_leave_the_tree(path: str, store: Store) -> None:
    with pytest.raises(GitError):
        store.apply(store.tree(store.base), added(path, "x = 1\n").encode())


def test_a_patch_cannot_write_through_a_link(store: Store, solved: Solved, agent: Path, tmp_path: Path) -> None:
    (agent / "way").symlink_to(tmp_path)
    tree = collect_work(agent, store).tree
    with pytest.raises(GitError):
        store.apply(tree, added("way/out.py", "x = 1\n").encode())
    assert not (tmp_path / "out.py").exists()


async def test_a_link_in_the_place_of_the_tests_is_replaced(
    grader: Grader, agent: Path, store: Store, tmp_path: Path
) -> None:
    subprocess.run(["rm", "-r", agent / "tests"], check=True)
    (agent / "tests").symlink_to(tmp_path)
    write(agent, {"calc.py": GOOD})
    grade = await grader.grade(store, collect_work(agent, store).tree, "double")
    assert grade.passed, grade.reason
    assert not (tmp_path / "test_double.py").exists()


async def test_hidden_tests_that_do_not_apply_are_the_pools_fault(
    pool: Pool, cache: Path, tmp_path: Path, store: Store
) -> None:
    write(tmp_path, {"bad.patch": "--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-a\n+b\n"})
    feature = pool.features[0].model_copy(update={"tests": str(tmp_path / "bad.patch")})
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        with pytest.raises(SetupError):
            await grader.run_tests(store, grader.seed.tree, feature)


def report(tests: dict[str, str], exit_code: int = 0, ran: bool = True) -> TestReport:
    return TestReport.model_validate(
        {"tests": tests, "ran": ran, "exit_code": exit_code, "timed_out": False, "duration_s": 1, "tail": ""}
    )


@pytest.mark.parametrize(
    ("tests", "exit_code", "passed"),
    [
        ({"new": "passed", "old": "passed"}, 0, True),
        ({"new": "skipped", "old": "passed"}, 0, False),
        ({"old": "passed"}, 0, False),
        ({"new": "passed", "old": "failed"}, 1, False),
        ({"new": "passed", "old": "passed"}, 1, False),
        ({"new": "passed", "old": "passed", "other": "skipped"}, 0, True),
    ],
)
def test_skipped_or_missing_is_not_passed(tests: dict[str, str], exit_code: int, passed: bool) -> None:
    expected = Expectation(
        fail_to_pass=("new",), pass_to_pass=("old",), vacuous=False, reference_passes=True, exit_code=0
    )
    assert judge("f", expected, report(tests, exit_code)).passed is passed


async def test_tests_whose_names_change_are_counted(
    pool: Pool, cache: Path, tmp_path: Path, store: Store, solved: Solved
) -> None:
    test = "import uuid\nimport calc\nimport pytest\n\n\n"
    test += "@pytest.mark.parametrize('a', [uuid.uuid4(), uuid.uuid4()], ids=str)\n"
    test += "def test_double(a):\n    assert calc.double(4) == 8\n\n\ndef test_steady():\n    assert calc.double(1)\n"
    write(tmp_path, {"tests.patch": added("tests/test_double.py", test)})
    feature = pool.feature("double").model_copy(update={"tests": str(tmp_path / "tests.patch")})
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        expected = await grader.expectation(feature)
        assert expected.fail_to_pass == ("tests/test_double.py::test_steady",)
        assert expected.volatile == {"tests/test_double.py::test_double[*]": 2}
        assert (await grader.grade(store, solved({"calc.py": GOOD}), feature)).passed
        wrong = await grader.grade(store, solved({"calc.py": GOOD.replace("add(a, a)", "a or 9")}), feature)
    assert wrong.broken == ("tests/test_double.py::test_double[*] (0 of 2)",)
