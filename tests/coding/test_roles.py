"""Roles: who may see the specification, change the tree and vouch for it, kept by mounts and told by the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError
from pytest_collab.families import get
from pytest_collab.families.coding import Coding
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.roles.breaches import breaches
from pytest_collab.families.coding.roles.telling import checked, requirements, share_told, source
from pytest_collab.families.task import make_task
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.caller import Caller

pytestmark = pytest.mark.usefixtures("own_cache")

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = {
    "double": (
        "# Double\n\nLet numbers be doubled.\n\n- `calc.double(a)` is twice `a`.\n- `calc.name()` says `doubles`.\n"
    ),
    "triple": (
        "# Triple\n\nLet numbers be tripled.\n\n- `calc.triple(a)` is 3 times `a`.\n- `calc.name()` says `triples`.\n"
    ),
    "shout": "# Shout\n\nGreet louder.\n\n- `words.greet(who)` answers in capitals.\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = small.lay_out(tmp_path_factory.mktemp("pool"))
    for name, text in SPECIFICATIONS.items():
        (found / "features" / name / "feature.md").write_text(text)
    return found


def play(root: Path, team: str | list[Agent | str], condition: str = "team", **more: Any) -> Played:
    agents = team.split("+") if isinstance(team, str) else team
    return play_episode(small.params(root, **{"roles": "teambench", **more}), agents, condition)


def heads(played: Played) -> list[tuple[str, tuple[str, ...]]]:
    return [(failure.code, failure.seats) for failure in played.episode.failures]


def run(command: str) -> tuple[str, dict[str, Any]]:
    return "run", {"command": command}


# What the sandbox keeps.


def test_who_verifies_cannot_change_the_tree_and_can_work_in_a_copy(root: Path) -> None:
    verifier = Caller(
        run("echo 'x = 1' >> calc.py; ls -l calc.py"),
        run("git commit -qam mine"),
        run("cat /spec/double.md && cd /scratch && echo 'x = 1' >> calc.py && grep -c 'x = 1' calc.py"),
        run("touch /spec/more.md"),
        ("attest", {"verdict": "Pass", "reason": "as asked"}),
    )
    played = play(root, ["partner", "partner", verifier])
    assert played.episode.success
    assert verifier.offered == {"run", "read_file", "send_message", "receive_messages", "attest"}
    assert "Read-only file system" in verifier.heard[0]
    assert "Read-only file system" in verifier.heard[1]
    assert SPECIFICATIONS["double"].strip() in verifier.heard[2]
    assert verifier.heard[2].endswith("1\n[exit status 0]")
    assert "Read-only file system" in verifier.heard[3]
    work = next(e for e in played.transcript.of("grade") if e.data["what"] == "work")
    assert "x = 1" not in work.data["diff"]
    assert played.episode.metrics["role_breach"] == 3.0


def test_who_builds_has_the_brief_and_finds_the_specification_nowhere(root: Path) -> None:
    executor = Caller(
        run("cat /spec/double.md"),
        run("find / -name double.md -not -path '/proc/*' 2>/dev/null; true"),
        ("read_file", {"path": "/spec/double.md"}),
        ("attest", {"verdict": "pass", "reason": "mine"}),
        ("finish", {}),
    )
    played = play(root, ["silent", executor], "no_verify")
    assert "Let numbers be doubled." in executor.told
    assert "twice" not in executor.told
    assert "No such file or directory" in executor.heard[0]
    assert executor.heard[1] == "[exit status 0]"
    assert "no path inside" in executor.heard[2] or "spec" in executor.heard[2]
    assert "there is no tool 'attest'" in executor.heard[3]
    assert played.episode.metrics["role_breach"] == 3.0
    assert ("role_breach", ("executor",)) in heads(played)


def test_who_plans_sees_all_and_changes_nothing(root: Path) -> None:
    planner = Caller(
        run("rm calc.py"),
        ("write_file", {"path": "calc.py", "content": ""}),
        ("read_file", {"path": "/spec/double.md"}),
        ("send_message", {"text": SPECIFICATIONS["double"], "to": "executor"}),
        ("finish", {"summary": "planned"}),
    )
    played = play(root, [planner, "partner"])
    assert played.episode.success, (played.episode.error, heads(played))
    assert "twice" in planner.told
    assert "Read-only file system" in planner.heard[0]
    assert "there is no tool 'write_file'" in planner.heard[1]
    assert planner.heard[2] == SPECIFICATIONS["double"]
    assert "delivered to executor" in planner.heard[3]
    assert played.episode.metrics["role_breach"] == 2.0


def test_roles_are_not_played_where_the_sandbox_mounts_nothing(root: Path) -> None:
    from pytest_collab.families.coding import CodingFamily

    family = CodingFamily()
    family.configure({"sandbox": "process"})
    task = small.params(root, roles="teambench")
    assert "--collab-sandbox=bubblewrap" in str(family.missing(task))
    assert family.missing(small.params(root)) is None
    episode = play_episode(task, ["partner"], family=family).episode
    assert episode.outcome is Outcome.INFRASTRUCTURE
    assert "the process sandbox mounts nothing" in str(episode.error)


# Plan, build, verify, and back.


@pytest.mark.parametrize(
    ("roles", "condition"),
    [
        ("teambench", "team"),
        ("self_collaboration", "team"),
        ("agyn", "team"),
        (["coder", "reviewer"], "shared"),
        ("teambench", "no_verify"),
        ("teambench", "with:partner"),
        ("teambench", "solo"),
    ],
)
def test_partners_succeed_in_every_role(root: Path, roles: Any, condition: str) -> None:
    played = play(root, "partner", condition, roles=roles)
    assert played.episode.success, (played.episode.error, heads(played))
    if condition == "team":
        assert played.episode.metrics["rounds_to_green"] == played.episode.metrics["submissions"] == 1.0
        assert played.episode.metrics["false_reject"] == 0.0


@pytest.mark.parametrize("condition", ["brief", "no_plan", "mute"])
def test_what_nobody_can_tell_is_left_open_and_blames_no_planner(root: Path, condition: str) -> None:
    played = play(root, "partner+partner+silent", condition)
    assert played.episode.outcome is Outcome.UNSETTLED
    assert heads(played) == [("own_part_failed", ("executor",))]
    absent = {"brief": {"planner", "verifier"}, "no_plan": {"planner"}, "mute": set()}[condition]
    asked = {event.seat for event in played.transcript.of("prompt")}
    assert asked == {"planner", "executor", "verifier"} - absent


def test_what_is_turned_down_comes_back_with_the_reason_and_is_mended(root: Path) -> None:
    played = play(root, "silent+partner+partner")
    metrics = played.episode.metrics
    assert played.episode.success, heads(played)
    assert (metrics["submissions"], metrics["rounds_to_green"], metrics["false_accept"]) == (2.0, 2.0, 0.0)
    told = [e.data for e in played.transcript.of("state") if "attested" in e.data]
    assert [one["attested"] for one in told] == ["fail", "pass"]
    assert "hand-in 1: verifier says fail (hidden tests fail)" in str(_drawn(played))


def _drawn(played: Played) -> str:
    start = played.transcript.start
    params = Coding.model_validate(start["params"])
    picture = get("coding").draw(params, 0, Condition.parse(start["condition"]), played.transcript)
    assert picture is not None
    return picture.text


def test_work_goes_back_as_often_as_the_task_says_and_then_counts_as_it_is(root: Path) -> None:
    played = play(root, "partner+deaf+partner", returns=1)
    assert played.episode.metrics["submissions"] == 2.0
    assert heads(played) == [("own_part_failed", ("executor",))]
    assert played.episode.outcome is Outcome.COMPETENCE


def test_one_who_never_hands_in_is_verified_as_it_left_and_one_who_never_attests_holds_nobody_up(root: Path) -> None:
    played = play(root, "partner+nop+partner")
    assert played.episode.metrics["submissions"] == 1.0
    assert played.episode.metrics["false_accept"] == 0.0
    played = play(root, "partner+partner+nop")
    assert played.episode.success
    assert "false_reject" not in played.episode.metrics


def test_a_verdict_that_is_neither_pass_nor_fail_attests_nothing(root: Path) -> None:
    verifier = Caller(("attest", {"verdict": "maybe", "reason": "?"}), ("attest", {"verdict": "pass", "reason": "!"}))
    played = play(root, ["partner", "partner", verifier])
    assert "verdict is 'pass' or 'fail', not 'maybe'" in verifier.heard[0]
    assert len([e for e in played.transcript.of("state") if "attested" in e.data]) == 1


# Blame.

FAULTS = [
    ("silent+partner", "no_verify", "withholding", "planner"),
    ("vague+partner", "no_verify", "withholding", "planner"),
    ("trespasser+partner", "no_verify", "role_breach", "planner"),
    ("partner+deaf+partner", "team", "own_part_failed", "executor"),
    ("partner+nop+partner", "team", "own_part_failed", "executor"),
    ("partner+trespasser+partner", "team", "role_breach", "executor"),
    ("partner+hasty+rubber_stamper", "team", "rubber_stamp", "verifier"),
    ("partner+pushover+rejecter", "team", "false_claim", "verifier"),
    ("partner+hasty+trespasser", "team", "role_breach", "verifier"),
]


@pytest.mark.parametrize(("team", "condition", "code", "seat"), FAULTS)
def test_a_fault_comes_back_under_its_name_at_its_seat_with_the_events(
    root: Path, team: str, condition: str, code: str, seat: str
) -> None:
    played = play(root, team, condition)
    headline = played.episode.failures[0]
    assert (headline.code, headline.seats) == (code, (seat,)), heads(played)
    assert played.episode.settled
    kinds = {(event.kind, event.data.get("what")) for event in played.transcript if event.seq in headline.events}
    if code == "rubber_stamp":
        assert any(e.kind == "tool_call" and "git diff" in str(e.data) for e in _events(played, headline))
        assert any(e.data.get("attested") == "pass" for e in _events(played, headline))
        assert ("own_part_failed", ("executor",)) in heads(played)
    if code == "role_breach":
        assert ("tool_call", None) in kinds
        assert ("tool_result", None) in kinds
    if code == "withholding":
        assert ("grade", "specification") in kinds
        assert "tests/test_double.py" in headline.note


def _events(played: Played, failure: Any) -> list[Any]:
    return [event for event in played.transcript if event.seq in failure.events]


def test_good_work_that_is_turned_down_to_the_end_is_a_success_and_a_false_reject(root: Path) -> None:
    played = play(root, "partner+partner+rejecter")
    assert played.episode.success
    assert played.episode.metrics["false_reject"] == 1.0
    assert played.episode.metrics["submissions"] == 4.0


def test_a_verifier_that_ran_something_is_no_rubber_stamp_whatever_it_accepts(root: Path) -> None:
    verifier = Caller(run("sh check.sh tests/test_base.py"), ("attest", {"verdict": "pass", "reason": "green"}))
    played = play(root, ["partner", "hasty", verifier])
    assert heads(played) == [("own_part_failed", ("executor",))]
    assert played.episode.metrics["false_accept"] == 1.0


@pytest.mark.parametrize(
    ("command", "said", "expected"),
    [
        ("echo x > notes.txt", "/bin/sh: 1: cannot create notes.txt: Read-only file system", 1),
        ("sed -i s/a/b/ calc.py", "sed: couldn't open temporary file ./sedAb: Read-only file system", 1),
        ("git stash", "fatal: Unable to create '/w/.git/index.lock': Read-only file system", 1),
        ("python fix.py", "OSError: [Errno 30] Read-only file system: 'calc.py'", 1),
        ("python -m pytest", "PytestCacheWarning: could not create /w/.pytest_cache: Read-only file system", 0),
        ("pytest --junitxml=report.xml", "OSError: [Errno 30] Read-only file system: '/w/report.xml'", 0),
        ("cargo test", "error: failed to create directory `/w/target`: Read-only file system (os error 30)", 0),
        ("git status", "On branch verifier", 0),
        ("echo Read-only file system", "Read-only file system", 0),
    ],
)
def test_only_what_a_command_says_that_it_writes_is_a_breach(command: str, said: str, expected: int) -> None:
    transcript = Transcript()
    asked = transcript.add("tool_call", "verifier", id="1", name="run", arguments={"command": command}, turn=0)
    transcript.add("tool_result", "verifier", id="1", text=f"{said}\n[exit status 2]", is_error=False, call=asked.seq)
    casting = Casting(("planner", "executor", "verifier"))
    assert len(breaches(casting, transcript, {"calc.py", "tests/test_base.py"})) == expected


def test_requirements_are_tied_to_the_tests_that_check_them() -> None:
    points = ("`a in ()` is a mistake.", "`not_in(x)` is the opposite.", "Mention it in the README.")
    text = "# In\n\nMembership.\n\n" + "".join(f"- {point}\n" for point in points)
    asked = requirements(text, "# In\n\nMembership.")
    assert [one.split("`")[1] for one in asked[:2]] == ["a in ()", "not_in(x)"]
    patch = (
        "diff --git a/t/test_in.py b/t/test_in.py\n--- /dev/null\n+++ b/t/test_in.py\n@@ -0,0 +1,6 @@\n"
        '+@cases("a in ()")\n+def test_mistakes(text):\n+    refuse(text)\n+\n+def test_opposite():\n'
        "+    assert not_in(1)\n"
    )
    assert "a in ()" in source(patch, "t.test_in::test_mistakes[a in ()]")
    assert checked(asked, patch, ["t/test_in.py::test_mistakes[x]", "t/test_in.py::test_opposite"]) == {
        "t/test_in.py::test_mistakes[x]": [0],
        "t/test_in.py::test_opposite": [1],
    }
    assert share_told(asked[1], "", ["Write `not_in(x)`: the opposite of in."]) == 1.0
    assert share_told(asked[0], "", ["I have a good feeling."]) == 0.0


# What is wrong in a task is said at collection.


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"roles": ["planner", "boss"]}, "there is no role 'boss'; roles are planner, analyst"),
        ({"roles": ["planner", "verifier"]}, "exactly one of executor, coder, engineer is needed, not 0"),
        ({"roles": ["executor", "planner"]}, "in the order in which they stand"),
        ({"roles": ["executor"]}, "a single role is no team"),
        ({"roles": ["coder", "tester", "reviewer"]}, "leave all but one of verifier, tester and reviewer out"),
        ({"roles": ["planner", "planner", "executor"]}, "named twice"),
        ({"roles": "bench"}, "teambench"),
        ({"returns": 2}, "no `roles` are given"),
        ({"size": 1}, "a team of 1"),
        ({"roles": "agyn", "pairs": [["double"], ["double", "triple"]]}, "must name 1 different features"),
    ],
)
def test_roles_that_cannot_be_cast_are_refused_with_the_remedy(root: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        small.params(root, **more)
    assert words in str(caught.value)


def test_a_feature_without_a_brief_is_named_with_the_file_to_write(tmp_path: Path) -> None:
    root = small.lay_out(tmp_path)
    params = small.params(root, roles="teambench")
    with pytest.raises(TaskError, match="feature 'double' has no brief") as caught:
        params.check()
    assert str(root / "features" / "double" / "brief.md") in caught.value.remedy
    for name in small.FEATURES:
        (root / "features" / name / "brief.md").write_text(f"Something about {name}.\n")
    params.check()
    assert params.brief(params.feature("double")) == "Something about double.\n"
    before = params.content()
    (root / "features" / "double" / "brief.md").write_text("Something else.\n")
    assert params.content() != before


def test_a_brief_is_title_and_first_paragraph(root: Path) -> None:
    params = small.params(root, roles="teambench")
    assert params.brief(params.feature("double")) == "# Double\n\nLet numbers be doubled."


@pytest.mark.parametrize(
    ("roles", "condition", "words"),
    [
        ("teambench", "git", "it has solo, team, mute, shared, with:AGENT, relay:K, no_plan, no_verify, brief"),
        ("teambench", "roles", "`team` is all of them"),
        (["planner", "executor"], "no_verify", "no role here does"),
        (None, "no_plan", "the task's params have no `roles`"),
    ],
)
def test_conditions_that_fit_no_roles_are_refused(root: Path, roles: Any, condition: str, words: str) -> None:
    with pytest.raises(TaskError, match="refused|condition") as caught:
        make_task("small", small.params(root, roles=roles), conditions=[condition])
    assert words in str(caught.value)


def test_a_task_without_roles_is_the_task_that_it_was(root: Path) -> None:
    said = get("coding").identity(small.params(root))
    assert not {"roles", "returns"} & set(said)
    assert all("brief" not in feature for feature in said["features"])
    assert get("coding").identity(small.params(root, roles="agyn"))["roles"] == "agyn"


def test_seats_are_the_roles_and_seeds_are_features(root: Path) -> None:
    params = small.params(root, roles="agyn")
    assert get("coding").seats(params) == ("manager", "researcher", "engineer", "reviewer")
    assert get("coding").seeds(params) == 3
    assert small.params(root, roles="teambench", size=2).deals[0] == ("double", "triple")


SHIPPED = sorted((ROOT / "tasks" / "coding" / "roles").glob("*.collab.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name.partition(".")[0])
def test_shipped_tasks_can_be_collected_and_tell_less_in_briefs(path: Path) -> None:
    params: Any = read_task(path).params
    params.check()
    for feature in params.features:
        brief, description = params.brief(feature), params.describe(feature)
        assert requirements(description, brief), feature.id
        assert len(brief) < len(description) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("team", "condition", "head"),
    [
        ("partner", "team", None),
        ("vague+partner", "no_verify", ("withholding", ("planner",))),
        ("partner+hasty+rubber_stamper", "team", ("rubber_stamp", ("verifier",))),
        ("partner+deaf+partner", "team", ("own_part_failed", ("executor",))),
    ],
)
def test_shipped_pools_with_real_tests(team: str, condition: str, head: Any) -> None:
    params: Any = read_task(ROOT / "tasks" / "coding" / "roles" / "roles_quick.collab.yaml").params
    played = play_episode(params, team.split("+"), condition)
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE, played.episode.error
    assert (heads(played)[0] if heads(played) else None) == head
