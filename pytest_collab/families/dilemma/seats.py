"""What the players of a dilemma are told, and how their replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall
from pytest_collab.episode.text import counted
from pytest_collab.families.dilemma import designs, mechanisms, pairing, published, rules
from pytest_collab.families.dilemma.rules import Round, State
from pytest_collab.families.rounds import RoundGame, choice, named, number, one, read, speeches

if TYPE_CHECKING:
    from pytest_collab.families.dilemma.params import Dilemma

DELEGATE: Final = "delegate"


class DilemmaGame(RoundGame):
    """One episode: what the mechanism asks for first, then one choice each, or many.

    A choice that cannot be read is the tempting action; a design that cannot be read stands for election as none; no
    vote is no approval and no signature.
    """

    labels = ("action", "message", "mediator", "contract", "approve", "sign", "punish", "partner")

    def __init__(self, params: Dilemma, seed: int, condition: Condition, seats: tuple[str, ...]) -> None:
        self.params, self.seed, self.condition, self.seats = params, seed, condition, seats
        self.payoffs = params.payoffs
        self.published = params.prompts == "as_published"
        upper = {action: action.upper() for action in (*self.payoffs.actions, DELEGATE)}
        self.shown = published.names(self.payoffs, DELEGATE) if self.published else upper
        self.rounds = rules.length(seed, params.continuation, params.rounds) if params.repeated else 1
        self.state = State("design" if params.mechanism in ("mediation", "contract") else self._begin)

    @property
    def _begin(self) -> str:
        return "choose" if self.params.mechanism == "choice" else self._before_acts

    @property
    def _before_acts(self) -> str:
        return "talk" if self.params.talk else "act"

    def groups(self, number: int) -> tuple[tuple[int, ...], ...]:
        """The groups of round `number`."""
        if self.params.mechanism == "choice":
            state: State = self.state
            return state.past[number].groups if number < len(state.past) else state.groups
        mixed = self.params.mechanism == "reputation"
        return rules.groups_of(self.seed, len(self.seats), self.payoffs.places, number, mixed=mixed)

    def group(self, seat: str, number: int) -> tuple[str, ...]:
        """The seats of a group, in the places of the game; who plays with nobody is one by itself."""
        at = self.seats.index(seat)
        return tuple(self.seats[i] for group in self.groups(number) if at in group for i in group) or (seat,)

    # What they are told.

    def brief(self, seat: str) -> str:
        params, payoffs = self.params, self.payoffs
        actions = ", ".join(self.shown[action] for action in payoffs.actions)
        told = (
            f"one of {len(self.seats)} players: {', '.join(self.seats)}. You play this game "
            f"{'in pairs' if payoffs.places == 2 else 'in threes'}, and all choose at the same time. {payoffs.story}",
            "YOUR GOAL: as many points for yourself as possible.",
        )
        if self.published:
            place = self.group(seat, min(len(self.state.past), self.rounds - 1)).index(seat)
            told = (f"{seat!r}.", published.story(params.game, payoffs, place, self.shown))
        lines = [f"You are {told[0]}", told[1], *mechanisms.told(params, payoffs, self.shown, DELEGATE)]
        if params.talk:
            lines.append(
                "Before each choice you may write to the others of your group: `MESSAGE: ...`. It is read before the "
                "choice."
            )
        if params.punishment:
            lines.append(
                f"After each round you may give up 1 point to take {params.punishment:g} from one of your group: "
                "`PUNISH: name`, or `PUNISH: nobody`."
            )
        actions += f", {self.shown[DELEGATE]}" * (self.published and params.mechanism == "mediation")
        options = f"one of {actions}" if payoffs.highest is None else f"your price, from 0 to {payoffs.highest:g}"
        lines.append(f"When you are asked to choose, answer with one line `ACTION: X`, X {options}.")
        return "\n".join(lines)

    def recall(self, seat: str) -> Recall | None:
        """Nothing, as published: what is remembered stands in the prompt; the place in the game can change."""
        return Recall(system=self.brief(seat)) if self.published else None

    def ask(self) -> Ask | None:
        state = self.state
        if state.phase == "over":
            return None
        if self.params.mechanism != "choice" or state.phase == "choose":
            return Ask(self.seats, state.phase)
        playing = {i for group in self.groups(len(state.past) - (state.phase == "punish")) for i in group}
        return Ask(tuple(seat for i, seat in enumerate(self.seats) if i in playing), state.phase)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        state, number = self.state, len(self.state.past)
        group = self.group(seat, number - (state.phase == "punish"))
        lines = []
        if self.params.repeated and self.published:
            lines.append(f"So far you have played this game {counted(number, 'time')}.")
        elif self.params.repeated:
            lines.append(f"Round {number + (state.phase != 'punish')}.")
        if state.phase == "choose":
            latest = range(len(state.past))[-self.params.memory :]
            lines += [_begun(self._told(n, self.group(one, n))) for n in latest for one in self._firsts(n)]
        if state.phase in ("talk", "act"):
            lines += self._with(seat, group)
            lines += self._history(seat, group)
            lines += self._agreed()
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        lines += self._question(seat, group)
        return Prompt("\n".join(lines), self.view(seat, group), may_be_silent=state.phase in ("talk", "punish"))

    def _firsts(self, number: int) -> list[str]:
        """One seat of each group of a round, and each that was alone."""
        return [seat for seat in self.seats if self.group(seat, number)[0] == seat]

    def _with(self, seat: str, group: Sequence[str]) -> list[str]:
        others = " and ".join(other for other in group if other != seat)
        placed = self.params.game == "trust" and not self.published
        place = f" You are the {'investor' if group[0] == seat else 'trustee'}." if placed else ""
        return [f"You play with {others}.{place}"]

    def _history(self, seat: str, group: Sequence[str]) -> list[str]:
        """The last rounds: of the group where it stays the same, else of each of the others and whom they met.

        As published the newest comes first, and one reads of oneself, too.
        """
        past, memory = self.state.past, self.params.memory
        latest = range(len(past))[-memory:][:: -1 if self.published else 1]
        if self.params.mechanism != "reputation":
            together = [n for n in latest if set(self.group(seat, n)) == set(group)]
            return [_begun(self._told(n, group)) for n in together]
        lines: list[str] = []
        seen = set() if self.published else {seat}
        circle = sorted((other for other in group if other not in seen), key=lambda other: other != seat)
        for _ in range(self.params.depth if not self.condition.shared else len(self.seats)):
            met: list[str] = []
            for other in circle:
                if other in seen:
                    continue
                seen.add(other)
                lines += [f"Of {other}: {self._told(n, self.group(other, n))}" for n in latest]
                lines += [] if latest else [f"Of {other} nothing is known yet."]
                met += [name for n in latest for name in self.group(other, n)]
            circle = list(dict.fromkeys(met))
        return lines

    def _told(self, number: int, group: Sequence[str]) -> str:
        round_ = self.state.past[number]
        if len(group) == 1:
            return f"in round {number + 1} {group[0]} played with nobody and got {self.payoffs.apart[0]:g}."
        paid = self.params.mechanism == "reputation" or not self.published
        placed = " (player {})" if self.published and self.params.game == "trust" else ""
        text = "; ".join(
            f"{name}{placed.format(place)} chose {self.shown.get(round_.actions[i], round_.actions[i])}"
            + f" and got {round_.paid[i]:g}" * paid
            for place, name in enumerate(group, 1)
            for i in (self.seats.index(name),)
        )
        hits = [f"{self.seats[a]} punished {self.seats[b]}" for a, b in round_.punished if self.seats[a] in group]
        return f"in round {number + 1} " + "; ".join([text, *hits]) + "."

    def _agreed(self) -> list[str]:
        state = self.state
        if self.params.mechanism not in ("mediation", "contract"):
            return []
        if state.chosen is None:
            return ["No design was approved of; the game is played without."]
        who, what = self.seats[state.chosen], self.design(state.chosen)
        if self.params.mechanism == "mediation":
            return [f"The mediator that {who} designed was elected: {what}."]
        if state.bound:
            return [f"The contract that {who} designed binds all: {what}."]
        refused = [seat for seat, signed in zip(self.seats, state.signed, strict=True) if not signed]
        return [f"The contract that {who} designed ({what}) does not bind: {', '.join(refused)} did not sign."]

    def design(self, at: int) -> str:
        """A design in words."""
        return designs.told(self.state.designs[at], self.shown)

    def _question(self, seat: str, group: Sequence[str]) -> list[str]:
        places, actions = self.payoffs.places, [self.shown[action] for action in self.payoffs.actions]
        phase = self.state.phase
        if phase == "design" and self.params.mechanism == "mediation":
            example = ", ".join(f"{n}={actions[0]}" for n in range(1, places + 1))
            return [
                f"Design a mediator: `MEDIATOR: {example}`: for each number of those who delegate, what it plays."
            ]
        if phase == "design":
            example = ", ".join(f"{action}=0" for action in actions)
            return [f"Design a contract: `CONTRACT: {example}`: for each action, the points that are paid for it."]
        if phase == "vote":
            all_ = [f"{name}: {self.design(i)}" for i, name in enumerate(self.seats)]
            return ["The designs:", *all_, "Which do you approve of? `APPROVE: names`, or `APPROVE: none`."]
        if phase == "sign":
            assert self.state.chosen is not None
            elected = f"{self.seats[self.state.chosen]}'s contract was elected: {self.design(self.state.chosen)}."
            return [elected, "Do you sign it? `SIGN: yes` or `SIGN: no`."]
        if phase == "choose":
            others = [other for other in self.seats if other != seat]
            return [
                f"Whom would you play with ({', '.join(others)})? `PARTNER: {', '.join(others[1::-1])}`, whoever you "
                "would rather have first, or `PARTNER: nobody`."
            ]
        if phase == "punish":
            return [self._told(len(self.state.past) - 1, group), "Do you punish anybody?"]
        if phase == "talk":
            return ["Write to the others, or answer with nothing."]
        if self.payoffs.highest is not None:
            return ["Set your price."]
        return [f"Choose: {', '.join([*actions, *([self.shown[DELEGATE]] if self._mediator is not None else [])])}."]

    @property
    def _mediator(self) -> rules.Mediator | None:
        chosen = self.state.chosen
        design = None if chosen is None else self.state.designs[chosen]
        return design if self.params.mechanism == "mediation" and isinstance(design, tuple) else None

    def view(self, seat: str, group: Sequence[str]) -> dict[str, Any]:
        """What the seat knows, as data."""
        state = self.state
        return {
            "phase": state.phase,
            "round": len(state.past),
            "group": tuple(group),
            "payoffs": self.payoffs,
            "shown": self.shown,
            "past": [
                {name: round_.actions[self.seats.index(name)] for name in self.seats}
                | {"groups": [[self.seats[i] for i in group_] for group_ in round_.groups]}
                for round_ in state.past[-self.params.memory :]
            ],
            "designs": dict(zip(self.seats, state.designs, strict=True)) if state.designs else {},
            "chosen": None if state.chosen is None else state.designs[state.chosen],
            "mechanism": self.params.mechanism,
            "talk": self.params.talk,
            "mediator": self._mediator,
            "bound": state.bound,
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading, phase = read(reply.text, self.labels), self.state.phase
        others = [other for other in self.group(seat, len(self.state.past)) if other != seat]
        if phase == "talk":
            kept = [
                s
                for s in speeches(reading, {name: name for name in self.seats})
                if s.to is None or set(s.to) & set(others)
            ]
            return Move(None, tuple(replace(s, to=tuple(others)) for s in kept))
        if phase == "design":
            label = "mediator" if self.params.mechanism == "mediation" else "contract"
            meant = {self.shown[action].lower(): action for action in self.payoffs.actions}
            reads = designs.mediator if label == "mediator" else designs.contract
            got = one(reading, seat, self.seats, lambda value: reads(value, meant, self.payoffs), label)
            return Move(got.value, (), got.why)
        if phase == "choose":
            fields = reading.of("partner")
            if not fields:
                return Move(None, (), "no partner in the reply")
            wanted = named(", ".join(f.value for f in fields), {name: name for name in self.seats})
            all_others = [name for name in self.seats if name != seat]
            return Move(all_others if wanted is None else [name for name in wanted if name in all_others])
        if phase == "vote":
            fields = reading.of("approve")
            if not fields:
                return Move(None, (), "no approve in the reply")
            chosen = named(" ".join(f.value for f in fields), {name: name for name in self.seats})
            return Move([name for name in self.seats if (chosen is None and _all(fields)) or name in (chosen or ())])
        if phase == "sign":
            sign = one(reading, seat, self.seats, lambda value: choice(value, ("yes", "no")), "sign")
            return Move(sign.value, (), sign.why)
        if phase == "punish":
            hit = [name for name in others if any(re.search(rf"\b{name}\b", f.value) for f in reading.of("punish"))]
            return Move(hit[0] if len(hit) == 1 else None, (), "more than one is punished" if len(hit) > 1 else None)
        if self.payoffs.highest is not None:
            price = one(reading, seat, self.seats, lambda value: number(value, 0, self.payoffs.highest or 0))
            return Move(None if price.value is None else f"{price.value:g}", (), price.why)
        options = (*self.payoffs.actions, *((DELEGATE,) if self._mediator is not None else ()))
        meant = {self.shown[option].lower(): option for option in options}
        act = one(reading, seat, self.seats, lambda value: choice(value, tuple(meant)))
        return Move(None if act.value is None else meant[act.value], (), act.why)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        done = [moves[seat].action if seat in moves else None for seat in self.seats]
        state, phase = self.state, self.state.phase
        if phase == "choose":
            return self._paired(done)
        if phase == "design":
            designs = tuple(None if d is None else tuple(d) if isinstance(d, list) else d for d in done)
            self.state = replace(state, phase="vote", designs=designs)
            return (Note("state", {"designs": {s: self.design(i) for i, s in enumerate(self.seats)}}),)
        if phase == "vote":
            votes = [
                [name in (vote or ()) and self.state.designs[i] is not None for i, name in enumerate(self.seats)]
                for vote in done
            ]
            chosen = rules.elect(votes, self.seed)
            signs = self.params.mechanism == "contract" and chosen is not None
            self.state = replace(state, phase="sign" if signs else self._begin, chosen=chosen)
            return (Note("state", {"elected": None if chosen is None else self.seats[chosen]}),)
        if phase == "sign":
            self.state = replace(state, phase=self._begin, signed=tuple(sign == "yes" for sign in done))
            return (
                Note(
                    "state", {"signed": [seat for seat, sign in zip(self.seats, done, strict=True) if sign == "yes"]}
                ),
            )
        if phase == "talk":
            self.state = replace(state, phase="act")
            return ()
        if phase == "punish":
            return self._punished(done)
        return self._acted(done)

    def _paired(self, done: Sequence[Sequence[str] | None]) -> Sequence[Note]:
        wanted = tuple(tuple(self.seats.index(name) for name in one or ()) for one in done)
        number = len(self.state.past)
        groups = pairing.pairs(wanted, self.seed, number)
        self.state = replace(self.state, phase=self._before_acts, named=wanted, groups=groups)
        told = {"pairs": [[self.seats[i] for i in group] for group in groups]}
        return (Note("state", told), *(() if groups else self._acted([None] * len(self.seats))))

    def _acted(self, done: Sequence[str | None]) -> Sequence[Note]:
        state, groups = self.state, self.groups(len(self.state.past))
        actions = [action or self.payoffs.tempt for action in done]
        delegated = frozenset(i for i, action in enumerate(actions) if action == DELEGATE)
        paid = [0.0] * len(self.seats)
        if self.params.mechanism == "choice":
            playing = {i for group in groups for i in group}
            actions = [action if i in playing else "" for i, action in enumerate(actions)]
            paid = [self.payoffs.apart[0]] * len(self.seats)
        contract = state.designs[state.chosen] if state.bound and state.chosen is not None else None
        for group in groups:
            profile = tuple(actions[i] for i in group)
            if self._mediator is not None:
                profile = rules.mediated([None if a == DELEGATE else a for a in profile], self._mediator)
            added = rules.transfers(profile, contract) if isinstance(contract, Mapping) else [0.0] * len(group)
            for i, action, points, more in zip(group, profile, self.payoffs.pay(profile), added, strict=True):
                actions[i], paid[i] = action, points + more
        played = Round(groups, tuple(actions), tuple(paid), delegated, named=state.named)
        self.state = self._after(
            replace(state, past=(*state.past, played)), punish=bool(self.params.punishment and groups)
        )
        data = {"actions": dict(zip(self.seats, actions, strict=True)), "paid": paid}
        return (
            Note("state", data | ({"delegated": [self.seats[i] for i in sorted(delegated)]} if delegated else {})),
        )

    def _punished(self, done: Sequence[str | None]) -> Sequence[Note]:
        hits = tuple((i, self.seats.index(hit)) for i, hit in enumerate(done) if hit is not None)
        last = self.state.past[-1]
        paid = list(last.paid)
        for punisher, other in hits:
            paid[punisher] -= 1
            paid[other] -= self.params.punishment
        past = (*self.state.past[:-1], replace(last, paid=tuple(paid), punished=hits))
        self.state = self._after(replace(self.state, past=past), punish=False)
        shown = [(self.seats[a], self.seats[b]) for a, b in hits]
        return (Note("state", {"punished": shown, "paid": paid}),) if hits else ()

    def _after(self, state: State, *, punish: bool) -> State:
        if punish:
            return replace(state, phase="punish")
        return replace(state, phase=self._begin if len(state.past) < self.rounds else "over")

    def solution(self) -> str:
        return self.payoffs.cooperate


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _all(fields: Sequence[Any]) -> bool:
    return any(re.search(r"\b(?:all|both|every\w*)\b", f.value, re.IGNORECASE) for f in fields)
