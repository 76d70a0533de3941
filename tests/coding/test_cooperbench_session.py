"""`--collab-cooperbench`: a checkout's pairs as items of a session, from a dataset made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coding.cooper import Fake, build

NO_XDIST = ("-p", "no:cacheprovider")


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory) -> Fake:
    return build(tmp_path_factory.mktemp("cooper"))


@pytest.fixture
def options(fake: Fake) -> list[str]:
    return [f"--collab-cooperbench={fake.checkout}", f"--collab-cooperbench-repos={fake.mirrors}"]


def test_pairs_are_items_beside_the_sessions_own_tests(pytester: pytest.Pytester, options: list[str]) -> None:
    pytester.makepyfile("def test_own(): pass")
    result = pytester.runpytest_inprocess(*options, "--agents=silent", "--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "test_*.py::test_own",
            "cooperbench/tiny-calc7::tiny-calc7[[]solo-silent-s0]",
            "cooperbench/tiny-calc7::tiny-calc7[[]team-silent+silent-s2]",
            "7 tests collected*",
        ]
    )


def test_without_agents_a_pool_is_one_skipped_line(pytester: pytest.Pytester, options: list[str]) -> None:
    before = sorted(pytester.path.iterdir())
    result = pytester.runpytest_inprocess(*options, "-rs", *NO_XDIST)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*collaboration tasks need agents*"])
    assert sorted(pytester.path.iterdir()) == before


def test_nothing_is_written_into_the_checkout_or_the_users_tree(
    pytester: pytest.Pytester, fake: Fake, options: list[str]
) -> None:
    def files() -> list[Path]:
        return sorted(path for root in (fake.checkout, fake.mirrors, pytester.path) for path in root.rglob("*"))

    before = files()
    pytester.runpytest_inprocess(*options, "--agents=silent", "--collect-only", *NO_XDIST).assert_outcomes()
    assert files() == before


@pytest.mark.parametrize(
    ("argument", "count"),
    [
        ("cooperbench", 6),
        ("cooperbench/tiny-calc7", 6),
        ("cooperbench/tiny-calc7::tiny-calc7[team-silent+silent-s1]", 1),
    ],
)
def test_pools_and_episodes_can_be_asked_for_like_files(
    pytester: pytest.Pytester, options: list[str], argument: str, count: int
) -> None:
    pytester.makepyfile("def test_own(): pass")
    result = pytester.runpytest_inprocess(*options, argument, "--agents=silent", "--collect-only", "-q")
    result.stdout.fnmatch_lines([f"{count} test* collected*"])


def test_the_pair_of_a_subset_is_all_there_is_to_play(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_inprocess(
        *options, "--collab-cooperbench-subset=flash", "--agents=silent", "--collab-conditions=team", "--collect-only"
    )
    result.stdout.fnmatch_lines(["*tiny-calc7[[]team-silent+silent-s0]*", "*1 test collected*"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--collab-cooperbench=nowhere"], "*nowhere is no folder; give a checkout: git clone https://*"),
        (["--collab-cooperbench=."], "*holds no CooperBench dataset*git clone*"),
        (["{checkout}", "--collab-cooperbench-pools=tiny-clac"], "*no pool 'tiny-clac'; did you mean 'tiny-calc'?*"),
        (["{checkout}", "--collab-cooperbench-pools=a,,b"], "*there is an empty name*"),
        (["{checkout}", "--collab-cooperbench-subset=flush"], "*no subset 'flush'; did you mean 'flash'?*"),
        (["{checkout}", "--collab-cooperbench-repos=nowhere"], "*nowhere: no such folder*"),
        (["--collab-cooperbench-pools=click"], "*--collab-cooperbench-pools=click needs --collab-cooperbench=DIR*"),
        (
            ["{checkout}", "cooperbench/tiny-calc8"],
            "*not found: 'cooperbench/tiny-calc8'; did you mean *tiny-calc7'?*",
        ),
    ],
)
def test_a_mistake_names_the_option_the_value_and_what_to_do(
    pytester: pytest.Pytester, fake: Fake, words: list[str], told: str
) -> None:
    given = [word.replace("{checkout}", f"--collab-cooperbench={fake.checkout}") for word in words]
    result = pytester.runpytest_inprocess(*given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_a_missing_mirror_is_a_collection_error_of_its_pool(
    pytester: pytest.Pytester, fake: Fake, options: list[str]
) -> None:
    (fake.mirrors / "calc.git").rename(fake.mirrors / "other.git")
    result = pytester.runpytest_inprocess(*options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR collecting cooperbench/tiny-calc7*", "*no mirror of tiny/calc*git clone --mirror https://*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_episode_that_is_not_there_is_met_with_the_nearest(pytester: pytest.Pytester, options: list[str]) -> None:
    name = "cooperbench/tiny-calc7::tiny-calc7[team-silent+silent-s7]"
    result = pytester.runpytest_inprocess(*options, name, "--agents=silent")
    result.stdout.fnmatch_lines(["*not found: *s7]'; did you mean 'cooperbench/tiny-calc7::tiny-calc7[[]team-*"])


def test_ini_settings_do_what_options_do(pytester: pytest.Pytester, fake: Fake) -> None:
    pytester.makeini(
        f"[pytest]\ncollab_cooperbench = {fake.checkout}\ncollab_cooperbench_repos = {fake.mirrors}\n"
        "collab_cooperbench_pools = calc/7\n"
    )
    result = pytester.runpytest_inprocess("--agents=silent", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["6 tests collected*"])


@pytest.mark.slow
def test_references_meet_as_git_says_also_in_workers(
    pytester: pytest.Pytester, options: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    words = [*options, "--agents=silent", "--collab-conditions=team", "-n2", "--collab-run-dir=run", "-v"]
    result = pytester.runpytest_subprocess(*words, timeout=400)
    result.stdout.fnmatch_lines_random(
        [
            "*COORDINATION*cooperbench/tiny-calc7::tiny-calc7[[]team-silent+silent-s0]*",
            "*PASSED cooperbench/tiny-calc7::tiny-calc7[[]team-silent+silent-s1]*",
            "*PASSED cooperbench/tiny-calc7::tiny-calc7[[]team-silent+silent-s2]*",
        ]
    )
    again = pytester.runpytest_subprocess(
        *[word for word in words if word != "--collab-run-dir=run"],
        "cooperbench/tiny-calc7::tiny-calc7[team-silent+silent-s1]",
        timeout=400,
    )
    again.assert_outcomes(passed=1)
    failed = pytester.runpytest_inprocess(*options, "--agents=silent", "--lf", "--collect-only", "-q")
    failed.stdout.fnmatch_lines(["cooperbench/tiny-calc7::tiny-calc7[[]team-silent+silent-s0]", "1*test* collected*"])
