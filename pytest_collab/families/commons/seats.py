"""What each seat of the commons is told, and how its replies are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from statistics import median_low
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt
from pytest_collab.families.commons import rules
from pytest_collab.families.commons.telling import HARM, TELLINGS
from pytest_collab.families.rounds import (
    Reading,
    RoundGame,
    named,
    number,
    one,
    read,
    seat_names,
    somebody_else,
    speeches,
)

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons

PROTOCOLS: Final = ("universalization",)
"""What `protocol:NAME` can add to everyone's prompts."""

_ATTITUDES: Final = {
    "neutral": "",
    "altruistic": "You care for the others' gain as much as for your own. ",
    "selfish": "You care for your own gain only. ",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The pool, and where in the month we are.

    Attributes:
        talks: rounds of talk left before the next harvest; 0 means that the harvest is next.
        norms: by seat, the last proposal; None where there was none.
        fined: who punished whom (indices) after the last harvest.
    """

    pool: rules.State
    talks: int
    norms: tuple[int | None, ...]
    fined: tuple[tuple[int, int], ...] = ()


class CommonsGame(RoundGame):
    """One episode: each month a harvest in which all act at once, then the rounds of talk.

    A seat whose reply holds no readable number takes nothing.
    """

    labels = ("action", "message", "norm")
    commands = ("punish",)

    def __init__(self, params: Commons, seed: int, condition: Condition) -> None:
        self.params, self.seed = params, seed
        self.seats = seat_names(params.seats)
        self.nature = params.nature
        self.told = params.universalization or condition.kind == "protocol"
        self.monitoring = params.monitoring or condition.shared
        self.words = (HARM if params.inverse else TELLINGS)[params.telling]
        nobody = (0,) * params.seats
        self.state = Scene(rules.State(params.first, 0, nobody), 0, (None,) * params.seats)

    # What they are told.

    def brief(self, seat: str) -> str:
        params, words, nature = self.params, self.words, self.nature
        late = params.newcomer is not None and seat == self.seats[-1]
        other = somebody_else(seat, self.seats)
        lines = [f"You are {seat}, one of {params.seats}: {', '.join(self.seats)}. {words.story}"]
        if nature.harmful:
            lines.append(
                f"Every month each of you has {nature.effort} hours and says how many {words.unit} to {words.act}, "
                f"one hour each; the hours you do not spend are your own. What is left grows {nature.growth}-fold, "
                f"and at least {nature.floor} are there again. At {nature.capacity} all is lost."
            )
        else:
            lines.append(
                f"Every month all say at the same time how many {words.unit} they want to {words.act}. If that is "
                f"more than there is, it is dealt out at random. What is left grows {nature.growth}-fold, up to "
                f"{nature.capacity}. When less than {nature.threshold} is left, the {words.place} is dead, for ever."
            )
        if params.rewards_told:
            what = "hours you keep" if nature.harmful else f"{words.unit} you {words.act}"
            lines.append(f"Your gain is the {what}, over many months. Nobody knows how many months there will be.")
        aim = (
            "You are new here and want as much as you can get for yourself. " if late else _ATTITUDES[params.attitude]
        )
        if aim:
            lines.append(aim.strip())
        lines.append(f"When asked to {words.act}, answer with one line `ACTION: N`, N a whole number from 0.")
        if params.talk:
            lines.append(
                f"When asked to talk, answer with lines `MESSAGE: ...` (to all) or `MESSAGE to {other}: ...`. All "
                f"talk at the same time, once a month; what is said is read before you {words.act} again."
            )
        if params.norms:
            lines.append(
                f"When asked to talk you may add a line `NORM: N`: how much each should {words.act}. The median of "
                "the last proposals is the norm; everyone is told, nobody is forced."
            )
        if params.punishment:
            lines.append(
                f"When asked to talk you may add lines `PUNISH {other}`: it takes {params.punishment} from {other}'s "
                f"gain and {params.punishment_cost} from yours."
            )
        return "\n".join(lines)

    def ask(self) -> Ask | None:
        pool = self.state.pool
        if self.state.talks:
            return Ask(self.present(pool.round - 1), "talk")
        if pool.collapsed or pool.round >= self.params.rounds:
            return None
        return Ask(self.present(pool.round), "harvest")

    def present(self, month: int) -> tuple[str, ...]:
        """The seats that take part in a month."""
        return self.seats[: self.params.seated(month)]

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view, words = self.view(seat), self.words
        lines = [f"Month {view['month'] + 1}. The {words.place} holds {view['pool']} {words.unit}."]
        if view["phase"] == "talk":
            lines = [f"Month {view['month']} is over."]
            if view["collapsed"]:
                lines.append("All is lost." if self.nature.harmful else f"The {words.place} is dead.")
            else:
                lines.append(f"The {words.place} will hold {view['pool']} {words.unit}.")
        if view["takes"]:
            told = [f"{name} wanted {wish} and {words.past} {take}" for name, (wish, take) in view["takes"].items()]
            lines.append("Last harvest: " + "; ".join(told) + ".")
        if self.told:
            less, then = ("less", "more") if self.nature.harmful else ("more", "less")
            lines.append(
                f"Given this, if everyone were to {words.act} {less} than {view['share']}, "
                f"the {words.place} would hold {then} next month."
            )
        if view["norm"] is not None:
            lines.append(f"The norm that you have agreed on: {words.act} {view['norm']} each.")
        if view["best"] is not None:
            name, gain = view["best"]
            lines.append(f"{name} has gained most so far: {gain}.")
        if view["fined"]:
            lines.append("Punished: " + "; ".join(f"{to} by {by}" for by, to in view["fined"]) + ".")
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        ask = f"How many {words.unit} do you want to {words.act}?"
        lines.append(ask if view["phase"] == "harvest" else "Talk to the others, or answer with nothing.")
        return Prompt("\n".join(lines), view, may_be_silent=view["phase"] == "talk")

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        scene, pool, i = self.state, self.state.pool, self.seats.index(seat)
        present = self.present(pool.round)
        takes = {}
        if pool.takes:
            seen = self.present(pool.round - 1) if self.monitoring else (seat,)
            indices = [self.seats.index(name) for name in seen]
            takes = {self.seats[j]: (pool.wishes[j], pool.takes[j]) for j in indices}
        proposals = [norm for norm in scene.norms if norm is not None]
        top = max(range(len(pool.gains)), key=lambda j: (pool.gains[j], -j))
        return {
            "phase": "talk" if scene.talks else "harvest",
            "month": pool.round,
            "pool": pool.pool,
            "collapsed": pool.collapsed,
            "seats": present,
            "gain": pool.gains[i],
            "takes": takes,
            "share": rules.share(pool.pool, len(present), self.nature),
            "limit": self.limit,
            "inverse": self.nature.harmful,
            "act": self.words.act,
            "talk": self.params.talk,
            "newcomer": self.params.newcomer is not None and seat == self.seats[-1],
            "norm": median_low(proposals) if proposals else None,
            "best": (self.seats[top], pool.gains[top]) if self.params.social_learning and pool.round else None,
            "fined": [(self.seats[a], self.seats[b]) for a, b in scene.fined],
            "punishment": self.params.punishment,
        }

    @property
    def limit(self) -> int:
        """The greatest number that can be asked for."""
        pool: rules.State = self.state.pool
        return min(self.nature.effort, pool.pool) if self.nature.harmful else pool.pool

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels, self.commands)
        messages = speeches(reading, {name: name for name in self.seats}) if self.params.talk else ()
        asked = self.ask()
        if asked is None or asked.phase == "talk":
            return self._talk(seat, reading, messages)
        got = one(reading, seat, self.seats, lambda value: number(value, 0, self.limit, whole=True))
        return Move(None if got.value is None else int(got.value), messages, got.why)

    def _talk(self, seat: str, reading: Reading, messages: Any) -> Move:
        action: dict[str, Any] = {}
        problem = None
        if self.params.norms and reading.of("norm"):
            got = one(
                reading, seat, self.seats, lambda value: number(value, 0, self.params.capacity, whole=True), "norm"
            )
            problem = got.why
            if got.value is not None:
                action["norm"] = int(got.value)
        if self.params.punishment:
            names = [name for field in reading.of("punish") for name in self._named(field.value)]
            known = [name for name in dict.fromkeys(names) if name in self.seats and name != seat]
            if len(known) < len(set(names)):
                problem = problem or "PUNISH names oneself or nobody"
            if known:
                action["punish"] = known
        return Move(action or None, messages, problem)

    def _named(self, value: str) -> tuple[str, ...]:
        """The seats at the beginning (`b, who took 40`); the first word alone when it names nobody."""
        names = tuple(name.strip(".!:") for name in named(value, {}) or ())
        if names[:1] == ("none",) or names[:2] == ("no", "one"):
            return ()
        return tuple(takewhile(lambda name: name in self.seats, names)) or names[:1]

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene, pool = self.state, self.state.pool
        if scene.talks:
            return self._talked(moves)
        wishes = [int((moves[seat].action if seat in moves else None) or 0) for seat in self.seats]
        draws = rules.draws_of(self.seed, pool.round, pool.pool)
        after = rules.harvest(pool, wishes, draws, self.nature)
        absent = self.params.seats - self.params.seated(pool.round)
        if absent and self.nature.harmful:  # who is not there yet has no hours to keep
            after = replace(after, gains=(*after.gains[:-1], pool.gains[-1]))
        self.state = replace(scene, pool=after, talks=self.params.talk, fined=())
        note = {
            "month": pool.round,
            "pool": pool.pool,
            "share": rules.share(pool.pool, self.params.seated(pool.round), self.nature),
            "wishes": list(after.wishes),
            "takes": list(after.takes),
            "left": pool.pool - sum(after.takes),
            "next": after.pool,
            "collapsed": after.collapsed,
        }
        return (Note("state", note),)

    def _talked(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene = self.state
        norms, fines = list(scene.norms), list(scene.fined)
        for seat, move in moves.items():
            action, i = move.action or {}, self.seats.index(seat)
            norms[i] = action.get("norm", norms[i])
            fines += [(i, self.seats.index(name)) for name in action.get("punish", ())]
        fresh = [fine for fine in dict.fromkeys(fines) if fine not in scene.fined]
        pool = rules.punish(scene.pool, fresh, self.params.punishment, self.params.punishment_cost)
        self.state = Scene(pool, scene.talks - 1, tuple(norms), tuple(dict.fromkeys(fines)))
        if not fresh:
            return ()
        return (Note("state", {"punished": [[self.seats[a], self.seats[b]] for a, b in fresh]}),)

    def solution(self) -> Any:
        return {"share": rules.share(self.params.first, self.params.seats, self.nature)}
