"""What a seat can see and do: its own tree, its tools, its telephone, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent, Desk, Reply, Request, ToolCall, Usage
from pytest_collab.episode.outcome import Outcome
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.docker_engine import docker_engine, docker_image

pytestmark = pytest.mark.usefixtures("own_cache")

__all__ = ["docker_engine", "docker_image"]

Step = tuple[str, dict[str, Any]] | Callable[[str], tuple[str, dict[str, Any]]]
FINISH: Step = ("finish", {})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.lay_out(tmp_path_factory.mktemp("pool"))


class Steps(Agent):
    """Calls one tool after the other, and keeps what came back."""

    def __init__(self, *steps: Step, name: str = "steps") -> None:
        self.name = name
        self._steps = list(steps)
        self.heard: list[str] = []
        self.prompts: list[str] = []

    async def reply(self, request: Request) -> Reply:
        self.prompts.append(request.text)
        self.heard += [result.text for result in request.conversation[-1].tool_results]
        if not self._steps:
            return Reply("", (ToolCall("end", "finish", {}),), "tool")
        step = self._steps.pop(0)
        name, arguments = step(self.heard[-1] if self.heard else "") if callable(step) else step
        return Reply("", (ToolCall(f"c{len(self.heard)}", name, arguments),), "tool")


def run(command: str, **more: Any) -> Step:
    return "run", {"command": command, **more}


def say(text: str, to: str | None = None) -> Step:
    return "send_message", {"text": text, "to": to}


def play(root: Path, *team: Agent | str, condition: str = "team", seed: int = 0, **more: Any) -> Played:
    return play_episode(small.params(root, **more), team, condition, seed)


@pytest.fixture(params=["bubblewrap", "docker"])
def box(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a task says to be played in each sandbox that isolates."""
    if request.param == "bubblewrap":
        return {}
    return {"environment": {"image": request.getfixturevalue("docker_image")}}


def alone(root: Path, *steps: Step, **more: Any) -> list[str]:
    """What steps of seat a gave back, seat b having left."""
    agent = Steps(*steps)
    played = play(root, agent, "nop", **more)
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE, played.episode.error
    return [event.data["text"] for event in played.transcript.of("tool_result", seat="a")]


def test_a_seat_sees_one_commit_and_no_other_ref(root: Path, box: dict[str, Any]) -> None:
    log, refs, objects, reflog, remote = alone(
        root,
        run("git log --all --format=%s"),
        run("git for-each-ref --format='%(refname)'"),
        run("git cat-file --batch-all-objects --batch-check | grep -c commit"),
        run("git reflog --all"),
        run("git remote -v; git stash list; find .git -name '*.pack' -o -name alternates"),
        FINISH,
        **box,
    )[:5]
    assert log.splitlines()[0] == "base"
    assert len(log.splitlines()) == 2
    assert set(refs.splitlines()[:-1]) == {"refs/heads/main", "refs/heads/a"}
    assert objects.splitlines()[-2] == "1"
    assert remote == "[exit status 0]"
    assert "base" not in reflog or "initial" not in reflog


def test_no_hidden_test_no_reference_and_no_partner_is_on_any_disk_that_a_seat_sees(
    root: Path, box: dict[str, Any]
) -> None:
    wait = ("receive_messages", {"wait": 60})
    partner = Steps(("write_file", {"path": "secret-of-b.txt", "content": "x"}), say("ready"), wait)
    seeker = Steps(
        wait,
        run("find / -xdev \\( -name 'test_double.py' -o -name '*.patch' -o -name secret-of-b.txt \\) 2>/dev/null; "
            "find / -name 'collab-*' -not -path '/proc/*' 2>/dev/null"),
        run(f"ls {root} {os.environ['HOME']}/.ssh 2>&1; env | grep -c COLLAB"),
        say("done"),
    )  # fmt: skip
    played = play(root, seeker, partner, **box)
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE
    found, seen = seeker.heard[1:3]
    assert "ready" in seeker.heard[0]
    assert [line for line in found.splitlines() if not line.startswith("[exit")] == []
    assert "No such file" in seen
    assert seen.splitlines()[-2] == "0"


def test_commands_have_limits_and_end_with_everything_they_started(root: Path, box: dict[str, Any]) -> None:
    stdin, late, left, loud, ansi = alone(
        root,
        run("cat; echo end of file"),
        run("(setsid sleep 300 &) ; sleep 300", timeout=1),
        run("ps ax 2>/dev/null | grep -c '[s]leep 300' || ls /proc | grep -c '^[0-9]'"),
        run("yes | head -c 3000000"),
        run("printf '\\033[31mred\\033[0m\\033]0;title\\007'"),
        FINISH,
        **box,
    )[:5]
    assert stdin.startswith("end of file")
    assert late.endswith("[killed after 1 s]")
    assert int(left.split()[0]) <= 5
    assert len(loud) < 20_000
    assert "left out" in loud
    assert ansi.startswith("red")
    assert "\x1b" not in ansi


def test_files_are_read_written_edited_and_patched_inside_the_tree_only(root: Path) -> None:
    results = alone(
        root,
        ("read_file", {"path": "calc.py", "first": 4, "last": 5}),
        ("write_file", {"path": "deep/er/new.txt", "content": "one\r\ntwo\n"}),
        ("read_file", {"path": "deep/er/new.txt"}),
        ("edit_file", {"path": "calc.py", "old": "a + b", "new": "b + a"}),
        ("edit_file", {"path": "calc.py", "old": "def", "new": "x"}),
        ("edit_file", {"path": "calc.py", "old": "nowhere", "new": "x"}),
        ("apply_patch", {"patch": small.patch({"words.py": small.SHOUT})}),
        ("apply_patch", {"patch": "this is no patch"}),
        ("apply_patch", {"patch": small.patch({"words.py": small.SHOUT}).replace("words.py", "../out.py")}),
        ("write_file", {"path": "../out.txt", "content": "x"}),
        ("write_file", {"path": "/etc/out.txt", "content": "x"}),
        ("read_file", {"path": "../../../etc/passwd"}),
        run("ln -s /etc/passwd link && ln -s / folder"),
        ("read_file", {"path": "link"}),
        ("read_file", {"path": "folder/etc/passwd"}),
        ("read_file", {"path": "missing.py"}),
    )
    assert results[0] == "def add(a, b):\n    return a + b\n"
    assert results[2] == "one\r\ntwo\n"
    assert results[3].startswith("wrote")
    assert "occurs 2 times" in results[4]
    assert "does not occur" in results[5]
    assert results[6] == "applied"
    assert results[7].startswith("nothing was changed")
    assert results[8].startswith("nothing was changed")
    for refused in (results[9], results[10]):
        assert "no path inside the repository" in refused
    for refused in (results[11], results[13], results[14], results[15]):
        assert "root:" not in refused
        assert "not" in refused


def test_wrong_calls_are_answered_with_what_is_right(root: Path) -> None:
    agent = Steps(
        ("rum", {}),
        ("run", {}),
        ("run", {"command": 5}),
        ("run", {"command": "ls", "timeout": 10**6}),
        ("run", {"command": "ls", "cwd": "/"}),
        ("run", {"command": "echo 'x\0y'"}),
    )
    played = play(root, agent, "nop")
    results = played.transcript.of("tool_result", seat="a")
    assert all(event.data["is_error"] for event in results[:6])
    assert "tools are run, read_file" in results[0].data["text"]
    assert "needs 'command'" in results[1].data["text"]
    assert "between 1 and 300" in results[3].data["text"]
    json.dumps([event.json_line() for event in played.transcript])


def test_messages_are_delivered_and_seen_to_be_delivered(root: Path) -> None:
    wait = ("receive_messages", {"wait": 60})
    a = Steps(
        say("hello b", "b"), wait, wait, say("are you there?", "b"), say("anybody?", "z"), say("me?", "a"), say(" ")
    )
    b = Steps(run("sleep 0.3"), say("hello a"))
    played = play(root, a, b)
    assert a.heard[0] == "delivered to b"
    assert a.heard[1] == "Message from b: hello a"
    assert "nobody is left" in a.heard[2]
    assert a.heard[3] == "not delivered to b: it has finished and reads nothing any more"
    assert "no such teammate; teammates are b" in a.heard[4]
    assert a.heard[5] == "not delivered to a: that is you"
    assert "there is no text" in a.heard[6]
    assert "('b' has finished.)" in "\n".join(a.prompts)
    assert any("Message from a: hello b" in prompt for prompt in b.prompts)
    assert len(played.transcript.of("message")) == 6


def test_messages_also_arrive_with_whatever_is_done_next(root: Path) -> None:
    a = Steps(say("look here"), ("receive_messages", {"wait": 60}))
    b = Steps(run("sleep 0.5"), run("true"), say("seen"))
    play(root, a, b)
    assert any("Message from a: look here" in prompt for prompt in b.prompts)


def test_mute_says_that_nothing_is_delivered(root: Path) -> None:
    agent = Steps(say("hello"))
    play(root, agent, "nop", condition="mute")
    assert agent.heard[0] == "not delivered to b: messages are not delivered in this episode"


def test_shared_shows_the_others_feature_and_live_diff(root: Path) -> None:
    wait = ("receive_messages", {"wait": 60})
    b = Steps(("apply_patch", {"patch": small.patch({"calc.py": small.TRIPLE})}), say("look"), wait)
    a = Steps(wait, ("partner_diff", {}), say("thanks"))
    play(root, a, b, condition="shared")
    assert "Add `triple`" in a.prompts[0]
    assert "+def triple(a):" in a.heard[1]
    assert "Add `triple`" not in Steps().prompts


def test_what_was_merged_through_the_shared_remote_counts_as_merged(root: Path) -> None:
    wait = ("receive_messages", {"wait": 120})
    a = Steps(
        ("apply_patch", {"patch": small.patch({"calc.py": small.DOUBLE})}),
        run("git add -A && git commit -qm double && git push -q origin a 2>&1"),
        say("pushed"),
    )
    b = Steps(
        wait,
        ("apply_patch", {"patch": small.patch({"calc.py": small.TRIPLE})}),
        run("git add -A && git commit -qm triple && git fetch -q origin && git merge origin/a"),
        ("write_file", {"path": "calc.py", "content": small.BOTH}),
        run("git add -A && git commit -qm both && git log --oneline | wc -l"),
    )
    played = play(root, a, b, condition="git")
    assert "CONFLICT" in b.heard[2]
    assert b.heard[4].split()[0] == "4"
    assert played.episode.success, played.episode.failures
    assert play(root, a, b, condition="git").episode.success is False  # the steps are used up: nobody builds anything


def test_no_hook_of_the_shared_remote_runs_in_a_partners_tree(root: Path, box: dict[str, Any]) -> None:
    wait = ("receive_messages", {"wait": 120})
    hook = "printf '#!/bin/sh\\ntouch /tmp/ran; env > /tmp/seen' > /origin.git/hooks/pre-receive && chmod +x"
    a = Steps(
        run(f"{hook} /origin.git/hooks/pre-receive"),
        run("mv /origin.git/hooks /origin.git/old; mkdir -p /tmp/h; git -C /origin.git config core.hooksPath /tmp/h"),
        run("cd /origin.git && for n in hooks config; do rm -rf $n; ls -d $n; done"),
        say("push now"),
    )
    b = Steps(wait, run("echo x > x && git add x && git commit -qm x && git push -q origin b 2>&1; ls /tmp; git log"))
    played = play(root, a, b, condition="git", **box)
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE, played.episode.error
    for refused in a.heard[:2]:
        assert "[exit status 0]" not in refused
    assert "hooks\nconfig" in a.heard[2]
    assert "ran" not in b.heard[1].split()
    assert "[exit status 0]" in b.heard[1]


def test_conflicts_go_back_to_the_member_who_handed_them_in(root: Path) -> None:
    lead = Steps(
        ("apply_patch", {"patch": small.patch({"calc.py": small.DOUBLE})}),
        ("integrate", {"seat": "b", "wait": 120}),
        ("integrate", {"seat": "b", "wait": 120}),
        ("integrate", {"seat": "b"}),
        ("integrate", {"seat": "q"}),
    )
    member = Steps(
        ("apply_patch", {"patch": small.patch({"calc.py": small.TRIPLE})}),
        FINISH,
        ("read_file", {"path": "calc.py"}),
        ("write_file", {"path": "calc.py", "content": small.BOTH}),
        FINISH,
    )
    played = play(root, lead, member, condition="lead")
    assert "went back to b" in lead.heard[1]
    assert lead.heard[2] == "integrated b's work; it is in your tree"
    assert "in your tree already" in lead.heard[3]
    assert "members are b" in lead.heard[4]
    assert member.heard[1].startswith("Not finished: your work conflicts")
    assert "<<<<<<<" in member.heard[2]
    assert played.episode.success, played.episode.failures


def test_a_seat_that_only_talks_to_itself_is_asked_to_work_and_then_taken_to_have_finished(root: Path) -> None:
    class Musing(Steps):
        async def reply(self, request: Request) -> Reply:
            self.prompts.append(request.text)
            return Reply("Let me think about it.")

    agent = Musing()
    played = play(root, agent, "nop")
    assert len(agent.prompts) == 3
    assert "You called no tool" in agent.prompts[1]
    assert played.transcript.of("state", seat="a")[-1].data["finished"] == "idle"
    assert played.episode.failures[0].code == "own_part_failed"


def test_an_autonomous_agent_works_at_its_desk(root: Path) -> None:
    class Autonomous(Agent):
        name = "autonomous"
        autonomous = True

        async def reply(self, request: Request) -> Reply:
            raise AssertionError("an autonomous agent is not asked")

        async def work(self, desk: Desk) -> Reply:
            (desk.folder / "calc.py").write_text(small.BOTH)
            code, said = await desk.run("PYTHONPATH=. python3 -c 'import calc; print(calc.double(2))'")
            fate = await desk.send("b", f"double(2) is {said.strip()}")
            assert "Add `double`" in desk.prompt
            return Reply(f"{code} {fate}", usage=Usage(calls=3))

    played = play(root, Autonomous(), "nop")
    (reply,) = played.transcript.of("reply", seat="a")
    assert reply.data["text"].startswith("0 ")
    assert played.transcript.of("message", seat="a")[0].data["text"] == "double(2) is 4"
    own = [event for event in played.transcript.of("grade", seat="a") if event.data.get("on") == "own"]
    assert own[0].data["passed"]


def test_ignored_files_are_no_work_and_untracked_ones_are(root: Path) -> None:
    write = "mkdir __pycache__ && echo x > __pycache__/x.pyc && echo new > new.txt"
    a = Steps(run(f"{write} && git add -A && git commit -qm x && echo more > more.txt"))
    played = play(root, a, "nop")
    work = next(event for event in played.transcript.of("grade", seat="a") if event.data["what"] == "work")
    assert set(work.data["stat"]) == {"new.txt", "more.txt"}


def test_work_that_is_not_in_the_tree_is_named(root: Path) -> None:
    edit = "echo 'def double(a): return 2 * a' >> calc.py"
    a = Steps(run(f"git checkout -q -b feature-x && {edit} && git commit -qam double && git checkout -q -"))
    b = Steps(run("echo new > new.py && git stash -qu"))
    played = play(root, a, b)
    notes = {failure.seats: failure.note for failure in played.episode.failures if failure.code == "own_part_failed"}
    assert "a committed on branch feature-x, which was not what is graded" in notes["a",]
    assert "b keeps work in a stash, which was not what is graded" in notes["b",]


@pytest.mark.parametrize(
    ("commands", "named"),
    [
        ("git checkout -q --detach && {edit} && git commit -qam x", None),
        ("{edit} && git commit -qam x && git commit -q --amend -m y", None),
        ("{edit} && git commit -qa --amend -m y", None),
        ("{edit} && git commit -qam x && echo n > n && git add n && git commit -qm n && git rebase -q HEAD~1", None),
        ("git checkout -q --detach && {edit} && git commit -qam x && git checkout -q -", "calc.py"),
        ("{edit} && git commit -qam x && git reset -q --hard HEAD~1", "calc.py"),
    ],
)
def test_work_is_graded_wherever_head_is_and_named_where_it_is_on_no_branch(
    root: Path, commands: str, named: str | None
) -> None:
    edit = "echo 'def double(a): return 2 * a' >> calc.py"
    played = play(root, Steps(run(commands.format(edit=edit))), "nop")
    work = next(e for e in played.transcript.of("grade", seat="a") if e.data["what"] == "work")
    assert ("calc.py" in work.data["stat"]) == (named is None)
    said = f"changed {named} in a commit that is on no branch, which was not what is graded"
    assert work.data.get("elsewhere", []) == ([] if named is None else [said])


def test_a_tree_without_its_git_is_graded_as_it_stands(root: Path) -> None:
    a = Steps(run("rm -rf .git && echo new > new.txt"))
    work = next(e for e in play(root, a, "nop").transcript.of("grade", seat="a") if e.data["what"] == "work")
    assert set(work.data["stat"]) == {"new.txt"}
    assert "no working .git" in work.data["elsewhere"][0]


def test_a_tree_too_deep_to_walk_is_the_seats_own_failure(root: Path) -> None:
    dig = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\nopen('x', 'w')\n"
    played = play(root, Steps(run(f'python3 -c "{dig}"')), "nop")
    assert played.episode.outcome is Outcome.COMPETENCE, played.episode.error
    assert "deeper than 256 folders" in next(f.note for f in played.episode.failures if f.seats == ("a",))
