"""Recordings: exact, readable, free of secrets, and refused with a diff when they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.agents.recording import Exchange, Head, Recording, read, request_hash, settled, write
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.secrets import remember
from pytest_collab.episode.agent import Reply, Request, Tool, ToolCall, ToolResult, Turn, Usage
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import AgentFault, LimitReached, UsageError
from pytest_collab.testing import Played, play_episode
from tests.support.handshake import Handshake, HandshakeFamily
from tests.support.model_server import ModelServer
from tests.support.soak import shake


def agents_file(folder: Path, server: ModelServer, **rest: Any) -> Path:
    path = folder / "collab-agents.yaml"
    agent = {
        "provider": "openai-chat",
        "model": "tested",
        "base_url": f"{server.url}/v1",
        "api_key_env": "OPENAI_API_KEY",
        "price": {"input": 1, "output": 1},
        **rest,
    }
    path.write_text(json.dumps({"agents": {"ada": agent, "bob": agent}}))  # JSON is YAML
    return path


def shake_hands(registry: Registry, team: tuple[str, ...] = ("ada", "bob"), seed: int = 3, turns: int = 4) -> Played:
    return play_episode(Handshake(turns=turns), team, seed=seed, family=HandshakeFamily(), registry=registry)


def events(played: Played) -> list[Any]:
    """All that was said and done; not when, which `at` of the start and every event's `t` tell."""
    return [
        (event.seat, event.kind, {key: value for key, value in event.data.items() if key != "at"})
        for event in played.transcript
    ]


@pytest.fixture
def recorded(server: ModelServer, tmp_path: Path) -> Played:
    server.answer = shake
    return shake_hands(Registry(agents_file=agents_file(tmp_path, server), record=tmp_path / "tape"))


def test_a_replay_gives_the_same_transcript_without_key_and_network(
    recorded: Played, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = len(server.log)
    monkeypatch.delenv("OPENAI_API_KEY")
    again = shake_hands(Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tmp_path / "tape"))
    assert events(again) == events(recorded)
    assert again.episode.outcome is Outcome.SUCCESS
    assert len(server.log) == calls > 0


def test_a_replay_takes_nothing_from_the_budget(recorded: Played, tmp_path: Path) -> None:
    from pytest_collab.episode.limits import OpenPurse

    registry = Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tmp_path / "tape")
    import anyio

    from pytest_collab.episode.condition import Condition
    from pytest_collab.episode.engine import play
    from pytest_collab.episode.plan import Plan

    purse = OpenPurse()
    team = ("ada", "bob")
    plan = Plan(
        HandshakeFamily(), Handshake(), "played", "", Condition.parse("team"), team,
        tuple(registry.get(name) for name in team), 3,
    )  # fmt: skip
    transcript = anyio.run(play, plan, purse)
    assert purse.spent == 0
    assert sum(event.data["usage"]["cost_usd"] for event in transcript.of("reply")) > 0


def test_a_changed_prompt_is_refused_with_a_diff(recorded: Played, tmp_path: Path) -> None:
    class Reworded(HandshakeFamily):
        def deal(self, *args: Any) -> Any:
            game = super().deal(*args)
            game.brief = lambda seat: "Both of you must say the same number, loudly. Seat a knows it."  # type: ignore[method-assign]
            return game

    registry = Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tmp_path / "tape")
    with pytest.raises(UsageError) as caught:
        play_episode(Handshake(), ["ada", "bob"], seed=3, family=Reworded(), registry=registry)
    message = str(caught.value)
    assert "-Both of you must say the same number. Seat a knows it." in message
    assert "+Both of you must say the same number, loudly. Seat a knows it." in message
    assert "--collab-record" in message


def test_other_settings_are_refused_by_name(recorded: Played, server: ModelServer, tmp_path: Path) -> None:
    changed = agents_file(tmp_path, server, temperature=0.7)
    with pytest.raises(UsageError, match=r"other settings: temperature was None, is 0\.7"):
        shake_hands(Registry(agents_file=changed, replay=tmp_path / "tape"))


def test_an_episode_that_was_not_recorded_is_refused(recorded: Played, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)holds no answer.*-The number is 1\..*\+The number is 8\."):
        shake_hands(Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tmp_path / "tape"), seed=4)


def test_replay_with_record_plays_what_is_there_and_records_what_is_missing(
    recorded: Played, server: ModelServer, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    calls = len(server.log)
    both = Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tape, record=tape)
    assert events(shake_hands(both)) == events(recorded)
    assert len(server.log) == calls
    fresh = shake_hands(both, seed=4)
    assert len(server.log) > calls
    replayed = shake_hands(Registry(agents_file=tmp_path / "collab-agents.yaml", replay=tape), seed=4)
    assert events(replayed) == events(fresh)


def test_recording_into_another_directory_makes_a_complete_copy(
    recorded: Played, server: ModelServer, tmp_path: Path
) -> None:
    calls = len(server.log)
    path = tmp_path / "collab-agents.yaml"
    shake_hands(Registry(agents_file=path, replay=tmp_path / "tape", record=tmp_path / "copy"))
    assert events(shake_hands(Registry(agents_file=path, replay=tmp_path / "copy"))) == events(recorded)
    assert len(server.log) == calls


def test_a_recording_is_an_agent_of_its_own(recorded: Played, tmp_path: Path) -> None:
    name = f"replay/{tmp_path / 'tape'}"
    played = shake_hands(Registry(), (name, name))
    assert played.episode.outcome is Outcome.SUCCESS
    texts = [event.data["text"] for event in recorded.transcript.of("reply")]
    assert [event.data["text"] for event in played.transcript.of("reply")] == texts


def test_recording_again_replaces_the_old_episode(recorded: Played, server: ModelServer, tmp_path: Path) -> None:
    path = tmp_path / "collab-agents.yaml"
    before = {file: file.read_text() for file in (tmp_path / "tape").rglob("*.yaml")}
    shake_hands(Registry(agents_file=path, record=tmp_path / "tape"))
    after = {file: len(list(read(file))) for file in (tmp_path / "tape").rglob("*.yaml")}
    assert set(after) == set(before)
    assert sum(after.values()) == len(recorded.transcript.of("reply"))


def test_a_missing_recording_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recording in .*--collab-record"):
        Registry(replay=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no recording in"):
        Registry().get(f"replay/{tmp_path / 'nowhere'}")


def test_agents_own_failures_are_part_of_the_recording(tmp_path: Path) -> None:
    head = Head("ada", "m", "episode", "a", "")
    path = tmp_path / "x.yaml"
    write(path, Exchange(head, "k", 0, 0, 1, "?", LimitReached("token_limit", 9, "a")), fresh=True)
    write(path, Exchange(head, "k", 1, 0, 1, "?", AgentFault("crashed")), fresh=False)
    limit, fault = (exchange.outcome for exchange in read(path))
    assert isinstance(limit, LimitReached)
    assert (limit.code, limit.limit, limit.seat) == ("token_limit", 9, "a")
    assert isinstance(fault, AgentFault)
    assert str(fault) == "crashed"


anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
replies = st.builds(
    Reply,
    text=anything,
    tool_calls=st.lists(
        st.builds(ToolCall, st.text(max_size=5), st.text(max_size=5), st.dictionaries(st.text(max_size=4), anything)),
        max_size=2,
    ).map(tuple),
    stop=st.sampled_from(["end", "tool", "length", "refusal", "filter"]),
    usage=st.builds(Usage, cost_usd=st.none() | st.floats(0, 9), input_tokens=st.integers(0, 10**9)),
    model=st.text(max_size=8),
    opaque=st.none()
    | st.dictionaries(st.text(max_size=4), st.lists(st.integers() | st.text(max_size=4), max_size=3)),
    reasoning=anything,
)


@given(replies, anything)
def test_what_was_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, reply: Reply, asked: str) -> None:
    path = tmp_path_factory.mktemp("tape") / "x.yaml"
    head = Head("ada", "m", "episode", "a", asked)
    kept = settled(reply)
    for ordinal in range(2):
        write(path, Exchange(head, "k", ordinal, 1, 2, asked, reply), fresh=not ordinal)
    assert [exchange.outcome for exchange in read(path)] == [kept, kept]
    raw = path.read_bytes().decode("utf-8")
    assert raw.isprintable() or all(character.isprintable() or character == "\n" for character in raw)


def test_a_file_cut_short_by_a_crash_keeps_every_finished_exchange(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    head = Head("ada", "m", "episode", "a", "")
    for ordinal in range(3):
        write(path, Exchange(head, "k", ordinal, 1, 2, "?", Reply("yes")), fresh=not ordinal)
    path.write_bytes(path.read_bytes()[:-60])
    assert len(list(read(path))) == 2
    path.write_text("{}\n---\n{}\n---\n")
    with pytest.raises(UsageError, match="document 1: not a recorded exchange"):
        list(read(path))


def test_secrets_are_taken_out_of_recordings(tmp_path: Path) -> None:
    remember('se"cret\\value-77')
    path = tmp_path / "x.yaml"
    head = Head("ada", "m", "episode", "a", 'the key is se"cret\\value-77')
    write(path, Exchange(head, "k", 0, 1, 2, 'se"cret\\value-77?', Reply('it is se"cret\\value-77')), fresh=True)
    assert "value-77" not in path.read_text()
    (exchange,) = read(path)
    assert isinstance(exchange.outcome, Reply)
    assert exchange.outcome.text == "it is [secret]"


REQUEST = Request("a", 0, "system", (Turn("user", "hello"),), (Tool("look", "looks", {}),))


@pytest.mark.parametrize(
    "other",
    [
        Request("a", 0, "System", REQUEST.conversation, REQUEST.tools),
        Request("a", 0, "system", (Turn("user", "hello "),), REQUEST.tools),
        Request("a", 0, "system", (Turn("user", "hello", tool_results=(ToolResult("1", "x"),)),), REQUEST.tools),
        Request("a", 0, "system", (*REQUEST.conversation, Turn("assistant", "hello")), REQUEST.tools),
        Request("a", 0, "system", REQUEST.conversation),
    ],
)
def test_whatever_can_change_an_answer_changes_the_key(other: Request) -> None:
    assert request_hash(REQUEST, {}) != request_hash(other, {})
    assert request_hash(REQUEST, {}) != request_hash(REQUEST, {"temperature": 1})


def test_what_the_agent_does_not_see_does_not_change_the_key() -> None:
    same = Request("b", 7, "system", REQUEST.conversation, REQUEST.tools, view={"x": 1}, phase="act")
    assert request_hash(REQUEST, {}) == request_hash(same, {})


def test_a_worker_reads_only_the_episodes_that_it_plays(recorded: Played, tmp_path: Path) -> None:
    recording = Recording(tmp_path / "tape")
    (tmp_path / "tape" / "ada" / "broken.a.yaml").write_text("not a recording")
    assert recording.of("ada", recorded.episode.id, "a")
    with pytest.raises(UsageError, match=r"broken\.a\.yaml"):
        recording.agents()
