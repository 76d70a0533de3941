"""Every kind of agent is recorded and played back without itself: models' stand-ins, programs, ACP, Python, teams."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("acp", reason="pip install 'pytest-collab[acp]'")

from pytest_collab.agents.registry import Registry
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.handshake import Handshake, HandshakeFamily

pytestmark = pytest.mark.slow

ACP = ["-m", "tests.support.acp_program"]
BUILDS_CALC = [
    ["plan", "look", "write"],
    ["ask", "write it", "edit", "allow_once"],
    ["write", "CWD/calc.py", small.DOUBLE],
    ["sh", "collab-send 'I change calc.py'"],
    ["say", "All done."],
]
BUILDS_WORDS = f"collab-send 'I change words.py'\ncat > words.py <<'END'\n{small.SHOUT}END\n"
PYTHON = """
async def builder(desk):
    desk.seat.note("thought", text="words.py it is")
    await desk.send(None, "I change words.py")
    (desk.folder / "words.py").write_text(WORDS)
    return "done"

async def breaks(desk):
    (desk.folder / "words.py").write_text(WORDS)
    raise ValueError("out of luck")

class Team:
    def __init__(self, table):
        self.table = table

    async def reply(self, request):
        self.table.note(request.seat, "thought", text="told the others")
        self.table.tell(request.seat, "between us: 1")
        return "I say 1."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "kinds.py").write_text(f"WORDS = {small.SHOUT!r}\n{PYTHON}")
    monkeypatch.delitem(sys.modules, "kinds", raising=False)

    def acp(*turns: Any) -> dict[str, Any]:
        return {"provider": "acp", "command": [sys.executable, *ACP, json.dumps(turns)]}

    agents = {
        "talker": acp([["think", "hm"], ["say", "I say 1."]]),
        "speaker": {"provider": "acp", "command": [sys.executable, *ACP, json.dumps([[["say", "I say 2."]]])]},
        "acp-builder": acp(BUILDS_CALC),
        "cli-builder": {"provider": "command", "mode": "work", "command": ["sh", "-ec", BUILDS_WORDS]},
    }
    (tmp_path / "agents.yaml").write_text(json.dumps({"agents": agents}))
    return tmp_path


def play(folder: Path, team: tuple[str, str], **registry: Path) -> Played:
    made = Registry(agents_file=folder / "agents.yaml", cast=HandshakeFamily.cast, **registry)
    if "builder" in team[0]:
        return play_episode(small.params(small.lay_out(folder / "pool")), team, "team", small.CLEAN, registry=made)
    return play_episode(Handshake(turns=4), team, seed=3, family=HandshakeFamily(), registry=made)


def what_happened(played: Played) -> list[Any]:
    kept = ("text", "what", "title", "granted", "entries", "why")
    return sorted(
        (str(event.seat), event.kind, str({key: event.data[key] for key in kept if key in event.data}))
        for event in played.transcript.of("reply", "message", "activity", "malformed")
    )


@pytest.mark.parametrize(
    ("team", "beside"),
    [
        (("talker", "speaker"), False),
        (("acp-builder", "cli-builder"), True),
        (("python/kinds:builder", "python/kinds:breaks"), True),
        (("team/kinds:Team", "team/kinds:Team"), True),
    ],
    ids=lambda value: "+".join(value).replace("/", "-") if isinstance(value, tuple) else "",
)
def test_what_was_done_is_done_again_without_the_agent(folder: Path, team: tuple[str, str], beside: bool) -> None:
    live = play(folder, team, record=folder / "tape")
    (folder / "kinds.py").unlink()  # nobody is asked again
    sys.modules.pop("kinds", None)
    again = play(folder, team, replay=folder / "tape")
    assert what_happened(again) == what_happened(live)
    assert bool(live.transcript.of("activity")) is beside
    assert again.episode.outcome is live.episode.outcome
    assert [one.code for one in again.episode.failures] == [one.code for one in live.episode.failures]


def test_a_recorded_job_takes_a_seat_in_another_team(folder: Path) -> None:
    live = play(folder, ("acp-builder", "cli-builder"), record=folder / "tape")
    name = f"replay/{folder / 'tape'}"
    registry = Registry(cast=HandshakeFamily.cast)
    params = small.params(small.lay_out(folder / "pool"))
    again = play_episode(params, (name, name), "team", small.CLEAN, registry=registry)
    assert what_happened(again) == what_happened(live)
    assert again.episode.outcome is live.episode.outcome
