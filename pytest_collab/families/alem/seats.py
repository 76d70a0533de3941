"""What each seat of the world is told and may do: observations, memory, messages; the game that the engine drives."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from pytest_collab.episode.agent import Reply, Turn
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall, Speech
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.alem import protocol
from pytest_collab.families.alem.world.snapshot import snapshot
from pytest_collab.families.alem.world.world import Score, Share, World
from pytest_collab.families.rounds import UNHEARD, RoundGame, Solo, seat_names

if TYPE_CHECKING:
    from pytest_collab.families.alem.params import Alem

KEPT: Final = 200
"""Games of at most so many steps keep the text of every prompt; those of longer ones can be derived again."""

ROLES: Final = ("warrior", "forager", "miner")
"""Agent n has role n modulo 3."""


RESUMED: Final = (
    "[You are back after a time in which you could do nothing (dead, asleep or at rest). Read your notes again: "
    "where you are and how you fare may have changed; plans, and what you know of the others, still hold.]"
)
"""What is put before the scratchpad of a seat that can act again, until it writes another."""


@dataclass(frozen=True, slots=True)
class Choice(Move):
    """What a reply comes to.

    Attributes:
        reading: all of it.
    """

    reading: protocol.Reading = field(default_factory=protocol.Reading)


@dataclass(frozen=True, slots=True)
class Past:
    """One step as a seat remembers it.

    Attributes:
        saw: the observation, without what the seat owned.
        heard: (agent, text) of the messages that came with it.
        did: the action.
        thought: the visible reasoning.
    """

    saw: str
    heard: tuple[tuple[int, str], ...]
    did: str
    thought: str


class View(Mapping[str, Any]):
    """A seat's knowledge as data, made when it is first looked at (models never look)."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make
        self._made: Mapping[str, Any] | None = None

    def _data(self) -> Mapping[str, Any]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> Any:
        return self._data()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data())

    def __len__(self) -> int:
        return len(self._data())


class AlemGame(RoundGame):
    """One episode. The world itself is made on first use: that takes seconds, and alem-env."""

    labels = ("action",)

    def __init__(self, params: Alem, seed: int, condition: Condition) -> None:
        self.params, self.seed, self.condition = params, seed, condition
        self.seats = seat_names(params.agents)
        self.memory = params.memory and condition.kind != "no_memory"
        self.reasoning = params.reasoning and condition.kind != "no_reasoning"
        silent = condition.muted or condition.kind == "no_communication"
        self.talk = params.communication and not silent and params.agents > 1
        self.notes: dict[str, str] = {}
        self._wrong: dict[str, tuple[str, ...]] = {}
        self._world: World | None = None
        self._heard: dict[str, tuple[tuple[int, str], ...]] = dict.fromkeys(self.seats, ())
        self._past: dict[str, list[Past]] = {seat: [] for seat in self.seats}
        self._texts: dict[str, tuple[str, str]] = {}
        self._unlocked: Mapping[str, Sequence[str]] = {}

    @property
    def world(self) -> World:
        """The world.

        Raises:
            UsageError: alem-env is not installed or does not run here.
        """
        if self._world is None:
            self._world = World(self.params.rules, self.seed)
        return self._world

    @property
    def state(self) -> World:
        """The world, which is no frozen value: verdicts are made from the transcript."""
        return self.world

    async def open(self, transcript: Transcript) -> None:
        await anyio.to_thread.run_sync(lambda: self.world)  # compiling takes seconds; other episodes go on

    # What they are told.

    def brief(self, seat: str) -> str:
        how = protocol.instructions(
            memory=self.memory,
            reasoning=self.reasoning,
            talk=self.talk,
            together=self.params.prompt_mode == "specific_collaborative",
        )
        told = f"{self.world.system_prompt(self.seats.index(seat))}\n\n{how}"
        return f"{told}\n{UNHEARD}" if self.condition.muted else told

    def ask(self) -> Ask | None:
        return None if self.world.done else Ask(self.seats, "act")

    def recall(self, seat: str) -> Recall:
        """What came before, each step as it was first told: prompt caches serve what does not change.

        A seat that can do nothing is told a quarter of it, and only what has just been said.
        """
        past = self._past[seat]
        if self.world.inactive(self.seats.index(seat)):
            kept = max(2, self.params.history // 4) - 1  # beside the newest observation
            past = [replace(one, heard=()) for one in past[len(past) - min(kept, len(past)) :]]
        return self._recalled(seat, past)

    def everything(self, seat: str) -> Recall:
        """What came before, whether the seat can act or not."""
        return self._recalled(seat, self._past[seat])

    def _recalled(self, seat: str, past: Sequence[Past]) -> Recall:
        turns: list[Turn] = []
        for one in past:
            newest = one is past[-1] and self.reasoning and one.thought
            thought = f"<think>{one.thought}</think>\n" if newest else ""
            turns += [
                Turn("user", "\n".join([one.saw, *told(one.heard)])),
                Turn("assistant", f"{thought}<action>{one.did}</action>"),
            ]
        return Recall(tuple(turns), self.brief(seat), settled=max(len(turns) - 1, 0))

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        agent = self.seats.index(seat)
        heard = tuple((self.seats.index(message.sender), message.text) for message in inbox)
        lines = [*self._wrong.get(seat, ()), *self.contexts(seat), *told(heard)]
        if self.condition.shared:
            for other in self.seats:
                if other != seat:
                    lines += ["", f"What Agent {self.seats.index(other)} observes now:", *self.contexts(other)]
        if self.memory and (self.condition.solo or not self.world.inactive(agent)):
            lines += ["", "Your scratchpad:", self.notes.get(seat) or "(empty)"]
        how = protocol.reminder(memory=self.memory, reasoning=self.reasoning, talk=self.talk)
        lines += ["", how]
        return Prompt("\n".join(lines), View(lambda: self.view(agent, heard)), keep=self.params.max_steps <= KEPT)

    def contexts(self, seat: str) -> tuple[str, str]:
        """The world's own observation of a seat, made once a step: what it sees, and how it fares itself."""
        if seat not in self._texts:
            self._texts[seat] = self.world.contexts(self.seats.index(seat))
        return self._texts[seat]

    def view(self, agent: int, heard: tuple[tuple[int, str], ...] = ()) -> dict[str, Any]:
        """What a seat knows, as data: the world's view, and what the game adds to it."""
        world = self.world
        own = world.view(agent)
        others = [other for other in range(len(self.seats)) if other != agent]
        return {
            **own,
            "agent": agent,
            "seats": self.seats,
            "legal": world.legal(agent),
            "inactive": world.inactive(agent),
            "heard": heard,
            "talk": self.talk,
            "max_steps": self.params.max_steps,
            "unlocked": self._unlocked.get(str(agent), ()),
            "others": [world.view(other) for other in others] if self.condition.shared else [],
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = protocol.read(reply.text, self.world.actions, memory=self.memory, talk=self.talk)
        messages = (Speech(reading.message),) if reading.message else ()
        return Choice(reading.action, messages, reading.why, reading)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        world = self.world
        idle = [i for i in range(len(self.seats)) if world.inactive(i)]
        acts = [self._act(seat, moves.get(seat), i in idle) for i, seat in enumerate(self.seats)]
        read = {
            str(i): [code for code, _ in move.reading.problems]
            for i, move in enumerate(moves.get(seat) for seat in self.seats)
            if isinstance(move, Choice) and move.reading.problems
        }
        step = world.step(acts)
        self._texts = {}
        self._wrong = {}
        for i, seat in enumerate(self.seats):
            able = not world.inactive(i)
            if able and i in idle and seat in self.notes:
                self.notes[seat] = f"{RESUMED}\n\n{self.notes[seat]}"
            move = moves.get(seat)
            if able and isinstance(move, Choice) and move.action is None:
                self._wrong[seat] = (protocol.missing(move.reading), "")
        self._unlocked = {agent: world.announced(step.facts, int(agent)) for agent in step.facts.get("unlocked", {})}
        self._deliver(moves)
        note: dict[str, Any] = {"t": step.facts["t"], "acts": acts}
        note |= {key: value for key, value in (("idle", idle), ("read", read)) if value}
        for key in EVENTS:
            if step.facts.get(key):
                note[key] = step.facts[key]
        if "requests" in note:
            note["requests"] = self._with_stocks(note["requests"])
        if step.done or "unlocked" in note:
            note |= self._scene()
        return (Note("state", note),)

    async def close(self, transcript: Transcript) -> None:
        """Write down how it ended, for pictures and readers; what is judged stands in the steps."""
        if self._world is None or transcript.last("error") is not None:
            return
        end: dict[str, Any] = {
            "ended": self.world.step_number,
            **self._scene(),
            "counters": self.world.facts()["counters"],
        }
        transcript.add("state", None, **end)

    def _scene(self) -> dict[str, Any]:
        """The score, and what pictures of this moment are made from."""
        scene: dict[str, Any] = {
            "score": as_data(self.world.score()),
            "map": snapshot(self.world, len(self.seats)),
        }
        if self.params.frames:
            scene["frame"] = b64encode(self.world.frame()).decode("ascii")
        return scene

    def _act(self, seat: str, move: Move | None, idle: bool) -> str:
        """The action of a seat, remembered with what came before it."""
        action = str(move.action) if move is not None and move.action else "Noop"
        thought = ""
        if isinstance(move, Choice):
            thought = move.reading.thought
            if self.memory and not idle and move.reading.note is not None:
                self.notes[seat] = move.reading.note
        saw = "\n".join([*self._wrong.get(seat, ()), self.contexts(seat)[0]])
        self._remember(seat, Past(saw, self._heard[seat], action, thought))
        return action

    def _remember(self, seat: str, step: Past) -> None:
        """Add a step to a seat's memory. When that holds twice what it must, it is cut to what it must."""
        past = self._past[seat]
        past.append(step)
        must = self.params.history - 1  # beside the newest observation
        if len(past) > 2 * must:
            del past[: len(past) - must]
            silent = max(len(past) - (self.params.message_rounds - 1), 0)
            past[:silent] = [replace(one, heard=()) for one in past[:silent]]

    def _deliver(self, moves: Mapping[str, Move]) -> None:
        """What everyone will have heard by the next step, as the channel has it."""
        heard: dict[str, tuple[tuple[int, str], ...]] = dict.fromkeys(self.seats, ())
        if not self.condition.muted:
            for seat, move in moves.items():
                for speech in move.messages:
                    for other in self.seats:
                        if other != seat:
                            heard[other] += ((self.seats.index(seat), speech.text),)
        self._heard = heard

    def _with_stocks(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Requests with what every other living seat held of the item: what a verdict on hoarding needs."""
        owners = self.world.facts()["seats"]
        found = []
        for one in requests:
            item = str(one["item"]).lower()
            held = {
                str(i): int(owner["inventory"].get(item, owner.get(item, 0)))
                for i, owner in enumerate(owners)
                if i != one["seat"] and owner["alive"]
            }
            found.append({**one, "held": held})
        return found


EVENTS: Final = (
    "sync",
    "handover",
    "requests",
    "trades",
    "deaths",
    "revived",
    "friendly_fire",
    "unlocked",
    "level",
)
"""What of a step's facts goes into the transcript, where it happened."""


class AlemSolo(Solo):
    """One agent in command of all seats: all observations in one prompt, a section of tags per seat in the reply."""

    game: AlemGame

    def brief(self, seat: str) -> str:
        agents = ", ".join(
            f"seat {one} is Agent {i} ({ROLES[i % len(ROLES)]})" for i, one in enumerate(self.game.seats)
        )
        return (
            f"You command ALL agents of this game alone: {agents}. Each turn you are shown what each of them sees "
            f"and answer for all of them in one reply: for each seat a line such as `SEAT {self.game.seats[-1]}`, "
            f"and under it the tags for that seat. These are the instructions as Agent 0 is told them; the others' "
            f"differ in number and role only:\n\n{self.game.brief(self.game.seats[0])}"
        )

    def recall(self, seat: str) -> Recall:
        each = {one: self.game.everything(one) for one in self.game.seats}
        turns = []
        for same in zip(*(recall.turns for recall in each.values()), strict=True):
            text = "\n\n".join(f"SEAT {one}\n{turn.text}" for one, turn in zip(each, same, strict=True))
            turns.append(Turn(same[0].role, text))
        return Recall(tuple(turns), self.brief(seat), settled=min(recall.settled for recall in each.values()))


def told(heard: Sequence[tuple[int, str]]) -> list[str]:
    """Messages as a seat reads them."""
    return ["", "Messages from teammates:", *(f"- Agent {agent}: {text}" for agent, text in heard)] if heard else []


def as_data(score: Score) -> dict[str, Any]:
    """A score as JSON: (base, coordination, total) of each measure."""
    return {
        "reward": _triple(score.reward_pct_of_max),
        "achievement": _triple(score.achievement_pct),
        "seats": [_triple(share) for share in score.seats],
    }


def _triple(share: Share) -> list[float]:
    return [round(share.base, 6), round(share.coordination, 6), round(share.total, 6)]
