"""A finished episode as its transcript tells it: what each agent did and said, and the events that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.alem.evidence.promises import cancels, promises
from pytest_collab.families.rounds import evidence as show

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of the world.

    Attributes:
        event: the `state` event.
        replies: by agent, the `reply` event in which its action was commanded.
        said: by agent, the `message` event sent with it, if any.
        noted: by agent, the `memory` events by which it wrote down what it is about.
    """

    t: int
    event: Event
    replies: Mapping[int, Event]
    said: Mapping[int, Event] = field(default_factory=dict)
    noted: Mapping[int, list[Event]] = field(default_factory=dict)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.event.data

    @property
    def acts(self) -> list[str]:
        return list(self.event.data["acts"])

    @property
    def idle(self) -> frozenset[int]:
        """Agents that were dead, asleep or resting before the step."""
        return frozenset(self.event.data.get("idle", ()))


class Story:
    """An episode, step by step.

    Attributes:
        seats: seats of the transcript; under `solo` the one that commanded all agents.
        agents: how many agents there were.
    """

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.seats: tuple[str, ...] = tuple(transcript.start["seats"])
        self.moments: list[Moment] = list(self._moments())
        self.agents = len(self.moments[0].acts) if self.moments else len(self.seats)

    def _moments(self) -> Iterator[Moment]:
        replies: dict[str, Event] = {}
        said: dict[str, Event] = {}
        noted: dict[int, list[Event]] = {}
        for event in self.transcript:
            if event.kind == "reply":
                replies[str(event.seat)] = event
            elif event.kind == "message":
                said[str(event.seat)] = event
            elif event.kind == "memory" and event.data.get("topic") == "doing" and event.data["text"]:
                noted.setdefault(self.seats.index(str(event.seat)), []).append(event)
            elif event.kind == "state" and "acts" in event.data:
                noted = {}  # a step's entries stand behind it
                agents = range(len(event.data["acts"]))
                by_agent = {i: replies[self.seat(i)] for i in agents if self.seat(i) in replies}
                spoken = {i: said[self.seat(i)] for i in agents if self.seat(i) in said and len(self.seats) > 1}
                yield Moment(int(event.data["t"]), event, by_agent, spoken, noted)
                replies, said = {}, {}

    def seat(self, agent: int) -> str:
        """Who commands an agent."""
        return self.seats[agent] if agent < len(self.seats) else self.seats[0]

    def named(self, agents: Iterator[int] | list[int] | frozenset[int] | set[int]) -> tuple[str, ...]:
        """The seats of some agents, in order."""
        return tuple(dict.fromkeys(self.seat(agent) for agent in sorted(agents)))

    def at(self, t: int) -> Moment | None:
        """The moment of a step; None when it was not played."""
        if not self.moments:
            return None
        place = t - self.moments[0].t
        return self.moments[place] if 0 <= place < len(self.moments) else None

    def between(self, first: int, last: int) -> list[Moment]:
        """The moments of the steps `first` .. `last`."""
        return [moment for t in range(first, last + 1) if (moment := self.at(t)) is not None]

    def facts(self, key: str) -> Iterator[tuple[Moment, Any]]:
        """Everything that happened of one kind, with its moment."""
        for moment in self.moments:
            found = moment.data.get(key)
            if isinstance(found, list):
                for one in found:
                    yield moment, one
            elif found is not None:
                yield moment, found

    def count(self, key: str, **wanted: Any) -> int:
        """How many facts of a kind have these values."""
        return sum(all(one.get(name) == value for name, value in wanted.items()) for _, one in self.facts(key))

    def last(self, key: str) -> Any:
        """The newest value of a key of the state events; None when there is none."""
        return next((m.data[key] for m in reversed(self.moments) if key in m.data), None)

    def checks(self) -> Iterator[show.Check]:
        """Each announced action against what its sender did.

        Nothing is held against a sender that could not act in those steps, that had its plan put off or taken back
        in a message in between (its own or another's), or whose goal was reached before it was due.
        """
        for moment in self.moments:
            noted = [(agent, event) for agent, events in moment.noted.items() for event in events]
            for agent, event in [*moment.said.items(), *noted]:
                own = "" if event.kind == "message" else "I will "
                for promise in promises(f"{own}{event.data['text']}", moment.t):
                    due = self.between(promise.first, promise.last)
                    if not due or due[-1].t < promise.last or any(agent in one.idle for one in due):
                        continue
                    since = self.between(moment.t + 1, promise.last)
                    if any(cancels(str(other.data["text"])) for one in since for other in one.said.values()):
                        continue
                    did = [one.acts[agent] for one in due]
                    proof = tuple(one.replies[agent].seq for one in due if agent in one.replies)
                    note = f"said {promise.clause[:80]!r} at step {moment.t} and did {', '.join(did)}"
                    yield show.Check(self.seat(agent), (event.seq, *proof), promise.kept_by(did), note)


def place(one: Mapping[str, Any]) -> Place:
    """Where something happened, as [row, column]."""
    return int(one["at"][0]), int(one["at"][1])


def shown(at: Place) -> str:
    """A place as observations write it."""
    return f"(x={at[1]}, y={at[0]})"
