"""From the transcript of a kitchen to its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import CAUSE_OF, Cause, Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.kitchen import evidence
from pytest_collab.families.kitchen.dialogue import Case, Words
from pytest_collab.families.kitchen.seats import SEATS
from pytest_collab.families.rounds import RoundGame, memory
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.kitchen.params import Kitchen


def assess(params: Kitchen, seed: int, condition: Condition, game: RoundGame, transcript: Transcript) -> Verdict:
    """Orders are a success when they were served in time, and score the optimum as a share of the steps that it took;
    what was not served scores by what had been cooked. Soups are a success from `target` on, and score the share
    of the bound.

    Failures run from cause to symptom. Where nothing is to be seen but that time ran out, nobody is blamed.
    """
    case = Case(params, game, transcript)
    score, success = _score(case, params, seed)
    metrics = {**show.talk_metrics(transcript), **memory.figures(transcript), **figures(case, params, seed)}
    if success:
        return Verdict(Outcome.SUCCESS, score, metrics)
    found = tuple(failures(case, condition))
    return Verdict(outcome_of(found, otherwise=Outcome.LIMIT), score, metrics, found)


def _score(case: Case, params: Kitchen, seed: int) -> tuple[float, bool]:
    state = case.last.state
    fewest = params.fewest(seed)
    if fewest is None:
        return min(1.0, state.served / params.bound), state.served >= params.target
    share = min(1.0, fewest / max(1, state.time if state.served else case.inner.last))
    return progress(case) * share, state.served > 0


def progress(case: Case) -> float:
    """The share of what has to come about that has: each stage started and its product, and the serving."""
    order = case.inner.order
    if order is None:
        return min(1.0, case.last.state.served / case.params.target)
    if case.last.state.served:
        return 1.0
    begun = {deed.item for deed in case.deeds if deed.what == "started"}
    goals = [stage.product for stage in order.stages]
    fetched = {deed.item for deed in case.deeds if deed.what == "took" and deed.place == "pantry"}
    done = sum(goal in begun for goal in goals) + sum(item in fetched for item in order.ingredients)
    filled = any(deed.what == "filled" for deed in case.deeds) and order.plated
    return (done + filled) / (len(goals) + len(order.ingredients) + order.plated + 1)


def figures(case: Case, params: Kitchen, seed: int) -> dict[str, float]:
    """How the work went."""
    state, words = case.last.state, Words(case)
    time = max(1, state.time)
    found = {"steps": float(state.time), "progress": progress(case), "lost": float(state.lost)}
    fewest = params.fewest(seed)
    if fewest is None:
        found |= {"soups": float(state.served), "bound": float(params.bound)}
    else:
        found["optimum"] = float(fewest)
        if state.served:
            found["optimum_ratio"] = min(1.0, fewest / time)
    for seat, name in enumerate(SEATS):
        found[f"blocked_{name}"] = float(len(case.of(seat, "blocked")))
        found[f"idle_{name}"] = _idle(case, seat) / time
        found[f"refused_{name}"] = float(len(case.of(seat, "refused", "unread")))
    found["handovers"] = float(_handovers(case))
    found["redundant"] = float(_redundant(case))
    requests = [(seat, one, items) for seat in (0, 1) for one, items in words.asked(seat)]
    found["requests"] = float(sum(len(items) for _, _, items in requests))
    if requests:
        done = sum(_carried_out(case, seat, case.clock(one), item) for seat, one, items in requests for item in items)
        found["carried_out"] = done / found["requests"]
    return found


def _idle(case: Case, seat: int) -> int:
    """Steps that a cook was told to wait, or stood because its answer was of no use."""
    name, idle = SEATS[seat], 0
    for number, step in enumerate(case.acts):
        if name not in step.moves:
            continue
        later = next((one.before.state.time for one in case.acts[number + 1 :] if name in one.moves), None)
        until = case.last.state.time if later is None else later
        action = str(step.moves[name].action or "wait(1)")
        if action.startswith("wait"):
            idle += until - step.before.state.time
    return idle


def _handovers(case: Case) -> int:
    """Things that one cook put on a counter and the other took from it."""
    lying: dict[str, int] = {}
    count = 0
    for deed in case.deeds:
        if deed.place.startswith("counter") and deed.what == "put":
            lying[deed.place] = deed.seat
        elif deed.place.startswith("counter") and deed.what == "took":
            count += lying.pop(deed.place, deed.seat) != deed.seat
    return count


def _redundant(case: Case) -> int:
    """Things that a cook put down and took up again in the same place itself."""
    lying: dict[str, int] = {}
    count = 0
    for deed in case.deeds:
        if deed.what == "put":
            lying[deed.place] = deed.seat
        elif deed.what == "took" and deed.place in lying:
            count += lying.pop(deed.place) == deed.seat and deed.place.startswith("counter")
    return count


def _carried_out(case: Case, seat: int, time: int, item: str) -> bool:
    """Whether a cook laid what it was asked for on a counter afterwards."""
    return any(
        deed.item == item and deed.time > time and deed.place.startswith("counter") for deed in case.of(seat, "put")
    )


def failures(case: Case, condition: Condition) -> list[Failure]:
    """Everything that can be shown, from cause to symptom."""
    words, transcript = Words(case), case.transcript
    found: list[Failure] = []
    alone = case.inner.order is not None and not all(case.inner.knows(seat) for seat in SEATS)
    if condition.muted and alone:
        events = case.replies(0)[-1:] or [len(transcript) - 1]
        note = "no message could be sent, so what the chef alone knew stayed with it"
        found.append(Failure.of("undelivered", *SEATS, events=events, note=note))
    found += words.false_claims()
    found += words.broken_promises()
    found += show.unresponsive(transcript, speech=False)
    found += evidence.deadlocks(case)
    found += [] if condition.muted else words.untold()
    found += evidence.hoarded(case)
    found += words.ungrounded()
    found += evidence.spoilt(case, words)
    found += words.deaf()
    found += evidence.overlaps(case)
    found += evidence.free_riders(case)
    found += show.repetition(transcript)
    found += evidence.idle(case)
    found += evidence.impossible(case, words)
    found += show.malformed(transcript)
    once: dict[tuple[str, tuple[str, ...]], Failure] = {}
    for failure in found:
        once.setdefault((failure.code, failure.seats), failure)
    if once:
        return sorted(once.values(), key=lambda failure: CAUSE_OF[failure.code] is Cause.COMPETENCE)
    events = case.replies(0)[-1:] + case.replies(1)[-1:] or [len(transcript) - 1]
    missing = "too few soups were served" if case.inner.order is None else "the order was not served"
    note = f"{missing} within {case.inner.last} steps, and nobody stands out"
    return [Failure.of("turn_limit", events=events, note=note).model_copy(update={"ungraded": True})]
