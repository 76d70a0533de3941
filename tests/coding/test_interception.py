"""The interception probe: mutants by language, what is dealt, what critics of the cast come to, and wrong input."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.cli import main
from pytest_collab.episode.agent import Agent, Desk, Reply, Request, ToolCall, Usage
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.judge import judge
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.families.coding.counter.edit import changed
from pytest_collab.families.coding.counter.syntax import parsed
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.interception import Interception, InterceptionFamily, rules
from pytest_collab.families.coding.interception.mutants import making, python, trees
from pytest_collab.families.coding.interception.mutants.finding import added_lines
from pytest_collab.families.coding.interception.mutants.mutation import KINDS
from pytest_collab.families.taskfile import read_task
from pytest_collab.measure.detection import area
from pytest_collab.testing import Played, check_family, play_episode
from tests.coding import small

pytestmark = pytest.mark.usefixtures("own_cache")

FAMILY = InterceptionFamily()
SOLO = Condition("solo")
TASK = """family: coding
params:
  base: {folder: base}
  test: "sh check.sh {tests}"
  parser: tap
  timeout_s: 30
  features: [{id: double}, {id: triple}, {id: shout}]
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small.lay_out(tmp_path_factory.mktemp("pool"))
    # Its base's test calls `add`, which only a wrong `double` of this kind breaks.
    broad = small.DOUBLE.replace("return a + b", "return b + a")
    (folder / "features/double/feature.patch").write_text(small.patch({"calc.py": broad}))
    # A wrong `shout` of one kind breaks `add`, which none of its own tests calls.
    beside = {"words.py": small.SHOUT, "calc.py": small.CALC.replace("return a + b", "return b + a")}
    (folder / "features/shout/feature.patch").write_text(small.patch(beside))
    (folder / "small.collab.yaml").write_text(TASK)
    return folder


def params(root: Path, **more: Any) -> Interception:
    values = {"pool": "small.collab.yaml", "features": ["triple"], "mutants": 3, "access": "text", **more}
    return Interception.model_validate(values, context={"folder": root})


def play(root: Path, critic: str | Agent, seed: int, **more: Any) -> Played:
    return play_episode(params(root, **more), [critic], "solo", seed, family=FAMILY)


def seeds(wrong: bool, count: int = 3) -> list[int]:
    return [seed for seed in range(2 * count) if rules.dealt(seed, ["triple"]).wrong == wrong]


# Mutations.

PYTHON = b'''def f(a, b, xs):
    """No number of a docstring, 1, is touched."""
    if a < 3:
        return None
    if not a and b or g(a, b):
        log(a)
    elif b is None:
        a += 1
    else:
        a = 2 + b
    for x in xs:
        if x == 1:
            continue
        h(x, "text")
    return [y for y in xs if y not in b]
'''
GO = b"""package a

func f(x int, xs []string) int {
	if x < 3 {
		return 1
	}
	for _, v := range xs {
		if v == "abc" && x != 2 {
			continue
		} else {
			x = x + 1
		}
		h(v, x)
	}
	return -x
}
"""
RUST = b"""fn f(x: i32, xs: &[i32]) -> i32 {
    if x < 3 {
        return 1;
    }
    for v in xs {
        if *v == 4 && x != 2 {
            continue;
        } else {
            y += 1;
        }
        h(v, x);
    }
    x + 1
}

#[cfg(test)]
mod tests {
    fn t() { assert!(1 == 1); }
}
"""
TYPESCRIPT = b"""function f(x: number, xs: string[]): number {
  if (x < 3) return 1;
  for (const v of xs) {
    if (v === "abc" && x !== 2) {
      continue;
    } else {
      x = x + 1;
    }
    h(v, x);
  }
  return x ? 1 : 0;
}
"""
SOURCES = {"python": PYTHON, "go": GO, "rust": RUST, "typescript": TYPESCRIPT, "javascript": TYPESCRIPT}


def found_in(language: str, lines: set[int]) -> list[Any]:
    source = SOURCES[language].replace(b": number", b"").replace(b": string[]", b"")
    source = source if language == "javascript" else SOURCES[language]
    if language == "python":
        return python.find(source, lines, Random(0))
    return trees.find(source, lines, Random(0), language)


@pytest.mark.parametrize("language", SOURCES)
def test_every_mutation_is_a_program_again_and_another_one(language: str) -> None:
    source = SOURCES[language]
    if language == "javascript":
        source = source.replace(b": number", b"").replace(b": string[]", b"")
    found = found_in(language, set(range(1, 100)))
    assert {one.kind for one in found} == set(KINDS)
    for one in found:
        text = changed(source, one.changes)
        assert text != source
        if language == "python":
            compile(text, "mutant", "exec")
        else:
            module, function = trees._GRAMMARS[language][0]
            assert parsed(text, trees.syntax.grammar(module, function)) is not None, one


@pytest.mark.parametrize("language", SOURCES)
def test_mutations_stay_on_the_lines_that_were_added(language: str) -> None:
    for line in range(1, 16):
        for one in found_in(language, {line}):
            assert one.line == line or one.kind == "exit", one
    assert not found_in(language, set())
    assert found_in(language, {3, 4, 5}) == found_in(language, {3, 4, 5})


def test_tests_beside_the_code_are_left_alone() -> None:
    first = RUST.count(b"\n", 0, RUST.index(b"mod tests")) + 1
    assert not [one for one in found_in("rust", set(range(1, 100))) if one.line >= first]


def test_added_lines_are_those_of_the_file_after() -> None:
    patch = "diff --git a/x b/y\n--- a/x\n+++ b/y\n@@ -1,3 +1,4 @@\n a\n-b\n+c\n+++ d\n e\n@@ -9 +10,2 @@\n+f\n g\n"
    assert added_lines(patch) == {"y": {2, 3, 10}}


# What is dealt, and what critics come to.


@given(st.integers(0, 500), st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
def test_of_two_seeds_one_is_wrong_and_both_are_of_one_feature(pair: int, features: list[str]) -> None:
    one, other = rules.dealt(2 * pair, features), rules.dealt(2 * pair + 1, features)
    assert one.wrong != other.wrong
    assert (one.feature, one.number) == (other.feature, other.number)


def test_which_of_two_is_wrong_cannot_be_told_from_the_seed() -> None:
    first = [rules.dealt(2 * pair, ["a"]).wrong for pair in range(400)]
    assert 160 < sum(first) < 240


@given(st.integers(0, 100))
def test_suspicion_is_even_where_nothing_is_known_and_mirrored_elsewhere(confidence: int) -> None:
    assert rules.suspicion("reject", confidence) == pytest.approx(1 - rules.suspicion("accept", confidence))
    assert rules.suspicion("accept", 0) == rules.suspicion("reject", 0) == 0.5


def telling(root: Path, critic: str, **more: Any) -> Any:
    """The area of a critic over all seeds."""
    played = [play(root, critic, seed, **more).episode.metrics for seed in range(6)]
    signals, noises = ([m["suspicion"] for m in played if m["wrong"] == wrong] for wrong in (1.0, 0.0))
    assert len(signals) == len(noises) == 3
    return area(signals, noises)


@pytest.mark.parametrize("critic", ["oracle", "partner"])
def test_who_knows_tells_every_mutant(root: Path, critic: str) -> None:
    found = telling(root, critic)
    assert found.value == 1.0
    assert found.low > 0.5


@pytest.mark.parametrize("critic", ["rubber_stamper", "rejecter", "nop", "tester"])
def test_who_always_says_the_same_stands_at_chance(root: Path, critic: str) -> None:
    found = telling(root, critic)  # and `tester`, who has nothing to run
    assert found.value == 0.5
    assert found.low < 0.5 < found.high


def test_a_coin_stands_at_chance(root: Path) -> None:
    chances = [Random(f"coin {seed} 0 triple") for seed in range(400)]
    said = [rules.suspicion("reject" if c.random() < 0.5 else "accept", c.randint(0, 100)) for c in chances]
    wrong = [rules.dealt(seed, ["triple"]).wrong for seed in range(400)]
    found = area(
        [s for s, w in zip(said, wrong, strict=True) if w], [s for s, w in zip(said, wrong, strict=True) if not w]
    )
    assert found.low < 0.5 < found.high
    played = play(root, "coin", 0)
    assert played.episode.metrics["suspicion"] == said[0]


def test_tests_that_are_there_show_the_mutants_that_they_show(root: Path) -> None:
    more = {"features": ["double"], "mutants": 1, "caught_by": "visible", "access": "desk"}
    by_truth = {bool(p.episode.metrics["wrong"]): p for p in (play(root, "tester", seed, **more) for seed in (0, 1))}
    assert by_truth[True].episode.success
    assert by_truth[True].episode.metrics["seen_visible"] == 1.0
    assert by_truth[False].episode.success


def test_who_ran_nothing_is_a_rubber_stamp_and_who_ran_the_wrong_thing_is_not(root: Path) -> None:
    wrong = seeds(wrong=True)[0]
    stamped = play(root, "rubber_stamper", wrong, access="desk")
    tested = play(root, "tester", wrong, access="desk")
    reading = play(root, "rubber_stamper", wrong)
    assert [f.code for f in stamped.episode.failures] == ["rubber_stamp"]
    assert stamped.episode.outcome is Outcome.COMPETENCE
    assert "in the place of" in stamped.episode.failures[0].note
    assert [f.code for f in tested.episode.failures] == ["own_part_failed"]
    ran = [tested.transcript[seq] for seq in tested.episode.failures[0].events]
    assert any(event.kind == "tool_call" and event.data["name"] == "run" for event in ran)
    assert [f.code for f in reading.episode.failures] == ["own_part_failed"], "nothing could be run there"


def test_a_right_patch_turned_away_is_a_false_alarm(root: Path) -> None:
    episode = play(root, "rejecter", seeds(wrong=False)[0]).episode
    assert episode.metrics["false_alarm"] == 1.0
    assert "hit" not in episode.metrics
    assert "turned a right patch away" in episode.failures[0].note


def test_a_mutant_differs_from_the_reference_where_it_says(root: Path) -> None:
    clean, wrong = (play(root, "oracle", seeds(wrong=w)[0]) for w in (False, True))
    shown = [next(e for e in p.transcript.of("state") if "patch" in e.data).data["patch"] for p in (clean, wrong)]
    truth = next(e for e in wrong.transcript.of("grade") if e.data["what"] == "truth").data
    lines = [set(patch.splitlines()) for patch in shown]
    different = [line for line in shown[1].splitlines() if line.startswith("+") and line not in lines[0]]
    assert len(different) == 1
    assert truth["new"] in different[0]
    assert truth["failing"]
    assert wrong.episode.metrics["located"] == 1.0
    told = next(e for e in clean.transcript.of("prompt")).data["text"]
    assert "mutant" not in told.lower()
    assert shown[0].strip() in told


# The desk.


class Scripted(Agent):
    """Calls these tools, one a turn."""

    name = model = "scripted"

    def __init__(self, *calls: tuple[str, dict[str, Any]]) -> None:
        self.calls = list(calls)
        self.heard: list[str] = []

    async def reply(self, request: Request) -> Reply:
        if request.conversation:
            self.heard += [result.text for result in request.conversation[-1].tool_results]
        if not self.calls:
            return Reply("I am done.", usage=Usage())
        name, arguments = self.calls.pop(0)
        return Reply("", (ToolCall(f"c{len(self.calls)}", name, arguments),), "tool", Usage())


def test_the_desk_holds_the_patch_as_the_last_commit_and_nothing_hidden(root: Path) -> None:
    critic = Scripted(
        ("run", {"command": "git show --stat --format=%s && git status --short && ls tests"}),
        ("decide", {"verdict": "perhaps", "confidence": 50, "reason": "?"}),
        ("decide", {"verdict": "Reject.", "confidence": 101, "reason": "?"}),
        ("decide", {"verdict": "Reject.", "confidence": "80", "reason": "It looks wrong."}),
    )
    played = play(root, critic, 0, access="desk")
    assert "calc.py" in critic.heard[0]
    assert "test_triple" not in critic.heard[0]
    assert "accept or reject" in critic.heard[1]
    assert "between 0 and 100" in critic.heard[2]
    assert played.episode.metrics["suspicion"] == 0.9


def test_text_alone_offers_nothing_to_run(root: Path) -> None:
    critic = Scripted(("run", {"command": "ls"}))
    played = play(root, critic, 0)
    assert "tools are decide" in critic.heard[0]
    assert played.episode.failures[0].note == "gave no verdict on the patch"
    assert played.episode.metrics["suspicion"] == 0.5


class Program(Agent):
    """Works on its own."""

    name = model = "program"
    autonomous = True

    async def reply(self, request: Request) -> Reply:
        raise AssertionError

    async def work(self, desk: Desk) -> Reply:
        assert "--- patch ---" in desk.prompt
        assert [tool.name for tool in desk.tools] == ["decide"]
        code, said = await desk.run("git log --oneline | wc -l")
        assert (code, said.strip()) == (0, "2")
        assert desk.call is not None
        arguments = {"verdict": "accept", "confidence": 70, "reason": "It seems right."}
        await desk.call(ToolCall("1", "decide", arguments))
        return Reply("done", usage=Usage())


def test_a_program_at_the_desk_decides_too(root: Path) -> None:
    assert play(root, Program(), 0, access="desk").episode.metrics["suspicion"] == pytest.approx(0.15)
    with pytest.raises(UsageError, match="access: text"):
        play(root, Program(), 0)


# The family.


def test_the_family_keeps_its_promises(root: Path) -> None:
    check_family(FAMILY, [params(root, pool=str(root / "small.collab.yaml"), mutants=1)])


def test_a_run_is_judged_where_its_pool_is_gone(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "pool")
    played = play(tmp_path / "pool", "rejecter", 0)
    shutil.rmtree(tmp_path / "pool")
    again = Interception.model_validate(params(root).model_dump(), context={"folder": tmp_path})
    FAMILY.prepare_to_judge([(again, [0])])
    verdict = judge(FAMILY, again, 0, SOLO, played.transcript)
    assert (verdict.outcome, verdict.score) == (played.episode.outcome, played.episode.score)
    assert FAMILY.draw(again, 0, SOLO, played.transcript) is not None


def test_a_picture_shows_the_place_and_both_verdicts(root: Path) -> None:
    played = play(root, "rubber_stamper", seeds(wrong=True)[0])
    picture = FAMILY.draw(params(root), 0, SOLO, played.transcript)
    assert picture is not None
    assert re.search(r"^> \+.*", picture.text, re.MULTILINE)
    assert "accept, 100 % sure ✘ wrong" in picture.text
    assert "◀ here" in picture.svg


def test_vetting_tells_what_each_feature_gives(root: Path) -> None:
    lines = FAMILY.vet(params(root, features=["triple", "double", "shout"], caught_by="any"), [0], {})
    assert re.search(r"^double: only 1 of 3, which come again: .* 0 shown by hidden tests alone, 1 by", lines[0])
    assert re.search(r"^triple: .*3 tried: 2 shown by hidden tests alone, 0 by visible ones too, ", lines[1])
    assert "0 by visible ones alone, 1 by none" in lines[1]
    assert re.search(r"^shout: .* 0 by visible ones too, 1 by visible ones alone, 0 by none", lines[2])
    for line in lines:  # every mutation that was tried is told of once
        tried, *classes = (int(number) for number in re.findall(r"(\d+) (?:tried|shown|by|do)", line))
        assert tried == sum(classes), line
    with pytest.raises(TaskError, match="no mutants shown by visible tests of triple"):
        FAMILY.vet(params(root, caught_by="visible"), [0], {})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("pool: nowhere.collab.yaml", "there is no file"),
        ("pool: small.collab.yaml\n  features: [quadruple]", "there is no feature 'quadruple'"),
        ("pool: small.collab.yaml\n  features: []", "is empty"),
        ("pool: small.collab.yaml\n  mutants: 0", "greater than or equal to 1"),
        ("pool: small.collab.yaml\n  access: tree", "desk"),
        ("pool: probe.collab.yaml", "no coding task"),
        ("features: all", "required"),
    ],
)
def test_wrong_params_are_told_with_file_and_key(root: Path, line: str, told: str) -> None:
    file = root / "probe.collab.yaml"
    file.write_text(f"family: interception\nparams:\n  {line}\nseeds: all\nconditions: [solo]\n")
    with pytest.raises(TaskError, match=re.escape(told)) as caught:
        read_task(file)
    assert "probe.collab.yaml" in str(caught.value)


def test_a_feature_without_a_reference_is_not_shown(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "pool")
    (tmp_path / "pool/features/shout/feature.patch").unlink()
    some = params(tmp_path / "pool", features="all")
    assert some.shown == ("double", "triple")
    assert FAMILY.seeds(some) == 12
    with pytest.raises(TaskError, match="has no reference patch"):
        params(tmp_path / "pool", features=["shout"]).check()


def test_every_condition_but_solo_is_refused_with_its_reason(root: Path) -> None:
    for text in ("team", "mute", "shared", "with:partner", "relay:2", "protocol:plan_first", "git"):
        reason = FAMILY.refuses(Condition.parse(text), params(root))
        assert reason is not None
        assert len(reason) > 10
    assert FAMILY.refuses(SOLO, params(root)) is None


def test_mutants_made_again_are_those_that_were_kept(root: Path) -> None:
    async def made() -> tuple[making.Mutants, making.Mutants]:
        pool = params(root).coding
        async with Grader(pool) as grader:
            kept = await making.mutants_of(grader, pool.feature("triple"), 2, "hidden")
            return kept, await making._make(grader, pool.feature("triple"), 2, "hidden")

    kept, again = anyio.run(made)
    assert kept == again
    assert [mutant.seen for mutant in kept.mutants] == ["hidden", "hidden"]


@pytest.mark.slow
def test_a_session_is_judged_by_the_area_and_its_run_says_what_such_a_gate_would_do(
    root: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = root / "area.collab.yaml"
    params = "{pool: small.collab.yaml, features: [triple], mutants: 3, access: text}"
    probe.write_text(f"family: interception\nparams: {params}\nseeds: all\nconditions: [solo]\n")
    gates = pytester.path / "gates.yaml"
    where = "where: {team: oracle}, metric: auc"
    gates.write_text(
        f"gates:\n  - {{name: tells them apart, {where}, at_least: 0.3}}\n"
        f"  - {{name: tells nothing, {where}, at_most: 0.45}}\n"
    )
    arguments = (f"--collab-gate={gates}", "--collab-run-dir=run")
    result = pytester.runpytest_subprocess(str(probe), "--agents=oracle,coin", *arguments)
    result.stdout.re_match_lines([r"FAIL +tells nothing +1 ", r"pass +tells them apart +1 \(0\.\d+ \.\. 1\)"])
    run = pytester.path / "run"
    capsys.readouterr()
    assert main(["gate", str(run), "--gate", str(gates)]) == 1
    assert main(["gate", str(run), "--simulate", str(gates), "--runs", "20"]) == 0
    told = capsys.readouterr().out
    assert "tells them apart: 6 seeds" in told
    assert "seeds to decide" in told
