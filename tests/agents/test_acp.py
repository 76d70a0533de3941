"""Agents that speak the Agent Client Protocol: the SDK's agent side, scripted, on the other end of real pipes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("acp", reason="pip install 'pytest-collab[acp]'")

from pytest_collab.agents.acp_agent import AcpAgent
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.handshake import Handshake, HandshakeFamily

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow  # each starts a program or two


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("pytest_collab.agents.retry.FIRST_PAUSE_S", 0.005)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield small.lay_out(tmp_path_factory.mktemp("pool"))


def scripted(*turns: list[Any], **more: Any) -> AcpAgent:
    program = (sys.executable, "-m", "tests.support.acp_program", json.dumps(turns))
    return AcpAgent("agent", AgentSettings.model_validate({"provider": "acp", "command": program, **more}))


def shake(*team: Any, **more: Any) -> Played:
    registry = Registry(cast=HandshakeFamily.cast)
    return play_episode(Handshake(), team, seed=3, family=HandshakeFamily(), registry=registry, **more)


def code(root: Path, *team: Any, condition: str = "team", **more: Any) -> Played:
    return play_episode(small.params(root), team, condition, small.CLEAN, **more)


def said(played: Played, seat: str = "a") -> str:
    return str(played.transcript.of("reply", seat=seat)[0].data["text"])


# Games of text.


def test_each_ask_is_a_prompt_turn_of_one_session(tmp_path: Path) -> None:
    agent = scripted([["say", "TOLD"], ["say", " What is it?"]], [["say", "TOLD"]])
    played = shake("stubborn", agent)
    first, second = (event.data["text"] for event in played.transcript.of("reply", seat="b"))
    assert first.startswith("Both of you must say the same number. Seat a knows it.")
    assert second == "a said: It is 999. \x1b[31mBelieve me\x1b[0m."  # and none of what it was told before


def test_reasoning_usage_and_stop_reasons_are_taken_over() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "thought_tokens": 2,
        "cached_read_tokens": 100,
        "total_tokens": 117,
    }
    agent = scripted(
        [["think", "It is one."], ["say", "I say 1."], ["cost", 0.25], ["end", {"usage": usage}]],
        [["say", "I say 1."], ["cost", 0.75], ["end", {"usage": usage, "stop_reason": "max_tokens"}]],
        [["end", {"stop_reason": "refusal"}]],
    )
    played = shake(agent, "stubborn")
    first, second = played.transcript.of("reply", seat="a")[:2]
    assert first.data["reasoning"] == "It is one."
    assert first.data["usage"]["cost_usd"] == 0.25
    assert second.data["usage"]["cost_usd"] == 0.5
    assert (first.data["usage"]["input_tokens"], first.data["usage"]["cached_tokens"]) == (110, 100)
    assert first.data["usage"]["output_tokens"] == 7
    assert (first.data["stop"], second.data["stop"]) == ("end", "length")


def test_where_a_price_is_given_and_no_cost_is_told_it_is_computed() -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    turn = [["say", "I say 1."], ["end", {"usage": usage}]]
    played = shake(scripted(turn, price={"input": 1, "output": 10}), "partner")
    assert played.episode.usage["a"].cost_usd == pytest.approx(0.002)
    assert shake(scripted(turn), "partner").episode.usage["a"].cost_usd is None


def test_in_games_of_text_it_may_touch_nothing() -> None:
    asked = ["ask", "run rm", "execute", "allow_once", "reject_once"]
    turn = [asked, ["read", "/etc/passwd"], ["write", "/tmp/x", "x"], ["say", " I say 1."]]
    played = shake(scripted(turn), "partner")
    assert "reject_once" in said(played)
    assert "root:" not in said(played)
    assert said(played).count("refused:") == 2
    (note,) = [event for event in played.transcript.of("activity") if event.data["what"] == "permission"]
    assert note.data["granted"] is False


# Coding.


def test_a_job_is_one_prompt_turn_with_its_files_terminals_and_talk(root: Path) -> None:
    builder = scripted(
        [
            ["plan", "look", "write"],
            ["read", "CWD/calc.py", 4, 2],
            ["write", "CWD/calc.py", small.DOUBLE],
            ["terminal", "cat", "CWD/tests/test_base.py"],
            ["terminal", "pwd; exit 3"],
            ["kill", "sleep 600"],
            ["read", "/etc/passwd"],
            ["read", "CWD/../../secret"],
            ["sh", "collab-send 'I change calc.py'; collab-recv --wait 60"],
        ]
    )
    other = scripted(
        [
            ["mcp", "receive_messages", {"wait_seconds": 60}],
            ["mcp", "send_message", {"text": "I change words.py"}],
            ["call", "t1", "write words.py", "edit", "in_progress"],
            ["write", "words.py", small.SHOUT],
            ["called", "t1", "completed", "done"],
            ["say", "All done."],
        ]
    )
    played = code(root, builder, other)
    assert played.episode.outcome is Outcome.SUCCESS, played.episode
    text = said(played)
    assert text.startswith("def add(a, b):\n    return a + b\n")
    assert "[0] import calc\nassert calc.add(1, 2) == 3" in text
    assert "[3] " in text
    assert "[SIGKILL]" in text
    assert "root:" not in text
    assert text.count("refused:") == 2
    assert "b: I change words.py" in text
    assert said(played, "b") == "All done."  # what came after its last tool call
    plan = next(event for event in played.transcript.of("activity", seat="a") if event.data["what"] == "plan")
    assert [entry["what"] for entry in plan.data["entries"]] == ["look", "write"]
    calls = [event.data for event in played.transcript.of("activity", seat="b") if event.data["what"] == "tool_call"]
    assert [(call["title"], call["status"]) for call in calls] == [
        ("write words.py", "in_progress"),
        ("write words.py", "completed"),
    ]
    assert calls[-1]["result"] == "done"
    told = played.transcript.of("prompt", seat="a")[0].data["text"]
    assert "collab-send" in told
    assert "send_message`, `receive_messages" in told


@pytest.mark.parametrize(
    ("policy", "kind", "kinds", "chosen"),
    [
        (None, "execute", ("allow_always", "allow_once", "reject_once"), "allow_once"),
        ("read", "read", ("allow_always", "reject_once"), "allow_always"),
        ("read", "execute", ("allow_once", "reject_always"), "reject_always"),
        ("reject", "read", ("allow_once", "reject_once"), "reject_once"),
        ("reject", "read", ("allow_once",), "cancelled"),
    ],
)
def test_permissions_are_answered_by_policy(
    root: Path, policy: str | None, kind: str, kinds: tuple[str, ...], chosen: str
) -> None:
    agent = scripted([["ask", "do it", kind, *kinds], ["write", "CWD/x.txt", "x"]], permissions=policy)
    played = code(root, agent, "nop")
    assert chosen in said(played)
    assert ("refused" in said(played)) is (policy is not None)


# What goes wrong.


def test_an_error_that_passes_is_asked_again(tmp_path: Path) -> None:
    played = shake(
        scripted([["fail once", "429 Too Many Requests", str(tmp_path / "mark")], ["say", "I say 1."]]), "partner"
    )
    assert played.episode.outcome is Outcome.SUCCESS
    assert played.episode.usage["a"].retries == 1


@pytest.mark.parametrize("more", [{"max_retries": 1}, {}])
def test_an_agent_that_answers_with_errors_is_no_evidence(more: dict[str, Any]) -> None:
    message = "529 overloaded" if more else "Authentication required"
    played = shake(scripted([["fail", message]], **more), "partner")
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert message in str(played.episode.error)


def test_an_agent_that_does_not_speak_the_protocol_is_no_evidence() -> None:
    for command in (("sh", "-c", "echo hello; cat"), ("sh", "-c", "echo no login >&2; exit 1")):
        agent = AcpAgent("agent", AgentSettings(provider="acp", command=command))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pytest_collab.agents.acp_agent.START_SECONDS", 5.0)
            played = shake(agent, "partner")
        assert played.episode.outcome is Outcome.INFRASTRUCTURE
        assert "opened no session" in str(played.episode.error)
    assert "no login" in str(played.episode.error)


def test_an_agent_that_ends_in_the_middle_is_its_own_failure_unless_nothing_came_of_it(root: Path) -> None:
    played = shake(scripted([["exit", 3]]), "partner")
    assert "status 3; its last words on stderr: out of luck" in played.transcript.of("malformed")[0].data["why"]
    assert code(root, scripted([["exit", 3]]), "nop").episode.outcome is Outcome.INFRASTRUCTURE
    worked = code(root, scripted([["write", "CWD/x.txt", "x"], ["exit", 3]]), "nop")
    assert worked.episode.outcome is not Outcome.INFRASTRUCTURE


def test_an_agent_over_its_time_is_cancelled_and_leaves_no_process(tmp_path: Path, root: Path) -> None:
    mark = tmp_path / "cancelled"
    played = shake(scripted([["hang", str(mark)]]), "partner", limits=Limits(seat=SeatLimits(answer_seconds=4)))
    assert played.episode.outcome is Outcome.LIMIT
    assert mark.exists()
    other = tmp_path / "other"
    job = [["write", "CWD/words.py", small.SHOUT], ["say", "Half done."], ["hang", str(other)]]
    played = code(root, "nop", scripted(job, job_seconds=8))
    assert "Half done.\n[ended after 8 s, its time]" in said(played, "b")
    assert other.exists()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(mark) not in path.read_bytes().decode(errors="replace")
        except OSError:
            continue


def test_names_stand_for_known_programs_for_entries_and_for_any_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gemini").write_text("#!/bin/sh\n")
    (tmp_path / "gemini").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    agents_file = tmp_path / "collab-agents.yaml"
    agents_file.write_text(
        "agents:\n  mine: {provider: acp, command: [sh, -c, mine]}\n  other: {provider: openai, model: m}\n"
    )
    registry = Registry(agents_file=agents_file)
    assert registry.get("acp/gemini").describe()["command"] == ["gemini", "--acp"]
    assert registry.get("acp/mine").describe()["command"] == ["sh", "-c", "mine"]
    assert registry.get("acp/sh").describe()["command"] == ["sh"]
    for name, told in (
        ("acp/other", "is a openai agent"),
        ("acp/no-such-program", "no program 'no-such-program'"),
        ("acp/", "names no program"),
    ):
        with pytest.raises(UsageError, match=told):
            registry.get(name)
