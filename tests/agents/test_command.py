"""Programs and people as agents: real processes, real pipes, a real terminal."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import pytest

from pytest_collab.agents.command import CommandAgent
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Desk, Reply, Seat
from pytest_collab.episode.channel import Channel
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import ProviderError, UsageError
from pytest_collab.testing import Played, play_episode
from tests.support.handshake import Handshake, HandshakeFamily

ROOT = Path(__file__).parents[2]

PLAYER = """
import json, re, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "ask":
        heard = re.findall(r"\\d+", message["text"])
        text = f"I say {heard[-1]}." if heard else "What is it?"
        print(json.dumps({"id": message["id"], "text": text}), flush=True)
"""


def program(folder: Path, code: str, name: str = "player.py", **rest: Any) -> CommandAgent:
    path = folder / name
    path.write_text(code)
    return CommandAgent(name, AgentSettings(provider="command", command=(sys.executable, str(path)), **rest))


def shake(agent: Any, **rest: Any) -> Played:
    return play_episode(Handshake(), [agent, agent], seed=3, family=HandshakeFamily(), **rest)


def test_a_program_plays_turn_by_turn_with_json_lines(tmp_path: Path) -> None:
    played = shake(program(tmp_path, PLAYER))
    assert played.episode.outcome is Outcome.SUCCESS
    assert played.episode.usage["a"].agent == "player.py"


def test_a_program_is_told_its_seat_and_what_it_sees_as_data(tmp_path: Path) -> None:
    code = f"""
import json, sys
with open({str(tmp_path / "heard.jsonl")!r}, "a") as log:
    for line in sys.stdin:
        log.write(line)
        log.flush()
        if json.loads(line)["type"] == "ask":
            print('{{"text": "1"}}', flush=True)
"""
    shake(program(tmp_path, code))
    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text().splitlines()]
    starts = [message for message in heard if message["type"] == "start"]
    assert sorted(message["seat"] for message in starts) == ["a", "b"]
    assert all(message["family"] == "handshake" and message["seats"] == ["a", "b"] for message in starts)
    asks = [message for message in heard if message["type"] == "ask"]
    assert {"number": 1} in [message["view"] for message in asks]
    assert any(message["inbox"] == [{"from": "a", "text": "1"}] for message in asks)
    assert sum(message["type"] == "end" for message in heard) == 2


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('hello', flush=True); input(); input()", "no JSON object: 'hello'"),
        ("print('[1]', flush=True); input(); input()", "no JSON object"),
        ("print('{\"text\": 5}', flush=True); input(); input()", "is int, not text"),
        ("import sys; sys.exit('out of luck')", "ended with status 1; its last words on stderr: out of luck"),
    ],
)
def test_what_a_program_gets_wrong_is_its_own_failure(tmp_path: Path, code: str, told: str) -> None:
    played = shake(program(tmp_path, code))
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE
    assert told in played.transcript.of("malformed")[0].data["why"]


def test_a_program_that_hangs_meets_the_time_limit_and_leaves_no_process(tmp_path: Path) -> None:
    code = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open({str(tmp_path / "pids")!r}, "a") as out:
    out.write(f"{{os.getpid()}} {{child.pid}} ")
time.sleep(600)
"""
    played = shake(program(tmp_path, code), limits=Limits(seat=SeatLimits(answer_seconds=1.5)))
    assert played.episode.outcome is Outcome.LIMIT
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    until = monotonic() + 20
    while any(_runs(pid) for pid in pids):  # a killed process takes a moment to be gone
        assert monotonic() < until, pids


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_programs_secrets_do_not_reach_the_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "planted-in-the-environment")
    code = PLAYER.replace("What is it?", "' + __import__('os').environ['SOME_API_KEY'] + '")
    code = code.replace('f"I say {heard[-1]}."', "f\"{__import__('os').environ['SOME_API_KEY']} {heard[-1]}\"")
    played = shake(program(tmp_path, code))
    text = "\n".join(event.json_line() for event in played.transcript)
    assert "[secret]" in text
    assert "planted-in-the-environment" not in text


def test_any_program_on_the_path_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "my-player"
    script.write_text(f"#!{sys.executable}\n{PLAYER}")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    agent = Registry().get("command/my-player")
    assert shake(agent).episode.success
    with pytest.raises(UsageError, match="no program 'no-such-program' on the PATH"):
        Registry().get("command/no-such-program")


NOT_ME = """
import json, os, pathlib, sys
count = pathlib.Path(sys.argv[0] + ".count")
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] != "ask":
        continue
    asked = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(asked))
    REFUSE
    heard = [word for word in message["text"].replace(".", " ").split() if word.isdecimal()]
    print(json.dumps({"id": message["id"], "text": f"I say {heard[-1]}." if heard else "What is it?"}), flush=True)
"""


def beside(player: str, agent: CommandAgent) -> Played:
    registry = Registry(cast=HandshakeFamily.cast)
    return play_episode(Handshake(), [agent, player], seed=3, family=HandshakeFamily(), registry=registry)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_collab.agents.retry.FIRST_PAUSE_S", 0.005)


@pytest.mark.parametrize(
    "refuse",
    [
        "if asked < 3: print(json.dumps({'error': 'rate limited', 'retry': True}), flush=True); continue",
        "if asked < 3: sys.exit(75)",
    ],
)
def test_a_program_that_says_not_me_is_asked_again(tmp_path: Path, refuse: str, at_once: None) -> None:
    played = beside("partner", program(tmp_path, NOT_ME.replace("REFUSE", refuse)))
    assert played.episode.outcome is Outcome.SUCCESS
    assert played.episode.usage["a"].retries == 2
    assert not played.transcript.of("malformed")


@pytest.mark.parametrize(
    ("refuse", "told"),
    [
        ("print(json.dumps({'error': 'no quota left', 'retry': True}), flush=True); continue", "no quota left"),
        ("sys.exit(75)", "status 75"),
        (
            "if message['id'] > 1: print('rate limited', file=sys.stderr); sys.exit(75)",
            "rate limited, and what it knew",
        ),
    ],
)
def test_what_a_program_cannot_help_is_no_evidence(tmp_path: Path, refuse: str, told: str, at_once: None) -> None:
    played = beside("stubborn", program(tmp_path, NOT_ME.replace("REFUSE", refuse), max_retries=2))
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    assert told in str(played.episode.error)


def test_a_program_that_calls_its_failure_its_own_is_believed(tmp_path: Path) -> None:
    refuse = "print(json.dumps({'error': 'I am lost', 'retry': False}), flush=True); continue"
    played = shake(program(tmp_path, NOT_ME.replace("REFUSE", refuse)))
    assert played.episode.outcome is not Outcome.INFRASTRUCTURE
    assert "I am lost" in played.transcript.of("malformed")[0].data["why"]


def test_a_program_for_work_is_not_asked_turn_by_turn(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mode: work.*family 'handshake'.*mode: turns"):
        shake(program(tmp_path, "input()", mode="work"))


# At one's own pace: a program in its working tree, with a telephone.


def at_desk(agent: CommandAgent, folder: Path, play: Callable[[Channel], None] = lambda channel: None) -> Any:
    """Let the program work at seat a of a and b; the reply, and the transcript."""
    transcript = Transcript()
    channel = Channel(("a", "b"), transcript)
    play(channel)
    seat = Seat(
        "a", ("a", "b"), {"a": agent.name, "b": "other"}, HandshakeFamily(), Handshake(), Condition("team"), 0, 0, "e"
    )

    async def send(to: str | None, text: str) -> str:
        return str(channel.send("a", text, None if to is None else [to]))

    async def receive() -> Any:
        return channel.collect("a")

    async def work() -> Reply:
        desk = Desk(seat, "Write `done` into done.txt.", folder, run=send, send=send, receive=receive)
        player = agent.seated(seat)
        reply = await player.work(desk)
        await player.leave()
        return reply

    return anyio.run(work), transcript


def test_a_coding_program_works_in_its_tree_and_talks_over_the_telephone(tmp_path: Path) -> None:
    script = """
set -e
cat > task.txt
cmp task.txt "$COLLAB_PROMPT_FILE"
collab-agents
collab-recv --wait 5
collab-send --to b "I write done.txt"
echo "to all" | collab-send
collab-send --to nobody hello || echo "status $?"
collab-recv
echo done > done.txt
echo '{"input_tokens": 12, "output_tokens": 3, "cost_usd": 0.25}' > "$COLLAB_USAGE_FILE"
"""
    agent = CommandAgent("coder", AgentSettings(provider="command", command=("sh", "-c", script), mode="work"))
    reply, transcript = at_desk(agent, tmp_path, lambda channel: channel.send("b", "hello a"))
    assert (tmp_path / "done.txt").read_text() == "done\n"
    assert "you are a\nteammates: b\nb: hello a\n" in reply.text
    assert "there is no teammate 'nobody'; teammates are b\nstatus 1" in reply.text
    assert "(no messages)" in reply.text
    sent = [(event.seat, event.data["text"].strip(), event.data["delivered"]) for event in transcript.of("message")]
    assert sent == [("b", "hello a", ["a"]), ("a", "I write done.txt", ["b"]), ("a", "to all", ["b"])]
    assert (reply.usage.input_tokens, reply.usage.cost_usd) == (12, 0.25)


def test_a_coding_programs_failure_and_unknown_cost_are_told(tmp_path: Path) -> None:
    script = "echo half > done.txt; exit 3"
    agent = CommandAgent("coder", AgentSettings(provider="command", command=("sh", "-c", script), mode="work"))
    reply, _ = at_desk(agent, tmp_path)
    assert "[ended with status 3]" in reply.text
    assert reply.usage.cost_usd is None


def test_a_coding_program_that_fails_and_leaves_its_tree_as_it_was_is_no_evidence(tmp_path: Path) -> None:
    script = "collab-send hello; echo 'API Error: 529 overloaded' >&2; exit 1"
    agent = CommandAgent("coder", AgentSettings(provider="command", command=("sh", "-c", script), mode="work"))
    with pytest.raises(ProviderError, match="status 1; its last words: .*529 overloaded") as failed:
        at_desk(agent, tmp_path)
    assert failed.value.usage.cost_usd is None  # type: ignore[attr-defined]


def test_the_telephone_is_an_mcp_server_too(tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="pip install 'pytest-collab[mcp]'")
    code = """
import asyncio, os, shutil
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    # The smallest environment, as some clients give it to the servers that they start.
    server = StdioServerParameters(command=shutil.which("collab-mcp"), env={"PATH": os.defpath})
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        print(sorted(tool.name for tool in (await session.list_tools()).tools if tool.name != "run_command"))
        for name, arguments in (
            ("list_agents", {}),
            ("receive_messages", {"wait_seconds": 1}),
            ("send_message", {"text": "hello from mcp", "to": "b"}),
            ("send_message", {"text": "x", "to": "z"}),
        ):
            print((await session.call_tool(name, arguments)).content[0].text)

asyncio.run(main())
"""
    agent = program(tmp_path, code, "client.py", mode="work")
    reply, transcript = at_desk(agent, tmp_path, lambda channel: channel.send("b", "hello a"))
    assert "['list_agents', 'receive_messages', 'send_message']" in reply.text
    assert "you are a; teammates: b" in reply.text
    assert "b: hello a" in reply.text
    assert "not sent: there is no teammate 'z'" in reply.text
    assert transcript.of("message", seat="a")[0].data["text"] == "hello from mcp"


# A person.


def test_a_person_plays_in_the_terminal(tmp_path: Path) -> None:
    code = """
from pytest_collab.testing import play_episode
from pytest_collab.agents.registry import Registry
from tests.support.handshake import Handshake, HandshakeFamily
registry = Registry(cast=HandshakeFamily.cast)
played = play_episode(Handshake(), ["human", "partner"], seed=3, family=HandshakeFamily(), registry=registry)
print("came to", played.episode.outcome.value)
"""

    # The person's program is no test: it must not take itself for a worker of this session.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    async def play() -> str:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=theirs, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=environment
        )
        os.close(theirs)
        assert process.stdout is not None
        said = b""
        while b"Your answer" not in said:
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, f"the program ended without asking: {said.decode()}"
            said += line
        os.write(ours, b"I say 1.\n\n")
        rest, _ = await asyncio.wait_for(process.communicate(), 60)
        os.close(ours)
        return (said + rest).decode()

    said = anyio.run(play)
    assert "You are seat a of a, b" in said
    assert "The number is 1." in said
    assert "came to success" in said


def test_a_person_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    with pytest.raises(UsageError, match=r"captures standard input.*-s"):
        Registry().get("human")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with pytest.raises(UsageError, match="xdist worker"):
        Registry().get("human")
