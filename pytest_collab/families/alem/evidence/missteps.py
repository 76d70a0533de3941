"""What went wrong between agents, each with the events that show it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.families.alem.evidence.story import Moment, Place, Story, place, shown

NEARBY: Final = 5
"""Attempts at the same object so many steps apart belong to one another."""

SPARE: Final[Mapping[str, int]] = {"food": 5, "drink": 5}
"""What an agent keeps of a vital before holding on to it is hoarding; of any material it keeps one."""

KEEP: Final = 1
RESCUE: Final = 20
"""Steps within which somebody near can be expected to have revived a teammate."""

IDLE_SHARE: Final = 0.9
LEAST: Final = 10
"""An agent that chose Noop in so great a share of at least so many steps did nothing."""


class Missteps:
    """The missteps of an episode, found once."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def by_name(self) -> dict[str, list[Failure]]:
        """All of them, by what a metric calls them."""
        return {
            "missed_sync": self.missed_syncs,
            "lapsed_handover": self.lapsed_handovers,
            "abandoned_construction": self.abandoned_constructions,
            "unanswered_request": self.unanswered_requests,
            "hoarded_item": self.hoarded_items,
            "unaided_death": self.unaided_deaths,
        }

    def all(self) -> list[Failure]:
        """All of them, the like put together: one failure per code, seats and kind."""
        merged: list[Failure] = []
        for failures in self.by_name().values():
            groups: dict[tuple[str, tuple[str, ...]], list[Failure]] = {}
            for one in failures:
                groups.setdefault((one.code, one.seats), []).append(one)
            for (code, seats), same in groups.items():
                events = [event for one in same for event in one.events]
                note = same[0].note if len(same) == 1 else f"{same[0].note} ({counted(len(same), 'time')} in all)"
                merged.append(Failure.of(code, *seats, events=events, note=note[:300]))
        return merged

    @cached_property
    def missed_syncs(self) -> list[Failure]:
        """Enough agents acted on an object, one by one: they stood near and missed the common step."""
        open_: dict[Place, list[tuple[Moment, Any]]] = {}
        found = []
        for moment, one in self.story.facts("sync"):
            if "at" not in one:  # crafting, which takes a forge that many may stand at
                continue
            at = place(one)
            before = [pair for pair in open_.get(at, []) if moment.t - pair[0].t <= NEARBY]
            if len(one["acted"]) >= one["needs"]:
                open_.pop(at, None)
                continue
            tries = [*before, (moment, one)]
            actors = {agent for _, each in tries for agent in each["acted"]}
            if len(actors) < one["needs"]:
                open_[at] = tries
                continue
            open_.pop(at, None)
            steps = ", ".join(
                f"{' and '.join(f'Agent {agent}' for agent in each['acted'])} at step {when.t}"
                for when, each in tries
            )
            note = f"{_thing(one)} at {shown(at)} needs {one['needs']} at once: {steps}"
            found.append(self._failure("disagreement", actors, tries, note))
        return found

    @cached_property
    def lapsed_handovers(self) -> list[Failure]:
        """Begun and not taken over in time."""
        return [one for building, one in self._lapses if not building]

    @cached_property
    def abandoned_constructions(self) -> list[Failure]:
        """Buildings begun and left: handed over to nobody, or tried alone where several are needed."""
        found = [one for building, one in self._lapses if building]
        tries: dict[Place, list[tuple[Moment, Any]]] = {}
        done: set[Place] = set()
        for moment, one in self.story.facts("sync"):
            if one["kind"] == "construction":
                if one.get("done", one["success"]):
                    done.add(place(one))
                else:
                    tries.setdefault(place(one), []).append((moment, one))
        missed = {event for one in self.missed_syncs for event in one.events}
        for at, each in tries.items():
            if at in done or any(moment.event.seq in missed for moment, _ in each):
                continue
            actors = {agent for _, one in each for agent in one["acted"]}
            needs = each[0][1]["needs"]
            note = f"construction at {shown(at)} needs {needs} at once and was left after {len(each)} tries"
            found.append(self._failure("ungrounded", actors, each, note))
        return found

    @cached_property
    def _lapses(self) -> list[tuple[bool, Failure]]:
        begun: dict[Place, tuple[Moment, Any]] = {}
        found = []
        for moment, one in self.story.facts("handover"):
            if one["event"] == "set_up":
                begun[place(one)] = (moment, one)
            elif one["event"] == "completed":
                begun.pop(place(one), None)
            elif one["event"] == "expired" and place(one) in begun:
                start, first = begun.pop(place(one))
                found.append((is_building(str(first["kind"])), self._lapse(start, moment, int(first["by"]), first)))
        return found

    def _lapse(self, start: Moment, end: Moment, by: int, one: Mapping[str, Any]) -> Failure:
        """Whose fault it is that nobody took over: who told nobody, who never answered, or all who talked past it."""
        at = place(one)
        during = self.story.between(start.t - 3, end.t)
        calls = [m.said[by] for m in during if by in m.said and m.said[by].data["delivered"]]
        told = [call for call in calls if _mentions(str(call.data["text"]), at)]
        others = set(range(self.story.agents)) - {by}
        able = {i for i in others if not any(i in m.idle for m in during)} or others
        answers = [m.said[i] for m in during if m.t > start.t for i in able if i in m.said]
        what = f"{_thing(one)} at {shown(at)}, begun by Agent {by} at step {start.t}, was not completed in time"
        proof = [(start, one), (end, one)]
        if not told:
            return self._failure("ungrounded", {by}, proof, f"{what}; nobody had been told")
        if not answers:
            return self._failure(
                "unresponsive", able, proof, f"{what}; the others were told and did not answer", extra=told
            )
        return self._failure(
            "disagreement", {by, *able}, proof, f"{what}, though they talked of it", extra=[*told, *answers]
        )

    @cached_property
    def unanswered_requests(self) -> list[Failure]:
        """Requests that ran out while nobody gave anything or said a word, and nobody had to spare."""
        return [one for code, one in self._asked if code == "unresponsive"]

    @cached_property
    def hoarded_items(self) -> list[Failure]:
        """Requests that ran out while teammates held what was asked for from beginning to end."""
        return [one for code, one in self._asked if code == "withholding"]

    @cached_property
    def _asked(self) -> list[tuple[str, Failure]]:
        asked: dict[int, tuple[Moment, Any]] = {}
        found = []
        for moment, one in self.story.facts("requests"):
            who = int(one["seat"])
            if one["event"] == "asked":
                asked[who] = (moment, one)
            elif one["event"] == "answered":
                asked.pop(who, None)
            elif one["event"] == "expired" and who in asked:
                start, first = asked.pop(who)
                failure = self._unanswered(start, moment, first, one)
                if failure is not None:
                    found.append((failure.code, failure))
        return found

    def _unanswered(
        self, start: Moment, end: Moment, first: Mapping[str, Any], last: Mapping[str, Any]
    ) -> Failure | None:
        item, who = str(first["item"]).lower(), int(first["seat"])
        keep = SPARE.get(item, KEEP)
        during = self.story.between(start.t, end.t)
        busy = {i for m in during for i in m.idle}
        holders = {
            int(i)
            for i, count in first.get("held", {}).items()
            if min(count, last.get("held", {}).get(i, 0)) > keep and int(i) not in busy
        }
        proof = [(start, first), (end, last)]
        what = f"Agent {who} asked for {item} at step {start.t}"
        if holders:
            had = ", ".join(f"Agent {i} held {first['held'][str(i)]}" for i in sorted(holders))
            return self._failure("withholding", holders, proof, f"{what}; {had} and gave none until step {end.t}")
        others = set(range(self.story.agents)) - {who} - busy
        words = any(i in m.said for m in during[1:] for i in others)
        if others and not words:
            return self._failure("unresponsive", others, proof, f"{what} and nobody answered until step {end.t}")
        return None

    @cached_property
    def unaided_deaths(self) -> list[Failure]:
        """Deaths with a teammate in reach of help, who did not revive the fallen."""
        found = []
        revived = [(moment.t, int(one["seat"])) for moment, one in self.story.facts("revived")]
        for moment, one in self.story.facts("deaths"):
            fallen, near = int(one["seat"]), {int(i) for i, away in one["near"] if away <= RESCUE // 2}
            after = self.story.between(moment.t + 1, moment.t + RESCUE)
            able = {i for i in near if sum(i not in m.idle for m in after) >= RESCUE // 2}
            saved = any(agent == fallen and moment.t < t <= moment.t + RESCUE for t, agent in revived)
            if able and not saved:
                cause = str(one.get("cause", "unknown")).lower().replace("_", " ")
                note = f"Agent {fallen} died at step {moment.t} ({cause}) near {_agents(able)} and was not revived"
                found.append(self._failure("withholding", able, [(moment, one), (after[-1], one)], note))
        return found

    def inaction(self) -> list[Failure]:
        """Agents that could act and did nothing, nearly always."""
        found = []
        for agent in range(self.story.agents):
            free = [m for m in self.story.moments if agent not in m.idle]
            nothing = [m for m in free if m.acts[agent] == "Noop"]
            if len(free) >= LEAST and len(nothing) >= IDLE_SHARE * len(free):
                events = [m.replies[agent].seq for m in nothing if agent in m.replies][:50]
                note = f"Agent {agent} did nothing in {len(nothing)} of {counted(len(free), 'step')}"
                found.append(Failure.of("own_part_failed", self.story.seat(agent), events=events, note=note))
        return found

    def _failure(
        self,
        code: str,
        agents: set[int],
        moments: list[tuple[Moment, Any]],
        note: str,
        extra: list[Any] | None = None,
    ) -> Failure:
        """A failure proved by what the world recorded, by the replies of those who acted, and by messages."""
        events = [event.seq for event in extra or ()]
        for moment, one in moments:
            events.append(moment.event.seq)
            events += [moment.replies[i].seq for i in one.get("acted", ()) if i in moment.replies]
        return Failure.of(code, *self.story.named(agents), events=events, note=note[:300])


def is_building(kind: str) -> bool:
    """Whether a handover is one of a building."""
    return kind.lower() in (
        "construction",
        "construction_site",
        "construction_in_progress",
        "shelter",
        "forge",
        "beacon",
    )


def _thing(one: Mapping[str, Any]) -> str:
    return str(one.get("building") or one.get("block") or one["kind"]).replace("_", " ")


def _mentions(text: str, at: Place) -> bool:
    """A message that names the place, or speaks of a handover."""
    low = text.lower()
    named = str(at[1]) in low and str(at[0]) in low
    return named or any(word in low for word in ("handover", "hand over", "finish", "complete", "take over"))


def _agents(agents: set[int]) -> str:
    return " and ".join(f"Agent {agent}" for agent in sorted(agents))
