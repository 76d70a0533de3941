"""Pictures in reports: legible, numbered, with what was said drawn in, and no meaning by colour alone."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Params, Picture
from pytest_collab.families.commons import Commons
from pytest_collab.families.donor import Donor
from pytest_collab.families.experts import Experts
from pytest_collab.families.market import Market
from pytest_collab.families.maze import Maze
from pytest_collab.families.philosophers import Philosophers
from pytest_collab.families.public_goods import PublicGoods
from pytest_collab.families.sketch import SEATS, SHAPES, SMALLEST, WIDTH, Sketch
from pytest_collab.testing import Played, play_episode

MARKET = Market(agents=3, pieces=9, rounds=4, needs=2, tasks=1)
PROFILE = Experts(kind="hidden_profile", discussion=1, seats=3, expertise="distributed")
MAZE = Maze(size=6, walls=0.3, path=(7, 9))
GAMES = [
    MAZE,
    MARKET,
    Market(agents=12, pieces=36, rounds=3, needs=2),
    PROFILE,
    Experts(discussion=1, seats=6),
    Commons(rounds=3),
    Commons(rounds=2, harm="doubling", seats=12, capacity=600),
    PublicGoods(rounds=30),
    Donor(generations=2, rounds=2),
    Philosophers(seats=5, timesteps=6),
]


def drawn(params: Params, played: Played, upto: int | None = None) -> Picture:
    picture = families.of(params).draw(params, 0, Condition.parse("team"), played.transcript, upto)
    assert picture is not None
    return picture


def words(svg: str) -> list[str]:
    """What is written in a picture, without what is shown under a pointer."""
    nodes = [node for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")]
    return [(node.text or "") + "".join(child.tail or "" for child in node) for node in nodes]


@pytest.mark.parametrize("params", GAMES, ids=repr)
def test_words_are_large_enough_and_inside(params: Params) -> None:
    svg = drawn(params, play_episode(params, ["partner"], "team")).svg
    root = ElementTree.fromstring(svg)
    assert float(root.get("width", "0")) <= WIDTH
    _, _, wide, tall = map(float, root.get("viewBox", "").split())
    for node in root.iter():
        if node.tag.endswith("}text"):
            assert float(node.get("font-size", "0")) >= SMALLEST
            assert 0 <= float(node.get("y", "-1")) <= tall
            assert -1 <= float(node.get("x", "-1")) <= wide


def test_what_a_seat_said_of_cells_is_drawn_into_its_copy() -> None:
    played = play_episode(MAZE, ["partner", "confabulator"], "team")
    said = next(e for e in played.transcript.of("message") if e.seat == "b")
    before, after = drawn(MAZE, played, said.seq - 1), drawn(MAZE, played, said.seq)
    lie = next(f for f in played.episode.failures if f.code == "false_claim")
    assert lie.note.startswith("b said that (")
    assert lie.note.endswith("its own copy shows otherwise")
    copy_of_b = [line.split("   ")[1] for line in after.text.splitlines()[2:8]]
    told = len(re.findall(r"\(\d, \d\)", lie.note))
    assert sum(line.count("!") for line in copy_of_b) >= told > 0
    assert "! said otherwise" in after.text
    assert "!" not in before.text
    assert "its own copy shows otherwise" in words(after.svg)
    assert after.svg.count("url(#said)") > before.svg.count("url(#said)")
    numbers = words(after.svg)
    assert all(numbers.count(str(n)) == 6 for n in range(6)), "rows and columns of three grids are numbered"


def test_pieces_have_their_names_at_directed_arrows_and_denials_are_marked() -> None:
    honest = drawn(MARKET, play_episode(MARKET, ["partner"], "team"))
    assert re.search(r"a to [bc]: p\d+ \(round \d\)", honest.text)
    assert 'marker-end="url(#' in honest.svg
    assert any(re.fullmatch(r"p\d+(\*)?( p\d+(\*)?)*", one) for one in words(honest.svg))
    assert "†" not in honest.text
    lied = drawn(MARKET, play_episode(MARKET, ["partner", "confabulator"], "team"))
    assert "† has said that it does not have it" in lied.text
    played = play_episode(MARKET, ["partner"], "team")
    rounds = [drawn(MARKET, played, e.seq).text.splitlines()[0] for e in played.transcript.of("prompt")]
    assert rounds[0].startswith("round 1 of 4")
    assert rounds[-1].startswith("round 4 of 4"), "the round counts where nobody sends anything, too"


def test_who_knew_and_who_told_stands_beside_the_choices() -> None:
    honest = drawn(PROFILE, play_episode(PROFILE, ["partner"], "team"))
    assert "knew+said" in honest.text
    assert any("✓" in one for one in words(honest.svg))
    lied = drawn(PROFILE, play_episode(PROFILE, ["partner", "confabulator"], "team"))
    assert "knew+false" in lied.text
    assert "false" in words(lied.svg)
    assert any("✘" in one for one in words(lied.svg))


def test_the_pool_has_a_line_for_what_can_be_taken() -> None:
    params = Commons(rounds=3, seats=3)
    text = drawn(params, play_episode(params, ["partner"], "team")).text
    taken = [line.split() for line in text.splitlines() if line.split()[0] in ("at", "a", "b", "c")]
    most = [int(n) for n in taken[0][2:]]
    assert [sum(column) for column in zip(*([int(n) for n in row[1:]] for row in taken[1:]), strict=True)] <= most


def test_seats_differ_in_shape_not_in_colour_only() -> None:
    assert len({shape for shape, _ in SEATS}) == len({colour for _, colour in SEATS}) == len(SEATS)
    assert {shape for shape, _ in SEATS} <= set(SHAPES)
    assert len({_outline(number) for number in range(len(SEATS))}) == len(SEATS)


def _outline(number: int) -> str:
    sketch = Sketch("one seat")
    sketch.seat(0, 0, number)
    return next(part for part in re.findall(r' d="([^"]*)"', sketch.svg()))
