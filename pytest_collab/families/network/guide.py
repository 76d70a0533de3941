"""A guide of a network: it sees the whole of it, and can only write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.condition import GUIDE
from pytest_collab.episode.outcome import Failure
from pytest_collab.families.network import rules, words
from pytest_collab.families.network.flow import Case
from pytest_collab.families.network.rules import Answer
from pytest_collab.families.network.seats import FORMS, GOALS, NetworkGame
from pytest_collab.families.rounds import Sight

OF_THE_MISLED: Final = frozenset({"ungrounded", "broken_commitment", "disagreement"})
"""What nobody is to blame for who did as a guide said that was wrong."""


def sight(game: NetworkGame) -> Sight:
    """What the guide of a network is given."""
    deal, limit = game.deal, game.params.characters
    lines = [
        f"You are the guide of {deal.nodes} agents in a network: {', '.join(deal.names)}. You see everything that "
        "any of them is given. You answer nothing and do nothing: all you can do is write to them, and none of them "
        "can write to you.",
        "THEIR COMMON GOAL: " + GOALS[deal.kind].format(colours=deal.colours, nodes=deal.nodes),
        *game.given(None),
        f"There are {game.rounds} rounds. In each of them the agents, who know their own neighbours only, write to "
        f"those; at the same time you may write to any of them: `MESSAGE to {deal.names[0]}: ...`, or `MESSAGE: ...` "
        f"to all (at most {limit} characters each). What is written is read in the next round; then each gives one "
        f"answer: {FORMS.get(deal.kind, 'one number')}.",
    ]

    def view() -> Mapping[str, Any]:
        return {"phase": "guide", "round": game.state.talked, "rounds": game.rounds, "answers": game.solution()}

    return Sight(
        "\n".join(lines),
        {name.lower(): seat for seat, name in game.names.items()} | {seat: seat for seat in game.seats},
        frozenset({"talk"}),
        limit,
        view,
        lambda: f"Round {game.state.talked + 1} of {game.rounds}.\nWhat do you write to them?",
    )


def failures(case: Case) -> list[Failure]:
    """What a guide did wrong, and who did not do what it rightly told them.

    `false_claim`: it told inputs that are not so, or answers that cannot stand together; `withholding`: it told those
    whose answers are wrong nothing that they needed; `disagreement` of agents whom it had told their right answer.
    """
    told = _advice(case)
    wrong = _untrue(case, told)
    if wrong:
        return [wrong]
    found = []
    lacking = [node for node in case.result.wrong if node not in told and not _informed(case, node)]
    if lacking:
        briefs, wrote = case.brief(GUIDE), [one.event.seq for one in case.flow.guided]
        names = ", ".join(case.deal.names[node] for node in lacking[:3])
        note = f"saw everything and told {names} neither an answer nor what one follows from"
        asked = [event.seq for event in case.transcript.of("reply", seat=GUIDE)]
        events = [*briefs, *wrote, *asked, *case.replies(lacking)]
        found.append(Failure.of("withholding", GUIDE, events=events, note=note))
    for node in case.result.wrong:
        if node in told and case.answers[node] not in (None, told[node][0]):
            note = f"was told by the guide to answer {told[node][0]}, and answered {case.answers[node]}"
            events = [told[node][1], case.reply(node)]
            found.append(Failure.of("disagreement", case.seats[node], events=events, note=note))
    return found


def misled(case: Case) -> frozenset[str]:
    """The seats that answered as the guide told them, whatever that came to."""
    told = _advice(case).items()
    return frozenset(case.seats[node] for node, (answer, _) in told if case.answers[node] == answer)


def _advice(case: Case) -> dict[int, tuple[Answer, int]]:
    """By node, the answer that the guide last told it to give, with the event."""
    found: dict[int, tuple[Answer, int]] = {}
    names = frozenset(case.deal.names)
    for one in case.flow.guided:
        reached = [case.seats.index(seat) for seat in one.event.data["delivered"] if seat in case.seats]
        direct = words.advice(one.text) if len(reached) == 1 else None
        if direct is not None:
            got = case.game.reads(case.seats[reached[0]], direct)
            named = next((name for name in names if name.lower() == direct.lower()), None)  # who is no neighbour
            value = named if got.value is None else got.value
            if value is not None:
                found[reached[0]] = (value, one.event.seq)
        for fact in words.facts(one.text, "", case.deal.kind, names):
            if fact.what == "choice" and fact.about in names and not isinstance(fact.value, tuple):
                node = case.deal.names.index(fact.about)
                if node in reached:
                    found[node] = (fact.value, one.event.seq)
    return found


def _untrue(case: Case, told: Mapping[int, tuple[Answer, int]]) -> Failure | None:
    """`false_claim` of the guide: inputs that are not so, and answers that are wrong, alone or together."""
    deal, events, note = case.deal, [], ""
    for one in case.flow.guided:
        for fact in words.facts(one.text, "", deal.kind, frozenset(deal.names)):
            true = deal.inputs[deal.names.index(fact.about)] if fact.what == "number" and deal.inputs else None
            if true is not None and fact.value != true:
                events.append(one.event.seq)
                note = f"saw that {fact.about} holds {true}, and wrote {one.text[:80]!r}"
    answers: list[Answer | None] = [told[node][0] if node in told else None for node in range(deal.nodes)]
    right = rules.truth(deal)
    if right:
        bad = [node for node, answer in enumerate(answers) if answer is not None and answer != right[node]]
    else:
        bad = list(rules.judge(deal, answers).wrong) if None not in answers else []
    if bad:
        events += [told[node][1] for node in bad]
        first = bad[0]
        what = f", where {right[first]} is right" if right else ", which does not fit what it told the others"
        note = f"told {deal.names[first]} to answer {answers[first]}{what}"
    if not events:
        return None
    return Failure.of("false_claim", GUIDE, events=[*case.brief(GUIDE), *events], note=note)


def _informed(case: Case, node: int) -> bool:
    """Whether a node had been told, by whomever, all that its answer follows from."""
    return bool(case.flow.needed) and case.flow.complete(node)
