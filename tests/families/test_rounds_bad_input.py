"""Replies that no game of numbers can take: each counts as giving or taking nothing, and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.family import Params
from pytest_collab.families.commons import Commons
from pytest_collab.families.donor import Donor, rules
from pytest_collab.families.public_goods import PublicGoods
from pytest_collab.testing import Played, play_episode
from tests.support.says import Says

DONOR = Donor(seats=4, generations=1, rounds=2, games=1, punishment=2)


@dataclass(frozen=True)
class Table:
    """A game in which seats answer with a number.

    Attributes:
        params: one short episode without talk.
        did: what the state says that the talkers' numbers came to.
        idle: what it is where no number can be read.
        prefix: what a reply needs besides.
    """

    params: Params
    did: Callable[[Played], list[float]]
    idle: float
    prefix: str = ""


def _taken(played: Played) -> list[float]:
    return list(played.transcript.of("state")[0].data["takes"])


def _given(played: Played) -> list[float]:
    return list(played.transcript.of("state")[0].data["given"])


def _left(played: Played) -> list[float]:
    resources = played.transcript.of("state")[0].data["resources"]
    return [resources[donor] for donor, _ in rules.schedule(4, 0, 0)[0]]


TABLES = {
    "commons": Table(Commons(rounds=2, talk=0), _taken, 0),
    "donor": Table(DONOR, _left, 10.0, "STRATEGY: so\n"),
    "simultaneous": Table(PublicGoods(rounds=1, talk=0), _given, 0),
    "sequential": Table(PublicGoods(rounds=1, talk=0, protocol="sequential"), _given, 0),
}
GOODS = ("simultaneous", "sequential")
READABLE = [
    ("commons", "ACTION: 7", 7),
    ("commons", "**Action:** 7 tons, which is less than a tenth", 7),
    ("donor", "ACTION: 4", 6.0),
    ("donor", "ACTION: 25%", 7.5),
    ("donor", "ACTION: 10.00", 0.0),
    *((game, text, 7) for game in GOODS for text in ("ACTION: 7", '{"action": 7, "message": "hello"}')),
]
UNREADABLE = [
    *((game, text) for game in TABLES for text in ("Hm.", "ACTION: 4\nACTION: 5", "ACTION: -3")),
    *((game, text) for game in TABLES for text in ("ACTION: NaN", "ACTION: nan", "ACTION: 1e9", "")),
    *((game, text) for game in TABLES if game != "donor" for text in ("ACTION: 7.5", "ACTION b: 7", "Oh.")),
    *((game, text) for game in GOODS for text in ("ACTION: 21", "ACTION: 15%")),
    *(("donor", text) for text in ("ACTION: 4\nPUNISH: 5", "ACTION z: 4", "ACTION: 11", "ACTION: 120%")),
]


def answer(game: str, text: str) -> tuple[list[float], bool]:
    """What the talkers' numbers came to, and whether anything was counted as malformed."""
    table = TABLES[game]
    team: list[str | Agent] = [Says(table.prefix + text if text else "")]
    played = play_episode(table.params, team if game == "donor" else [*team, "nop"])
    return table.did(played), played.episode.metrics["malformed_replies"] > 0


@pytest.mark.parametrize(("game", "text", "did"), READABLE)
def test_one_number_in_range_is_taken(game: str, text: str, did: float) -> None:
    numbers, malformed = answer(game, text)
    assert numbers == ([did, did] if game == "donor" else [did, *[0] * (len(numbers) - 1)])
    assert not malformed


@pytest.mark.parametrize(("game", "text"), UNREADABLE)
def test_a_reply_without_one_number_in_range_counts_as_nothing_and_is_counted(game: str, text: str) -> None:
    numbers, malformed = answer(game, text)
    assert numbers == [TABLES[game].idle] * len(numbers)
    assert malformed


@pytest.mark.parametrize("params", [Commons(rounds=2), PublicGoods(rounds=1)], ids=["commons", "public_goods"])
def test_a_thousand_messages_and_messages_to_nobody_are_dropped_and_counted(params: Params) -> None:
    text = "ACTION: 5\nMESSAGE to a: me\nMESSAGE to zoe: who\n" + "\n".join(f"MESSAGE: {i}" for i in range(1000))
    played = play_episode(params, [Says(text), "partner"])
    why = Counter(what for event in played.transcript.of("message") for what in event.data["dropped"].values())
    assert why["self"] == why["nobody"] > 0
    assert why["flood"] > 0
    assert played.episode.metrics["messages_dropped"] == sum(why[what] for what in ("self", "nobody", "flood"))
