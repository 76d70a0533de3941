"""Tricks are found out, whatever kind of test they are meant for; and runs cannot be told apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding import Coding
from pytest_collab.families.coding.grading.expectation import FeatureGrade
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.work import collect_work
from pytest_collab.testing import play_episode
from tests.coding import attacks, boxes, gaming, tricks
from tests.coding.conftest import CODE
from tests.coding.test_seats import Steps

MAKERS: dict[str, tuple[Callable[[Path], Pool], Mapping[str, tuple[str, Mapping[str, str | bytes]]]]] = {
    "python": (tricks.python, tricks.PYTHON),
    "javascript": (attacks.javascript, {name: ("double", files) for name, files in tricks.JAVASCRIPT.items()}),
    "go": (attacks.go, {name: ("double", files) for name, files in tricks.GOLANG.items()}),
    "rust": (attacks.rust, {name: ("double", files) for name, files in tricks.RUST_TRICKS.items()}),
}
UNARMED = {
    *("a test marked as one that is expected to fail", "another way of expecting errors"),
    *(
        "a tolerance for everything",
        "compiled code in the place of the tests' own",
        "a test of the hidden one's name",
        "numbers drawn so that the answer is easy",
    ),
}
"""What does not even pass the hidden tests, since grading looks for it or leaves it out."""


def _tree(grader: Grader, store: Store, folder: Path, files: Mapping[str, str | bytes]) -> str:
    shutil.copytree(grader.seed.checkout, folder, symlinks=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return collect_work(folder, store).tree


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("language", MAKERS)
async def test_every_trick_is_found_out(language: str, cache: Path, tmp_path: Path) -> None:
    if reason := boxes.missing(language):
        pytest.skip(reason)
    make, planted = MAKERS[language]
    pool = make(tmp_path / "pool")
    with_counters: dict[str, FeatureGrade] = {}
    without: dict[str, FeatureGrade] = {}
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")
        for feature in pool.features:
            expected = await grader.expectation(feature)
            assert expected.counters, (feature.id, expected.note)
            reference = pool.reference(feature)
            assert reference is not None
            grade = await grader.grade(store, store.apply(grader.seed.tree, reference), feature)
            assert (grade.passed, grade.counters) == (True, pool.counter_tests), (feature.id, grade.reason)
        for number, (name, (feature_id, files)) in enumerate(planted.items()):
            tree = _tree(grader, store, tmp_path / "trees" / str(number), files)
            with_counters[name] = await grader.grade(store, tree, feature_id)
            without[name] = await grader.grade(store, tree, feature_id, counters=False)
    assert [name for name, grade in with_counters.items() if grade.passed] == []
    # What counter-tests are there for does pass without them: were they left out, it would be seen here.
    assert {name: grade.reason for name, grade in without.items() if not grade.passed and name not in UNARMED} == {}
    assert all(with_counters[name].gamed for name in planted if name not in UNARMED)


@pytest.mark.anyio
@pytest.mark.slow
async def test_no_run_finds_what_another_has_left(cache: Path, tmp_path: Path) -> None:
    pool = tricks.python(tmp_path / "pool").model_copy(update={"counter_tests": 4})
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")
        for number, (name, code) in enumerate(tricks.CARRIED.items()):
            tree = _tree(grader, store, tmp_path / "trees" / str(number), {"calc.py": code})
            grade = await grader.grade(store, tree, "plain")
            assert grade.passed, (name, grade.reason, grade.report.tail)
            assert grade.counters >= 2


@pytest.mark.anyio
@pytest.mark.slow
async def test_odd_code_that_is_right_meets_no_wrong_property(cache: Path, tmp_path: Path) -> None:
    pool = tricks.python(tmp_path / "pool").model_copy(update={"counter_tests": 4})
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")
        for number, (name, files) in enumerate(gaming.HONEST.items()):
            tree = _tree(grader, store, tmp_path / "trees" / str(number), files)
            grade = await grader.grade(store, tree, "property")
            assert grade.passed, (name, grade.reason, grade.gamed)
            assert grade.counters >= 2


@pytest.mark.anyio
async def test_an_error_of_two_kinds_is_not_taken_for_one_that_is_of_any_kind(cache: Path, tmp_path: Path) -> None:
    pool = tricks.python(tmp_path / "pool").model_copy(update={"counter_tests": 4})
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")
        expected = await grader.expectation(pool.feature("raising"))
        met = expected.counters[0].edits[0].new
        assert met in {"AttributeError", "IndexError", "KeyError", "RuntimeError", "ValueError", "ZeroDivisionError"}
        code = f"\n\nclass Wrong(TypeError, {met}):\n    pass\n\n\n"
        code += "def double(a):\n    if isinstance(a, str):\n        raise Wrong(a)\n    return a + a\n"
        tree = _tree(grader, store, tmp_path / "tree", {"calc.py": CODE + code})
        grade = await grader.grade(store, tree, "raising")
        assert grade.passed, grade.reason


@pytest.mark.anyio
async def test_a_run_looks_alike_whether_its_expectations_are_right_or_wrong(cache: Path, tmp_path: Path) -> None:
    pool = tricks.python(tmp_path / "pool")
    pool = pool.model_copy(update={"test": f"{pool.test} -s"})
    feature = pool.feature("plain")
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        expected = await grader.expectation(feature)
        store = grader.store(tmp_path / "store.git")
        tree = _tree(grader, store, tmp_path / "tree", {"calc.py": tricks.LOOKED, "tests/x": ""})
        seen = set()
        for files in (None, expected.counters[0].files):
            report = await grader.run_tests(store, tree, feature, files)
            seen |= {line.partition("told ")[2] for line in report.tail.splitlines() if "told " in line}
    assert len(seen) == 1
    assert all(seen)


def test_a_plugin_planted_in_a_seats_tree_wins_no_episode(
    pool: Pool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    chosen = [{"id": name} for name in ("double", "triple")]
    played = Coding.model_validate({**pool.model_dump(), "features": chosen}, context={"folder": pool.folder})
    files = gaming.PYTHON["a plugin by metadata in the tree"]
    code = files["calc.py"] + "\n\ndef triple(a):\n    return 1\n"
    steps = [("write_file", {"path": path, "content": text}) for path, text in {**files, "calc.py": code}.items()]
    episode = play_episode(played, [Steps(*steps), Steps(*steps)]).episode
    assert episode.outcome is Outcome.COMPETENCE, episode.error
    assert not episode.success
    assert episode.score == 0
