"""What agents cost that pay for themselves: as told, as declared, and what a budget makes of not knowing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.fares import Fare
from pytest_collab.agents.prices import Tariff
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import Price
from pytest_collab.episode.agent import Usage
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.plugin.introduction import settings_lines
from pytest_collab.testing import play_episode
from tests.support.handshake import Handshake, HandshakeFamily

SILENT = Usage(input_tokens=1000, output_tokens=100, cost_usd=None)

PLAYER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "ask":
        print(json.dumps({"id": message["id"], "text": "What is it?"}), flush=True)
"""

PYTHON = """
async def free(request):
    return "hello"
free.price = {"episode": 0}

async def unknown(request):
    return "hello"

async def wrong(request):
    return "hello"
wrong.price = {"input": 3}
"""


def registry(folder: Path, **price: float) -> Registry:
    (folder / "player.py").write_text(PLAYER)
    agent: dict[str, Any] = {"provider": "command", "command": [sys.executable, str(folder / "player.py")]}
    acp = {"provider": "acp", "command": [sys.executable]}
    a2a = {"provider": "a2a", "base_url": "http://127.0.0.1:9"}
    agents = {"cli": agent, "acp": acp, "remote": a2a}
    declared = {name: one | ({"price": price} if price else {}) for name, one in agents.items()}
    (folder / "agents.yaml").write_text(json.dumps({"agents": declared}))
    return Registry(shared=folder, agents_file=folder / "agents.yaml")


@pytest.mark.parametrize(
    ("price", "told", "costs"),
    [
        ({"episode": 0.5}, [SILENT, SILENT], [0.5, 0.0]),
        ({"episode": 0.0}, [SILENT], [0.0]),
        ({"episode": 0.5}, [Usage(cost_usd=0.2), SILENT], [0.2, 0.5]),
        ({"input": 1, "output": 10}, [SILENT, SILENT], [0.002, 0.002]),
        ({"input": 1, "output": 10}, [Usage(cost_usd=None)], [None]),
        ({"input": 0, "output": 0}, [Usage(cost_usd=None)], [0.0]),
        ({"input": 1, "output": 10, "episode": 0.5}, [SILENT, SILENT], [0.502, 0.002]),
    ],
)
def test_what_is_told_counts_and_what_is_not_is_booked_as_declared(
    price: dict[str, float], told: list[Usage], costs: list[float | None]
) -> None:
    fare = Fare(Tariff(Price(**price), "here"))
    assert [fare.of(usage).cost_usd for usage in told] == [
        None if cost is None else pytest.approx(cost) for cost in costs
    ]


def test_a_program_that_tells_nothing_costs_what_was_declared_once_a_seat(tmp_path: Path) -> None:
    def costs(**price: float) -> list[float | None]:
        cli = registry(tmp_path, **price).get("cli")
        played = play_episode(Handshake(), [cli, cli], seed=3, family=HandshakeFamily())
        assert len(played.transcript.of("reply", seat="a")) > 1
        return [played.episode.usage[seat].cost_usd for seat in ("a", "b")]

    assert costs(episode=0.25) == [0.25, 0.25]
    assert costs() == [None, None]


@pytest.mark.parametrize("name", ["cli", "acp", "remote"])
def test_a_budget_is_refused_that_an_agents_spending_may_escape(tmp_path: Path, name: str) -> None:
    unknown = registry(tmp_path)
    unknown.get(name)
    with pytest.raises(UsageError, match=rf"=2 cannot be kept: what {name} will spend is not known.*episode: \.\.\."):
        unknown.refuse_unpriced(2.0)
    declared = registry(tmp_path, episode=0.1)
    declared.get(name)
    declared.refuse_unpriced(2.0)


def test_a_python_agent_declares_its_price_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fared.py").write_text(PYTHON)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    agents = Registry(shared=tmp_path)
    agents.get("python/fared:free")
    agents.get("partner")
    agents.refuse_unpriced(1.0)
    agents.get("python/fared:unknown")
    with pytest.raises(UsageError, match=r"what python/fared:unknown will spend.*on what a Python agent names"):
        agents.refuse_unpriced(1.0)
    with pytest.raises(UsageError, match=r"its `price` \{'input': 3\} is none.*`output` is missing"):
        agents.get("python/fared:wrong")


def test_what_is_played_back_costs_nothing_and_is_not_refused(tmp_path: Path) -> None:
    tape = tmp_path / "tape" / "cli"
    tape.mkdir(parents=True)
    (tape / "x.a.yaml").write_text("")
    registry(tmp_path)
    replayed = Registry(shared=tmp_path, agents_file=tmp_path / "agents.yaml", replay=tmp_path / "tape")
    replayed.get("cli")
    replayed.refuse_unpriced(1.0)


def test_a_models_price_goes_by_tokens(tmp_path: Path) -> None:
    model = {"provider": "openai-chat", "base_url": "http://127.0.0.1:9/v1", "model": "m", "price": {"episode": 1}}
    (tmp_path / "agents.yaml").write_text(json.dumps({"agents": {"model": model}}))
    with pytest.raises(TaskError, match="a model's price goes by tokens"):
        _ = Registry(shared=tmp_path, agents_file=tmp_path / "agents.yaml").file


def test_the_header_says_what_is_known_of_each(tmp_path: Path) -> None:
    agents = registry(tmp_path, episode=0.4)
    (declared,) = settings_lines([agents.get("cli")])
    assert declared.endswith("cli: command, its model and effort are its own, $0.4 a seat and episode where it tells "
                             "nothing (agents file)")  # fmt: skip
    (unknown,) = settings_lines([registry(tmp_path).get("acp")])
    assert unknown.endswith("what it spends is known as it tells")
