"""Cascades: what counts as a piece and as adopting it, and figures held against independent ones."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import zipfian

from pytest_collab.cli import main
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.network import Network
from pytest_collab.measure.adoption import hazard_ratio
from pytest_collab.measure.cascades import core_of, spread, terms
from pytest_collab.measure.powerlaw import Sizes, exponent
from pytest_collab.testing import play_episode

PAIRS = {n: list(combinations(range(n), 2)) for n in range(2, 8)}


def told(*messages: tuple[str, str, str], briefs: str = "") -> Transcript:
    """A transcript in which each (sender, to, text) is delivered."""
    transcript = Transcript()
    transcript.add("start", None, seats=list("abcd"))
    for seat in briefs:
        transcript.add("brief", seat, text="You hold 512.")
    for sender, to, text in messages:
        transcript.add("message", sender, to=list(to), text=text, delivered=list(to), dropped={})
    return transcript


def sizes(transcript: Transcript, words: int = 4) -> dict[str, tuple[str, list[str]]]:
    return {piece.words: (piece.origin, piece.adopters) for piece in spread(transcript, words).pieces}


def test_who_writes_what_it_was_shown_has_adopted_it_and_who_writes_it_by_itself_has_not() -> None:
    found = sizes(told(("a", "b", "I hold 512"), ("b", "c", "a holds 512"), ("d", "a", "mine is 512")))
    assert found["512"] == ("a", ["b"])


def test_a_number_that_others_were_given_is_no_piece_of_the_one_who_says_it_first() -> None:
    assert "512" not in sizes(told(("a", "b", "I hold 512"), briefs="bc"))
    assert sizes(told(("a", "b", "I hold 512"), briefs="a"))["512"] == ("a", [])


def test_the_runs_of_one_sentence_are_one_piece() -> None:
    sentence = "the quick brown fox jumps over the lazy dog"
    found = sizes(told(("a", "b", sentence), ("b", "c", sentence)))
    assert list(found.values()) == [("a", ["b"])]
    assert terms("Take 12 or 345!", 2) == ("345", "take 12", "12 or", "or 345")


def test_exposures_are_different_seats_and_the_hazard_counts_texts() -> None:
    found = spread(
        told(("a", "bc", "word 777"), ("b", "c", "hm"), ("b", "c", "777 it is"), ("c", "d", "no"), ("c", "d", "777"))
    )
    assert found.at_risk == {1: 2, 2: 2}
    assert found.adopted == {1: 1, 2: 1}


def test_a_sum_over_a_network_reaches_everyone() -> None:
    params = Network(kind="sum", seats=8)
    transcript = play_episode(params, ["partner"], seed=3).transcript
    numbers = {piece.words: piece.size for piece in spread(transcript).pieces if piece.words.isdigit()}
    held = {str(value) for value in params.deal(3).inputs}
    assert held <= numbers.keys()
    assert all(numbers[value] >= 6 for value in held)  # who hears it last has nobody left to tell


def test_the_exponent_of_drawn_sizes_is_found_and_its_interval_covers_it() -> None:
    covered, estimates = 0, []
    for seed in range(6):
        drawn = zipfian.rvs(2.5, 50, size=(10, 60), random_state=seed)
        found = exponent([Sizes(row, 50) for row in drawn], seed=seed)
        assert found is not None
        estimates.append(found.value)
        covered += found.low <= 2.5 <= found.high
    assert np.mean(estimates) == pytest.approx(2.5, abs=0.05)
    assert covered >= 4
    few = exponent([Sizes(zipfian.rvs(2.5, 50, size=400, random_state=1), 50)])
    assert few is not None
    assert few.method == "likelihood ratio"
    assert few.low < 2.5 < few.high


def test_where_sizes_say_nothing_there_is_no_exponent() -> None:
    assert exponent([Sizes(np.array([1]), 8)]) is None
    assert exponent([Sizes(np.array([1, 1, 1]), 1)]) is None
    assert exponent([]) is None


def test_the_hazard_ratio_of_drawn_adoptions_is_found() -> None:
    rng, ratio = np.random.default_rng(5), 0.53
    at_risk = dict.fromkeys(range(1, 6), 20000)
    hazard = {k: 1 - np.exp(-0.2 * ratio ** (k - 1)) for k in at_risk}
    adopted = {k: int(rng.binomial(n, hazard[k])) for k, n in at_risk.items()}
    found = hazard_ratio(at_risk, adopted)
    assert found is not None
    assert found.low < ratio < found.high
    assert found.high - found.low < 0.05
    assert hazard_ratio({1: 10}, {1: 3}) is None
    assert hazard_ratio({1: 10, 2: 10}, {}) is None


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 7).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.sampled_from(list(combinations(range(n), 2)))))
    )
)
def test_the_core_is_the_best_of_all_splits(case: tuple[int, set[tuple[int, int]]]) -> None:
    n, ties = case
    near = {str(i): frozenset(str(j) for j in range(n) if (min(i, j), max(i, j)) in ties) for i in range(n)}

    def errors(core: frozenset[str]) -> int:
        inside = {int(seat) for seat in core}
        missing = sum((i, j) not in ties for i, j in combinations(sorted(inside), 2))
        return missing + sum(i not in inside and j not in inside for i, j in ties)

    every = (frozenset(map(str, chosen)) for size in range(n + 1) for chosen in combinations(range(n), size))
    assert errors(core_of(near)) == min(map(errors, every))


def test_the_command_tells_a_run_in_the_terminal_and_as_json(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    task = "family: network\nparams: {kind: sum, seats: 6}\nseeds: 2\nconditions: [team]\n"
    pytester.makefile(".collab.yaml", net=task)
    pytester.inline_run("--agents=partner", "--collab-run-dir=run")
    capsys.readouterr()
    assert main(["cascades", "run"]) == 0
    text = capsys.readouterr().out
    assert "exponent" in text
    assert "had it from  1" in text
    assert main(["cascades", "run", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert sum(found["sizes"].values()) > 12
    assert found["exponent"]["low"] < found["exponent"]["value"] < found["exponent"]["high"]
    assert main(["cascades", "run", "--family", "maze"]) == 2
    assert "it has network under team" in capsys.readouterr().err
    assert main(["cascades", "run", "--words", "0"]) == 2
