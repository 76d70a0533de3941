"""Collection: names, selection, and mistakes told in a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

YAML = "family: handshake\nparams: {numbers: 10}\nseeds: 2\nconditions: [solo, team]\n"


def write(suite: pytest.Pytester, text: str, name: str = "shake.collab.yaml") -> None:
    (suite.path / name).write_text(text)


def collected(suite: pytest.Pytester, *args: str) -> list[str]:
    result = suite.runpytest_inprocess("--co", "-q", *args)
    return [line for line in result.outlines if "::" in line]


def test_names_are_stable_and_readable(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    assert collected(suite, "--agents=partner,silent", "--collab-pairing=cross", "--collab-seeds=1") == [
        "shake.collab.yaml::shake[solo-partner-s0]",
        "shake.collab.yaml::shake[solo-silent-s0]",
        "shake.collab.yaml::shake[team-partner+silent-s0]",
        "shake.collab.yaml::shake[team-silent+partner-s0]",
    ]


def test_collecting_alone_writes_nothing(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    collected(suite, "--agents=partner")
    assert not (suite.path / ".collab").exists()


def test_items_are_selected_like_any_others(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    agents = "--agents=partner,silent"
    assert len(collected(suite, agents)) == 12
    assert len(collected(suite, agents, "-k", "solo and silent")) == 2
    assert len(collected(suite, agents, "-k", "handshake")) == 12
    assert len(collected(suite, agents, "-m", "collab")) == 12
    assert collected(suite, agents, "-m", "not collab") == []
    one = "shake.collab.yaml::shake[team-partner+silent-s1]"
    assert collected(suite, agents, one) == [one]


def test_options_choose_conditions_teams_seeds_and_epochs(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    assert collected(suite, "--collab-teams=partner+silent", "--collab-conditions=mute", "--collab-seed=7") == [
        "shake.collab.yaml::shake[mute-partner+silent-s7]",
        "shake.collab.yaml::shake[mute-partner+silent-s8]",
    ]
    assert collected(
        suite, "--agents=partner", "--collab-conditions=relay:2,with:partner", "--collab-epochs=2", "--collab-seeds=1"
    ) == [
        "shake.collab.yaml::shake[with:partner-partner-s0]",
        "shake.collab.yaml::shake[with:partner-partner-s0-e1]",
    ]
    relays = collected(suite, "--agents=partner,silent", "--collab-conditions=relay:2", "--collab-seeds=1")
    assert len(relays) == 2, "a relay is played by ordered pairs of different agents"


def test_ini_twins_are_the_defaults_of_options(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    suite.makeini("[pytest]\nagents = partner\ncollab_conditions = solo\ncollab_seeds = 1\n")
    assert collected(suite) == ["shake.collab.yaml::shake[solo-partner-s0]"]
    assert len(collected(suite, "--collab-seeds=3")) == 3


def test_a_function_and_a_file_say_the_same(suite: pytest.Pytester) -> None:
    write(suite, YAML, "same.collab.yaml")
    suite.makepyfile(
        test_it="""
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(numbers=10), seeds=2, conditions=["solo", "team"])
        def test_other(episode): pass
        """
    )
    names = collected(suite, "--agents=partner")
    assert [name.partition("[")[2] for name in names if "same" in name] == [
        name.partition("[")[2] for name in names if "other" in name
    ]


def test_a_team_too_large_for_the_table_is_skipped_with_the_reason(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    result = suite.runpytest_inprocess("--collab-teams=partner+partner+partner", "-rs", "--collab-conditions=team")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*has 3 agents for 2 seats*"])


def test_a_player_that_the_family_does_not_cast_is_skipped_with_the_reason(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    result = suite.runpytest_inprocess("--agents=partner,overwriter", "--collab-pairing=self", "-rs")
    result.assert_outcomes(passed=4, skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED*family 'handshake' casts no 'overwriter'; it has partner, silent*"])


def test_a_task_like_another_takes_over_what_it_does_not_say(suite: pytest.Pytester) -> None:
    folder = suite.mkdir("shipped")
    (folder / "shake.collab.yaml").write_text(YAML + "name: first\n")
    own = "like: ../shipped/shake.collab.yaml\nparams: {turns: 9}\nconditions: [solo]\n"
    (suite.mkdir("mine") / "other.collab.yaml").write_text(own)
    names = collected(suite, "mine", "--agents=partner")
    assert names == [f"mine/other.collab.yaml::other[solo-partner-s{seed}]" for seed in (0, 1)]


def test_a_mistake_in_the_task_that_another_is_like_is_told_where_it_stands(suite: pytest.Pytester) -> None:
    write(suite, "family: handshake\nseeds: -1\n", "model.collab.yaml")
    write(suite, "like: model.collab.yaml\nfamily: maze\nseeds: 1\n", "other.collab.yaml")
    result = suite.runpytest_inprocess("other.collab.yaml", "--agents=partner")
    result.stdout.fnmatch_lines(["*model.collab.yaml:2: seeds: -1 is not between 1 and*"])
    write(suite, "family: handshake\n", "model.collab.yaml")
    result = suite.runpytest_inprocess("other.collab.yaml", "--agents=partner")
    result.stdout.fnmatch_lines(["*other.collab.yaml:2: family: model.collab.yaml is of family handshake*"])


MISTAKES = {
    "no-yaml": ("family: [", "shake.collab.yaml:1: not valid YAML*"),
    "not-a-mapping": ("- 1\n", "shake.collab.yaml:1: a task file must be a mapping"),
    "empty": ("", "shake.collab.yaml:1: a task file must be a mapping"),
    "no-family": ("seeds: 1\n", "shake.collab.yaml:1: key 'family' is missing"),
    "unknown-family": ("family: handshak\n", "*:1: family: unknown family 'handshak'", "*Did you mean 'handshake'?*"),
    "unknown-key": ("family: handshake\nsedes: 3\n", "*:2: sedes: unknown key", "*Did you mean 'seeds'?*"),
    "unknown-param": (
        "family: handshake\nparams:\n  number: 3\n",
        "*:3: params.number: unknown key",
        "*Did you mean 'numbers'? Keys are numbers, turns.",
    ),
    "wrong-type": (
        "family: handshake\nparams:\n  turns: 3\n  numbers: many\n",
        "*:4: params.numbers: 'many': Input should be a valid integer*",
        "*numbers: how many numbers there are",
    ),
    "wrong-range": ("family: handshake\nparams: {turns: 0}\n", "*:2: params.turns: 0: Input should be greater*"),
    "unknown-condition": (
        "family: handshake\nconditions: [git]\n",
        "*:2: conditions*: 'git': family 'handshake' has no condition 'git'",
    ),
    "empty-argument": ("family: handshake\nconditions: ['relay:x']\n", "*conditions*'relay:x'*not a positive*"),
    "unknown-partner": (
        "family: handshake\nconditions: ['with:partnr']\n",
        "*conditions: 'with:partnr': unknown agent 'partnr'. Did you mean 'partner'?*",
    ),
    "bad-seeds": ("family: handshake\nseeds: -1\n", "*:2: seeds: -1 is not between 1 and*"),
    "seed-twice": ("family: handshake\nseeds: [1, 1]\n", "*:2: seeds: the list is empty, too long, or names a seed*"),
    "bad-limit": ("family: handshake\nlimits:\n  second: 3\n", "*:3: limits.second: unknown key", "*'seconds'*"),
    "key-twice": ("family: handshake\nseeds: 1\nseeds: 2\n", "*:3: key 'seeds' is given twice"),
    "tag": ("family: !!python/object/apply:os.system ['true']\n", "*:1: tag *is not allowed"),
    "own-tag": ("family: !x handshake\n", "*:1: tag '!x' is not allowed"),
    "binary": (b"\xff\xfe\x00\x01", "*shake.collab.yaml: not UTF-8 text*"),
    "huge": ("# " + "x" * 1_100_000, "*shake.collab.yaml: the file has 11000?? bytes"),
    "alias-bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join(['*' + p] * 10)}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)),
        "*the document is too large or nests too deep*",
    ),
    "like-nothing": ("like: shak.collab.yaml\n", "*:1: like: 'shak.collab.yaml' is no file*"),
    "like-itself": ("params: {turns: 3}\nlike: shake.collab.yaml\n", "*:2: like: shake.collab.yaml is like another*"),
    "deep": ("params: " + "[" * 3000 + "]" * 3000, "*shake.collab.yaml*"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_file_names_place_value_and_remedy(suite: pytest.Pytester, mistake: str) -> None:
    text, *expected = MISTAKES[mistake]
    (suite.path / "shake.collab.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == 2, "a collection error"
    result.stdout.fnmatch_lines([str(line) for line in expected])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_collab/*")
    assert len(result.outlines) < 30


def test_a_mistake_in_python_names_the_line_of_the_user(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(numbers=1))
        def test_shake(episode): pass
        """
    )
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["test_it.py:4: numbers: 1: Input should be greater than or equal to 2"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_wrong_condition_in_python_is_told_like_one_in_yaml(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(), conditions=["team", "sequential"])
        def test_shake(episode): pass

        @task(Handshake())
        def test_forgot(): pass
        """
    )
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["test_it.py:4: conditions: 'sequential': family 'handshake' has no condition*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_two_tasks_of_one_name_are_refused(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    (suite.path / "sub").mkdir()
    write(suite, YAML.replace("10", "9"), "sub/shake.collab.yaml")
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*name: two tasks of family 'handshake' are called 'shake'*"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--agents=partnr"], "unknown agent 'partnr'. Did you mean 'partner'?*"),
        (["--agents=partner,,silent"], "--agents=partner,,silent: there is an empty name*"),
        (["--agents=partner", "--collab-pairing=both"], "--collab-pairing=both: choose from self, cross, all"),
        (["--agents=partner", "--collab-epochs=0"], "--collab-epochs=0: give a whole number from 1*"),
        (["--agents=partner", "--collab-conditions=relay"], "*condition 'relay' needs how many messages*"),
        (["--agents=partner", "--collab-conditions=with:nobody"], "unknown agent 'nobody'*"),
        (["--agents=partner", "--collab-max-cost=free"], "--collab-max-cost=free: give a positive number*"),
        (["--agents=partner", "--collab-resume"], "--collab-resume needs --collab-run-dir*"),
        (["--agents=partner", "--collab-stop-when-decided"], "*needs --collab-gate*"),
        (["--agents=partner", "--collab-sandbox=dokcer"], "*there is no sandbox 'dokcer'; did you mean 'docker'*"),
        (
            ["--agents=partner", "--collab-sandbox=vm"],
            "--collab-sandbox=vm: there is no sandbox 'vm'; choose one of auto, bubblewrap, docker*",
        ),
    ],
)
def test_a_wrong_option_names_itself_its_value_and_the_remedy(
    suite: pytest.Pytester, args: list[str], message: str
) -> None:
    result = suite.runpytest_inprocess(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_help_lists_every_option_under_collab(suite: pytest.Pytester) -> None:
    result = suite.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(["collaboration of agents (pytest-collab):", "*--agents=A,B*"])
    names = "teams pairing conditions epochs seeds seed run-dir resume gate baseline in-flight max-cost record replay"
    for option in (*names.split(), "sandbox", "grader"):
        assert f"--collab-{option}" in result.stdout.str()


def test_a_third_familys_name_is_taken_only_once(suite: pytest.Pytester) -> None:
    write(suite, YAML)
    (suite.path / "sub").mkdir()
    (suite.path / "sub" / "conftest.py").write_text(
        "from tests.support.handshake import HandshakeFamily\n"
        "class Other(HandshakeFamily): pass\n"
        "def pytest_collab_families(config): return [Other()]\n"
    )
    result = suite.runpytest_inprocess("--agents=partner", "sub")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*two families are called 'handshake'*"])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_mazes_that_are_possible_and_are_never_found_are_told_at_their_task(
    suite: pytest.Pytester, workers: list[str]
) -> None:
    write(suite, "family: maze\nparams: {size: 6, walls: 0.3, path: [26, 26]}\nseeds: 1\n", "rare.collab.yaml")
    write(suite, "family: maze\nparams: {size: 6}\nseeds: 1\n", "usual.collab.yaml")
    result = suite.runpytest_subprocess("--agents=partner", "--collab-conditions=solo", *workers)
    assert result.ret != 0
    text = result.stdout.str()
    assert "INTERNALERROR" not in text + result.stderr.str()
    assert text.count("ERROR rare.collab.yaml") == 1
    assert "'rare' cannot be played: path: no maze of size 6, walls=0.3 with a path of 26 to 26 moves" in text
    assert "the longest in" in text  # what to ask for instead
    assert "rare[" not in text


def test_an_agent_of_a_conftest_that_is_read_too_late_is_told_so(suite: pytest.Pytester) -> None:
    folder = suite.mkdir("tasks")
    (folder / "sub").mkdir()
    (folder / "sub" / "conftest.py").write_text("def pytest_collab_make_agent(name):\n    return None\n")
    result = suite.runpytest_subprocess("tasks", "--agents=parrot")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown agent 'parrot'*tasks/sub/conftest.py makes agents and is read too late*"])
    other = suite.runpytest_subprocess("tasks/sub", "--agents=parrot")
    assert "too late" not in other.stderr.str()


def test_the_suite_of_a_checkout_is_pointed_to(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("--pyargs", "pytest_collab.suite", "--agents=partner")
    (told,) = [line for line in result.outlines if line.startswith("the suite is in the installed wheel only")]
    assert (Path(told.rpartition("play ")[2]) / "coding").is_dir()
