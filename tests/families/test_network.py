"""Networks: what is dealt and judged, what doing nothing comes to, how words are read, and who is to blame."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.agent import Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.network import Network, NetworkFamily, audit, graphs, rules, words
from pytest_collab.testing import check_family, play_episode
from tests.support.says import Says

FAMILY = NetworkFamily()
SIZES = st.integers(3, 40)
SEEDS = st.integers(0, 1000)


@given(st.sampled_from(graphs.SHAPES), SIZES, SEEDS)
def test_every_graph_is_connected_and_who_is_a_neighbour_has_one(shape: str, nodes: int, seed: int) -> None:
    near = graphs.connected(shape, nodes, seed)
    assert len(near) == nodes
    assert all(node in near[other] and other != node for node, own in enumerate(near) for other in own)
    assert len(graphs.distances(near, 0)) == nodes  # raises where a node is out of reach


def test_a_seed_gives_the_same_graph_and_names_on_every_machine() -> None:
    dealt = Network(kind="sum", seats=8).deal(1)
    assert dealt.names == NAMES
    assert graphs.edges(dealt.near) == EDGES
    assert dealt.inputs == INPUTS


@given(st.sampled_from(rules.CHOICES), st.sampled_from(graphs.SHAPES), SIZES, SEEDS)
def test_the_canonical_solution_solves(kind: str, shape: str, nodes: int, seed: int) -> None:
    dealt = rules.deal(kind, shape, nodes, seed)
    near = {dealt.names[node]: [dealt.names[other] for other in own] for node, own in enumerate(dealt.near)}
    found = rules.solve(near, kind)
    assert rules.judge(dealt, [found[name] for name in dealt.names]) == rules.Result(True, 1.0, ())


@given(st.sampled_from(rules.KINDS), SIZES, SEEDS, st.data())
def test_a_result_is_a_success_exactly_when_nobody_is_wrong(kind: str, nodes: int, seed: int, data: Any) -> None:
    dealt = rules.deal(kind, "small_world", nodes, seed)
    some = [*dealt.names[:3], "none", "yes", "no", 0, 1, 2, None, *rules.truth(dealt)[:2]]
    result = rules.judge(dealt, data.draw(st.lists(st.sampled_from(some), min_size=nodes, max_size=nodes)))
    assert 0 <= result.score <= 1
    assert result.success == (not result.wrong) == (result.score == 1 and not result.wrong)


def test_a_consensus_on_what_nobody_was_given_is_none() -> None:
    dealt = rules.deal("consensus", "ring", 8, 3)
    (most, _), *_ = Counter(dealt.inputs).most_common(1)
    assert rules.judge(dealt, [most] * 8).success
    assert not rules.judge(dealt, [(most + 1) % 10] * 8).success


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "leader", "graph": "complete"}, "what everyone sees of its neighbours solves 100%"),
        ({"kind": "cover", "seats": 3, "graph": "ring"}, "take more seats"),
        ({"seats": 2}, "seats"),
        ({"kind": "gossip"}, "kind"),
    ],
)
def test_a_network_that_needs_no_word_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Network(**wrong)


@pytest.mark.parametrize("kind", rules.KINDS)
def test_doing_nothing_solves_no_shipped_size(kind: str) -> None:
    for nodes in (4, 8, 16):
        assert audit.idle(kind, "small_world", nodes)[1] <= audit.IDLE


NAMES = ("Mara", "Uma", "Wim", "Abel", "Hans", "Cruz", "Rena", "Jana")
EDGES = (
    (0, 2),
    (0, 4),
    (0, 5),
    (0, 7),
    (1, 3),
    (1, 4),
    (1, 6),
    (2, 3),
    (2, 4),
    (2, 5),
    (2, 6),
    (2, 7),
    (4, 5),
    (4, 6),
    (5, 6),
    (5, 7),
)
INPUTS = (132, 285, 962, 833, 654, 531, 100, 275)
NAMED = frozenset({"Ada", "Bodo", "Cleo", "Dana"})


@pytest.mark.parametrize(
    ("kind", "text", "read"),
    [
        ("sum", "Ada=123; Bodo: 456", [("Ada", "number", 123), ("Bodo", "number", 456)]),
        ("sum", "My number is 789. Ada has 123.", [("Dana", "number", 789), ("Ada", "number", 123)]),
        ("sum", "The total of Ada = 500 so far", []),
        ("sum", "Is Ada 123?", []),
        ("consensus", "Cleo's digit is 7, I hold 3", [("Cleo", "number", 7), ("Dana", "number", 3)]),
        ("colouring", "Ada: Bodo, Cleo", [("Ada", "near", ("Bodo", "Cleo"))]),
        ("colouring", "My neighbours are Cleo and Ada.", [("Dana", "near", ("Ada", "Cleo"))]),
        ("colouring", "I'll take colour 2", [("Dana", "choice", 2)]),
        ("colouring", "I could take colour 2", []),
        ("colouring", "Bodo takes colour 3", [("Bodo", "choice", 3)]),
        ("leader", "I am the leader", [("Dana", "choice", "yes")]),
        ("leader", "Ada is the leader.", [("Dana", "choice", "no"), ("Ada", "choice", "yes")]),
        ("leader", "Should Ada be the leader?", []),
        ("matching", "I will pair with Bodo", [("Dana", "choice", "Bodo")]),
        ("cover", "I'm a member", [("Dana", "choice", "yes")]),
    ],
)
def test_plain_words_are_read(kind: str, text: str, read: list[tuple[str, str, Any]]) -> None:
    assert [(fact.about, fact.what, fact.value) for fact in words.facts(text, "Dana", kind, NAMED)] == read


@pytest.mark.parametrize("kind", rules.KINDS)
@pytest.mark.parametrize("medium", ["neighbours", "broadcast", "board"])
def test_flawless_partners_solve_every_kind_in_every_medium(kind: Any, medium: Any) -> None:
    params = Network(kind=kind, medium=medium, ending="own" if medium == "board" else "together")
    for condition in ("team", "solo", "shared"):
        assert play_episode(params, ["partner"], condition, seed=1).episode.success


def test_a_hundred_seats_find_the_greatest_number() -> None:
    played = play_episode(Network(seats=100), ["partner"])
    assert played.episode.success
    assert played.episode.metrics["reached"] == 1
    assert {event.seat for event in played.transcript.of("reply")} >= {"a", "z", "a2", "v4"}


PLANTED = {
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment", "ungrounded"},
    "silent": {"unresponsive"},
    "quitter": {"unresponsive"},
    "nop": {"unresponsive"},
    "free_rider": {"withholding"},
    "vague": {"vague"},
    "deaf": {"ungrounded", "disagreement", "withholding"},
    "stubborn": {"ungrounded", "disagreement", "withholding"},
}


def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat() -> None:
    missed: list[str] = []
    failed = innocent = 0
    for kind in rules.KINDS:
        params = Network(kind=kind)
        for name, codes in PLANTED.items():
            for at, seed in ((0, 0), (2, 1)):
                team = ["partner"] * params.seats
                team[at] = name
                episode = play_episode(params, team, seed=seed).episode
                if episode.success:
                    continue
                failed += 1
                seat = FAMILY.seats(params)[at]
                innocent += any(set(failure.seats) - {seat} for failure in episode.failures)
                if not any(failure.code in codes and seat in failure.seats for failure in episode.failures):
                    missed.append(f"{kind} {name} {seat} {seed}: {episode.failures}")
    assert failed > 100
    assert not innocent
    assert len(missed) <= 0.05 * failed, missed


class Early(Says):
    """Answers in its first round, and says nothing else."""

    async def reply(self, request: Request) -> Reply:
        return Reply("ANSWER: 100")


def test_an_answer_before_the_others_can_have_been_heard_is_premature() -> None:
    params = Network(kind="sum", seats=5, ending="own")
    episode = play_episode(params, [Early(""), "partner"]).episode
    early = [failure for failure in episode.failures if failure.code == "premature"]
    assert [failure.seats for failure in early] == [("a",)]
    assert "round 1 of" in early[0].note


def test_who_was_told_everything_and_adds_it_up_wrongly_leaves_it_open_what_it_was() -> None:
    class Wrong(Says):
        async def reply(self, request: Request) -> Reply:
            own = request.view["inputs"][request.view["name"]]
            return Reply("ANSWER: 999" if request.phase == "answer" else f"MESSAGE: I hold {own}")

    params = Network(kind="sum", seats=3, graph="complete")
    episode = play_episode(params, [Wrong(""), "partner"]).episode
    assert episode.outcome is Outcome.UNSETTLED
    assert [(failure.code, failure.seats) for failure in episode.failures] == [("ungrounded", ("a",))]


def test_subtotals_that_cannot_be_followed_blame_nobody() -> None:
    """A team that adds up along a path passes on no number as it was given: who slipped cannot be told."""
    params = Network(kind="sum", seats=4, graph="path", rounds=3)
    episode = play_episode(params, [Says("MESSAGE: the subtotal so far is 1234\nANSWER: 1234")]).episode
    assert [(failure.code, failure.seats, failure.ungraded) for failure in episode.failures] == [
        ("disagreement", (), True)
    ]


def test_the_word_dies_at_the_hop_that_changes_it() -> None:
    params = Network(kind="tracer", seats=5, graph="path")
    dealt = params.deal(0)
    hops = graphs.distances(dealt.near, dealt.source)
    changer = hops.index(2)
    team = ["confabulator" if node == changer else "partner" for node in range(5)]
    episode = play_episode(params, team).episode
    assert [episode.metrics[f"survival_hop_{hop}"] for hop in (1, 3, 4)] == [1, 0, 0]
    assert (episode.failures[0].code, episode.failures[0].seats) == ("false_claim", (FAMILY.seats(params)[changer],))


def test_messages_go_to_neighbours_and_only_once_a_round() -> None:
    params = Network(kind="sum", seats=6, graph="path", rounds=1)
    game = FAMILY.deal(params, 0, Condition.parse("team"))
    near, far = game.near("a"), next(seat for seat in game.seats[1:] if seat not in game.near("a"))  # type: ignore[attr-defined]
    names = game.names  # type: ignore[attr-defined]
    text = f"MESSAGE to {names[near[0]]}: one\nMESSAGE to {names[near[0]]}: two\nMESSAGE to {names[far]}: three"
    played = play_episode(params, [Says(text), "nop"])
    sent = [(event.data["text"], event.data["delivered"]) for event in played.transcript.of("message", seat="a")]
    assert sent == [("one\ntwo", [near[0]])]
    assert "no neighbour" in played.transcript.of("malformed", seat="a")[0].data["why"]


def test_nobody_is_told_more_than_its_neighbours_and_its_own_number() -> None:
    params = Network(kind="rank", seats=6, graph="ring")
    dealt = params.deal(2)
    game = FAMILY.deal(params, 2, Condition.parse("team"))
    for node, seat in enumerate(game.seats):
        told = game.brief(seat)
        for other in range(6):
            assert (dealt.names[other] in told) == (other == node or other in dealt.near[node])
            assert (str(dealt.inputs[other]) in told) == (other == node)


def test_the_family_keeps_every_promise() -> None:
    check_family(
        FAMILY,
        [Network(seats=4, graph="ring", rounds=2), Network(kind="colouring", seats=5, graph="ring", ending="own")],
        seeds=(0,),
    )


@pytest.mark.parametrize("kind", ["leader", "colouring", "matching", "cover"])
def test_as_published_agents_are_told_what_agentsnet_tells(kind: str) -> None:
    params = Network(kind=kind, seats=8, prompts="as_published")
    played = play_episode(params, ["silent"])
    told = [event.data["text"] for event in played.transcript.of("prompt", seat="b")]
    brief = played.transcript.of("brief", seat="b")[0].data["text"]
    assert "succeed together" not in brief
    assert "characters" not in brief
    assert params.characters == 8000
    assert "These neighbours wrote nothing to you" in told[1]
    assert ["Rounds left" in text for text in told] == [False, *[True] * (len(told) - 2), False]
    assert ["last messages" in text for text in told] == [*[False] * (len(told) - 2), True, False]
    assert play_episode(params, ["partner"]).episode.outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    "wrong", [{"kind": "consensus"}, {"kind": "sum"}, {"kind": "leader", "medium": "board"}, {"ending": "own"}]
)
def test_what_agentsnet_has_no_prompts_for_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match="prompts: plain"):
        Network(seats=8, prompts="as_published", **{"kind": "leader"} | wrong)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("colouring", "I am in group 3.", 3),
        ("matching", "I form a group with Bea.", "Bea"),
        ("cover", "I am no coordinator.", "no"),
    ],
)
def test_choices_are_read_in_the_words_of_the_study_too(kind: str, text: str, value: object) -> None:
    (fact,) = words.facts(text, "Ada", kind, frozenset({"Ada", "Bea"}))
    assert (fact.about, fact.what, fact.value) == ("Ada", "choice", value)
