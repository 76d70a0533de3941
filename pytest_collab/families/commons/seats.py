"""What each seat of the commons is told, and how its replies are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall, Speech
from pytest_collab.episode.text import MESSAGE_LIMIT, bounded
from pytest_collab.families.commons import plain, published, rules
from pytest_collab.families.commons.norms import stated
from pytest_collab.families.commons.telling import ADDITIVE, DOUBLING, TELLINGS
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

MOST_WISHED: Final = 10**6
"""A wish beyond the pool is dealt out like any other, as in the study; from here on it is no number any more."""

_NEXT_WORD: Final = (
    "What do you say next? Let the talk flow, and do not repeat what was said. Does it end with your words? If "
    "not, say who speaks next."
)
_ATTITUDES: Final = {
    "neutral": "",
    "altruistic": "You care for the others' gain as much as for your own. ",
    "selfish": "You care for your own gain only. ",
}


Said = tuple[tuple[str, str], ...]
"""Entries of a conversation: (who, text)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The pool, and where in the month we are.

    Attributes:
        talks: how many times seats are still asked to talk before the next harvest; 0: the harvest is next.
        norms: by seat, the last proposal; None where there was none.
        fined: who punished whom (indices) after the last harvest.
        before: what the pool held before the last harvest.
        speaker: whose word it is, in a conversation.
        said: the conversation after the last harvest.
        past: the conversations before it that are remembered, with their months from 1.
    """

    pool: rules.State
    talks: int
    norms: tuple[int | None, ...]
    fined: tuple[tuple[int, int], ...] = ()
    before: int = 0
    speaker: str = ""
    said: Said = ()
    past: tuple[tuple[int, Said], ...] = ()


class CommonsGame(RoundGame):
    """One episode: each month a harvest in which all act at once, then the rounds of talk or the conversation.

    A conversation begins with the report of who took what. The first seat has the word, says something and names who
    speaks next, until somebody names nobody or its entries are used up. A seat whose reply holds no readable number
    takes nothing.
    """

    labels: Sequence[str] = ("action", "message", "norm")
    commands = ("punish",)

    def __init__(self, params: Commons, seed: int, condition: Condition) -> None:
        self.params, self.seed = params, seed
        self.seats = seat_names(params.seats)
        self.nature = params.nature
        self.told = params.universalization or condition.kind == "protocol"
        self.monitoring = params.monitoring or condition.shared
        self.published = params.prompts == "as_published"
        self.words = (DOUBLING if params.harm else TELLINGS)[params.telling]
        if params.harm == "additive":
            self.words = ADDITIVE
        if params.conversation:
            self.labels = (*self.labels, "next")
        nobody = (0,) * params.seats
        self.state = Scene(rules.State(params.first, 0, nobody), 0, (None,) * params.seats)

    # What they are told.

    def brief(self, seat: str) -> str:
        params, words = self.params, self.words
        other = somebody_else(seat, self.seats)
        late = params.newcomer is not None and seat == self.seats[-1]
        if self.published:
            lines = [*published.brief(params, words, seat, self.seats), _ATTITUDES[params.attitude].strip()]
        else:
            new = "You are new here and want as much as you can get for yourself."
            lines = [
                *plain.brief(params, words, seat, self.seats),
                new if late else _ATTITUDES[params.attitude].strip(),
            ]
            lines.append(f"When asked to {words.act}, answer with one line `ACTION: N`, N a whole number from 0.")
        if params.conversation:
            lines.append(
                "You talk in one group: who is asked says something in one line `MESSAGE: ...`, which all hear, and "
                "names who speaks next in one line `NEXT: name`; `NEXT: nobody` ends the conversation."
            )
            if not self.published:
                first = f", the {words.reporter}'s report among them" if self.monitoring else ""
                lines.append(
                    f"A conversation has {params.conversation} entries at most{first}. What was said is read before "
                    f"you {words.act} again."
                )
        elif params.talk:
            lines.append(
                f"When asked to talk, answer with lines `MESSAGE: ...` (to all) or `MESSAGE to {other}: ...`. All "
                f"talk at the same time, once a month; what is said is read before you {words.act} again."
            )
        if params.norms and params.talks:
            lines.append(
                f"When asked to talk you may add a line `NORM: N`: how much each should {words.act}. The median of "
                "the last proposals is the norm; everyone is told, nobody is forced."
            )
        if params.punishment and params.talks:
            lines.append(
                f"When asked to talk you may add lines `PUNISH {other}`: it takes {params.punishment} from {other}'s "
                f"gain and {params.punishment_cost} from yours."
            )
        return "\n".join(line for line in lines if line)

    def ask(self) -> Ask | None:
        pool = self.state.pool
        if self.state.talks:
            talking = (self.state.speaker,) if self.params.conversation else self.present(pool.round - 1)
            return Ask(talking, "talk")
        if pool.collapsed or pool.round >= self.params.rounds:
            return None
        return Ask(self.present(pool.round), "harvest")

    def present(self, month: int) -> tuple[str, ...]:
        """The seats that take part in a month."""
        return self.seats[: self.params.seated(month)]

    def recall(self, seat: str) -> Recall | None:
        """Nothing, where the study's calls stand alone: what is remembered stands in the prompt."""
        return Recall() if self.published else None

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view, words = self.view(seat), self.words
        talk = view["phase"] == "talk"
        if view["own"] is None:  # who was not there has heard nothing
            inbox = ()
        if self.published:
            warning = self._warning(view["share_then"] if talk else view["share"])
            lines = (
                published.before_talk(seat, view, words, warning) if talk else published.harvest(view, words, warning)
            )
        else:
            lines = [*plain.scene(view, words), *filter(None, (self._warning(view["share"]),))]
        extra = self._extras(view)
        if self.params.conversation:
            if talk or not self.published:
                extra += [f"- {who}: {text}" for who, text in view["said"]]
        else:
            extra += [f"Message from {message.sender}: {message.text}" for message in inbox]
        if talk:
            extra.append(_NEXT_WORD if self.params.conversation else "Talk to the others, or answer with nothing.")
        elif not self.published:
            extra.append(f"How many {words.deed} do you want to {words.act}?")
        lines = [*lines, *extra] if talk or not self.published else [*lines[:-1], *extra, lines[-1]]
        return Prompt("\n".join(lines), view, may_be_silent=talk)

    def _warning(self, share: int) -> str:
        """What follows if everyone takes more than the share; empty unless seats are told."""
        if not self.told:
            return ""
        less, then = ("less", "more") if self.nature.harmful else ("more", "less")
        return (
            f"Given this, if everyone were to {self.words.act} {less} than {share} {self.words.deed}, the "
            f"{self.words.place} would hold {then} next month."
        )

    def _extras(self, view: Mapping[str, Any]) -> list[str]:
        """What norms, social learning and punishment have to tell."""
        lines = []
        if view["norm"] is not None:
            lines.append(f"The norm that you have agreed on: {self.words.act} {view['norm']} each.")
        if view["best"] is not None:
            name, gain = view["best"]
            lines.append(f"{name} has gained most so far: {gain}.")
        if view["fined"]:
            lines.append("Punished: " + "; ".join(f"{to} by {by}" for by, to in view["fined"]) + ".")
        return lines

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        scene, pool, i = self.state, self.state.pool, self.seats.index(seat)
        present = self.present(pool.round)
        absent = not pool.takes or seat not in self.present(pool.round - 1)
        takes = {}
        if pool.takes:
            seen = self.present(pool.round - 1) if self.monitoring else (seat,)
            indices = [self.seats.index(name) for name in seen]
            takes = {self.seats[j]: (pool.wishes[j], pool.takes[j]) for j in indices}
        top = max(range(len(pool.gains)), key=lambda j: (pool.gains[j], -j))
        return {
            "phase": "talk" if scene.talks else "harvest",
            "month": pool.round,
            "pool": pool.pool,
            "collapsed": pool.collapsed,
            "seats": self.present(pool.round - 1) if scene.talks else present,
            "talks": self.params.talks,
            "conversation": bool(self.params.conversation),
            "said": () if absent else scene.said,
            "past": self._remembered(seat),
            "before": scene.before,
            "own": None if absent else (pool.wishes[i], pool.takes[i]),
            "gain": pool.gains[i],
            "takes": takes,
            "share": rules.share(pool.pool, len(present), self.nature),
            "share_then": rules.share(scene.before, self.params.seated(max(0, pool.round - 1)), self.nature),
            "limit": self.limit,
            "inverse": self.nature.harmful,
            "act": self.words.act,
            "talk": self.params.talk,
            "newcomer": self.params.newcomer is not None and seat == self.seats[-1],
            "norm": stated(scene.norms),
            "best": (self.seats[top], pool.gains[top]) if self.params.social_learning and pool.round else None,
            "fined": [(self.seats[a], self.seats[b]) for a, b in scene.fined],
            "punishment": self.params.punishment,
            "norms": self.params.norms,
        }

    def _remembered(self, seat: str) -> tuple[tuple[int, Said], ...]:
        """The conversations of earlier months that a seat took part in and remembers now."""
        scene = self.state
        past = scene.past if scene.talks or not scene.said else (*scene.past, (scene.pool.round, scene.said))
        past = past[-published.MONTHS_KEPT :]
        return tuple((month, said) for month, said in past if seat in self.present(month - 1))

    @property
    def limit(self) -> int:
        """The greatest number that can come of a wish."""
        pool: rules.State = self.state.pool
        return min(self.nature.effort, pool.pool) if self.nature.harmful else pool.pool

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels, self.commands)
        messages = speeches(reading, {name: name for name in self.seats}) if self.params.talks else ()
        if self.params.conversation and messages:  # one word, which all who are there hear
            present = self.present(max(0, self.state.pool.round - 1))
            others = tuple(name for name in present if name != seat)
            to = None if len(present) == len(self.seats) else others
            messages = (Speech("\n".join(message.text for message in messages), to),)
        asked = self.ask()
        if asked is None or asked.phase == "talk":
            return self._talk(seat, reading, messages)
        most = self.limit if self.params.harm == "doubling" else MOST_WISHED  # hours that one has not got
        got = one(reading, seat, self.seats, lambda value: number(value, 0, most, whole=True))
        return Move(None if got.value is None else int(got.value), messages, got.why)

    def _talk(self, seat: str, reading: Reading, messages: Any) -> Move:
        action: dict[str, Any] = {}
        problem = None
        if self.params.conversation:
            present = self.present(self.state.pool.round - 1)
            named_next = [name for field in reading.of("next") for name in named(field.value, {}) or ()]
            action["next"] = next((name.strip(".!") for name in named_next if name.strip(".!") in present), None)
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
        self.state = self._met(replace(scene, pool=after, talks=self.params.talks, fined=(), before=pool.pool))
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

    def _met(self, scene: Scene) -> Scene:
        """Open the conversation of a month: the report is its first entry."""
        if not self.params.conversation:
            return scene
        present = self.present(scene.pool.round - 1)
        past = (*scene.past, (scene.pool.round - 1, scene.said)) if scene.said else scene.past
        past = past[-published.MONTHS_KEPT :]
        said: Said = ()
        if self.monitoring:
            takes = zip(present, scene.pool.takes, strict=False)
            caught = "; ".join(f"{name} {self.words.past} {take}" for name, take in takes)
            said = ((self.words.reporter, f"This is the report of the month. {caught}."),)
        return replace(scene, speaker=present[0], said=said, past=past)

    def _talked(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene = self.state
        norms, fines = list(scene.norms), list(scene.fined)
        talks, speaker, said = scene.talks - 1, scene.speaker, scene.said
        for seat, move in moves.items():
            action, i = move.action or {}, self.seats.index(seat)
            norms[i] = action.get("norm", norms[i])
            fines += [(i, self.seats.index(name)) for name in action.get("punish", ())]
            if self.params.conversation:
                said = (*said, *((seat, bounded(message.text, MESSAGE_LIMIT)) for message in move.messages))
                speaker = action.get("next") or ""
                talks = talks if speaker else 0
        fresh = [fine for fine in dict.fromkeys(fines) if fine not in scene.fined]
        pool = rules.punish(scene.pool, fresh, self.params.punishment, self.params.punishment_cost)
        self.state = replace(
            scene,
            pool=pool,
            talks=talks,
            norms=tuple(norms),
            fined=tuple(dict.fromkeys(fines)),
            speaker=speaker,
            said=said,
        )
        if not fresh:
            return ()
        return (Note("state", {"punished": [[self.seats[a], self.seats[b]] for a, b in fresh]}),)

    def solution(self) -> Any:
        return {"share": rules.share(self.params.first, self.params.seats, self.nature)}
