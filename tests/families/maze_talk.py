"""Dialogues in mazes in other words than the built-in players', each with the path that its writers agreed on.

A kind is a way of talking that models have; every kind has several wordings for each part of a turn, and which are
used is drawn. Nothing here comes from the reader: the path is known because the pair was made to agree on it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

Cell = tuple[int, int]
Turn = tuple[str, str]
DELTA: Final = {"N": (-1, 0), "S": (1, 0), "W": (0, -1), "E": (0, 1)}
WORD: Final = {"N": "up", "S": "down", "W": "left", "E": "right"}
COMPASS: Final = {"N": "north", "S": "south", "W": "west", "E": "east"}
BACK: Final = {"N": "S", "S": "N", "W": "E", "E": "W"}


@dataclass(frozen=True, slots=True)
class Talk:
    """One dialogue: `agreed` in compass letters, `foreign` where it is in words that no rule is asked to read."""

    kind: str
    size: int
    start: Cell
    goal: Cell
    turns: tuple[Turn, ...]
    agreed: str
    foreign: bool = False


@dataclass(slots=True)
class Table:
    """A maze's ends, a way between them, and what has been said."""

    dice: random.Random
    size: int
    cells: list[Cell]
    moves: str
    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def laid(cls, dice: random.Random, least: int = 3, most: int = 8) -> Table:
        size = dice.randint(5, 9)
        while True:
            cells, moves = [(dice.randrange(size), dice.randrange(size))], ""
            for _ in range(dice.randint(least, most)):
                ways = [
                    (letter, (cells[-1][0] + rows, cells[-1][1] + cols))
                    for letter, (rows, cols) in DELTA.items()
                    if 0 <= cells[-1][0] + rows < size and 0 <= cells[-1][1] + cols < size
                ]
                ways = [way for way in ways if way[1] not in cells and sum(_near(way[1], c) for c in cells) <= 1]
                if not ways:
                    break
                kept = [way for way in ways if moves[-1:] == way[0]]
                letter, cell = dice.choice(kept if kept and dice.random() < 0.4 else ways)
                cells.append(cell)
                moves += letter
            if len(moves) >= least:
                return cls(dice, size, cells, moves)

    @property
    def seat(self) -> str:
        return "ab"[len(self.turns) % 2]

    def say(self, text: str) -> None:
        self.turns.append((self.seat, text))

    def pick(self, *choices: str) -> str:
        return self.dice.choice(choices)

    def talk(self, kind: str, agreed: str | None = None, *, foreign: bool = False) -> Talk:
        return Talk(
            kind,
            self.size,
            self.cells[0],
            self.cells[-1],
            tuple(self.turns),
            self.moves if agreed is None else agreed,
            foreign,
        )

    def other(self, at: Cell, but: str) -> str | None:
        """Another direction in which the grid goes on."""
        free = [
            letter
            for letter, (rows, cols) in DELTA.items()
            if letter not in but and 0 <= at[0] + rows < self.size and 0 <= at[1] + cols < self.size
        ]
        return self.dice.choice(free) if free else None


def _near(one: Cell, two: Cell) -> bool:
    return abs(one[0] - two[0]) + abs(one[1] - two[1]) == 1


def at(cell: Cell) -> str:
    return f"({cell[0]}, {cell[1]})"


def step(cell: Cell, letter: str) -> Cell:
    return (cell[0] + DELTA[letter][0], cell[1] + DELTA[letter][1])


def frame(table: Table) -> str:
    start, goal = at(table.cells[0]), at(table.cells[-1])
    return table.pick(
        f"Coordinates are (row, column), zero-based, with (0, 0) in the top-left corner. The start is {start} "
        f"and the "
        f"goal is {goal}. ",
        f"I count rows and columns from 0, row first. I see the start at {start} and the goal at {goal}. ",
        f"Hello! On my map @ is at {start} and * is at {goal} (row, col, 0-indexed, top-left is (0, 0)). ",
    )


YES: Final = (
    "Agreed.",
    "I agree.",
    "Yes, that works.",
    "Sounds good.",
    "OK, agreed.",
    "Confirmed, that cell is open here.",
    "Yes.",
    "That is fine with me.",
    "Great, I agree with that move.",
    "Sure, let's do that.",
    "Accepted.",
    "Works for me.",
    "I'm on board with that.",
    "Yes, no wall there on my side.",
    "Approved.",
    "Perfect, agreed.",
)


def one_by_one(
    kind: str, propose: Callable[[Table, Cell, str], str], *, opens: bool = True, joined: bool = False
) -> Callable[[random.Random], Talk]:
    """A pair that goes move by move, one message accepting the last and proposing the next."""

    def made(dice: random.Random) -> Talk:
        table = Table.laid(dice)
        for index, letter in enumerate(table.moves):
            opening = frame(table) if index == 0 and opens else ""
            accepted = "" if index == 0 else table.pick(*YES) + (table.pick(" ", "\n", "\n\n") if joined else " ")
            table.say(opening + accepted + propose(table, table.cells[index], letter))
        table.say(table.pick(*YES))
        return table.talk(kind)

    return made


def bare(table: Table, here: Cell, letter: str) -> str:
    way = table.pick(WORD[letter], WORD[letter], COMPASS[letter])
    return table.pick(
        f"I propose {way}.",
        f"I propose we go {way}.",
        f"I suggest moving {way}.",
        f"My proposal is to move {way}.",
        f"I would like to move {way}.",
        f"For the next step I suggest {way}.",
        f"My next proposal: {way}.",
        f"Next, let's move {way}.",
        f"I recommend going {way} next.",
    )


def placed(table: Table, here: Cell, letter: str) -> str:
    way = WORD[letter]
    place = table.pick(
        f"We are now at {at(here)}.",
        f"That puts us at {at(here)}.",
        f"Our position is {at(here)}.",
        f"So we stand on {at(here)} now.",
        f"Current position: {at(here)}.",
    )
    return (
        f"{place} {bare(table, here, letter)}"
        if table.dice.random() < 0.7
        else (f"From {at(here)}, I propose moving {way}.")
    )


def asked(table: Table, here: Cell, letter: str) -> str:
    way = WORD[letter]
    return table.pick(
        f"Let's go {way}. Shall we go {way}?",
        f"I propose {way}. Are you OK with going {way}?",
        f"I think we should move {way}. Do you agree with moving {way}?",
        f"How about {way}? Is {way} fine with you?",
        f"My suggestion is {way}. Can we agree on {way}?",
        f"I'd move {way}. What do you think about moving {way}?",
        f"I propose moving {way} to {at(step(here, letter))}. Do you agree to move {way} "
        f"to {at(step(here, letter))}?",
    )


def numbered(table: Table, here: Cell, letter: str) -> str:
    number = table.cells.index(here) + 1
    way = WORD[letter]
    return table.pick(f"Move {number}: {way}.", f"Step {number}: {way}.", f"Move #{number}: {way}")


def goalward(table: Table, here: Cell, letter: str) -> str:
    way, to = WORD[letter], at(step(here, letter))
    talk = table.pick(
        "I believe the route to the goal leads this way.",
        "To get to the goal we have to get around the walls.",
        "To find a route to the goal, we should be careful.",
        "The way to the goal is still long.",
        "We want to get to the goal as fast as we can.",
        "This brings us closer to the goal.",
        "The distance to the goal is shorter this way.",
    )
    return f"{talk} {table.pick(f'I propose {way} to {to}.', f'I suggest we move {way} to {to}.')}"


def weighed(table: Table, here: Cell, letter: str) -> str:
    way, to = WORD[letter], at(step(here, letter))
    other = table.other(here, letter)
    if other is None:
        return f"I suggest {way} to {to}."
    away = WORD[other]
    return table.pick(
        f"We could go {away} or {way}. {away.capitalize()} leads away from the goal, so I suggest {way}.",
        f"There are two options here: {away} or {way}. I prefer {way}, so I propose {way} to {to}.",
        f"Going {away} would take us to {at(step(here, other))}, which is not helpful. I propose {way} instead.",
        f"I considered {away}, but {way} looks better. I propose we move {way} to {to}.",
        f"I propose {way} to {to}. As a fallback, we could go {away} later.",
        f"Either {away} or {way} is possible. Since {away} is longer, let's go {way} to {to}.",
        f"If we went {away} we would lose time. So let's move {way} to {to}.",
    )


def neighbours(table: Table, here: Cell, letter: str) -> str:
    way = WORD[letter]
    listed = []
    for other in DELTA:
        cell = step(here, other)
        what = "open" if other == letter or cell in table.cells else table.pick("wall", "hidden", "unknown")
        listed.append((WORD[other], at(cell), what))
    table.dice.shuffle(listed)
    lines = table.pick(
        f"From {at(here)} the neighbours are: " + ", ".join(f"{w} {c} - {x}" for w, c, x in listed) + ".",
        "Possible moves:\n" + "\n".join(f"- {w.capitalize()} to {c}: {x}" for w, c, x in listed) + "\n",
        "My view around us: " + "; ".join(f"{w} ({c[1:-1]}) is {x}" for w, c, x in listed) + ".",
    )
    return f"{lines} {table.pick('So I propose', 'Therefore I suggest', 'I propose')} {way}."


def from_to(table: Table, here: Cell, letter: str) -> str:
    to, way = at(step(here, letter)), WORD[letter]
    return table.pick(
        f"I propose moving from {at(here)} to {to}, that is {way}.",
        f"Let us go from {at(here)} to {to} ({way}).",
        f"Move from {at(here)} {way} to {to}?",
        f"I suggest the move {at(here)} -> {to} ({way}).",
        f"Proposed move: from {at(here)} to {to}, {way}.",
        f"Next move: {way}, from {at(here)} to {to}.",
    )


def objects(table: Table, here: Cell, letter: str) -> str:
    to = step(here, letter)
    one, two = f"[{here[0]}, {here[1]}]", f"[{to[0]}, {to[1]}]"
    return table.pick(
        f'{{"from": {one}, "to": {two}, "direction": "{WORD[letter]}"}}',
        f'{{"from": {one}, "to": {two}}}',
        f'{{"proposal": "{WORD[letter]}"}}',
        f'```json\n{{"next_move": "{WORD[letter]}", "to": {two}}}\n```',
    )


def prose(table: Table, here: Cell, letter: str) -> str:
    way, compass = WORD[letter], COMPASS[letter]
    return table.pick(
        f"I think we ought to take one step to the {compass} from here.",
        f"Let us take a single step {way}.",
        f"The next cell to the {compass} looks open to me, so let us step {compass}.",
        f"Could we take one step {way} from there?",
        f"Would you be happy to go {way} next?",
    )


def batches(dice: random.Random) -> Talk:
    """Several moves a message."""
    table = Table.laid(dice, 4, 9)
    done = 0
    while done < len(table.moves):
        count = min(len(table.moves) - done, dice.randint(2, 4))
        ways = ", ".join(WORD[letter] for letter in table.moves[done : done + count])
        here = at(table.cells[done])
        opening = frame(table) if not done else table.pick(*YES) + " "
        table.say(
            opening
            + table.pick(
                f"From {here} I propose {ways}.",
                f"Starting from {here}: {ways}. OK?",
                f"We stand at {here}. My next moves would be {ways}. Do you agree?",
            )
        )
        done += count
    table.say(table.pick(*YES))
    return table.talk("batches")


def whole(dice: random.Random) -> Talk:
    """One long plan, in some layout, accepted with or without repeating it."""
    table = Table.laid(dice, 4, 9)
    words = ", ".join(WORD[letter] for letter in table.moves)
    chain = " -> ".join(map(at, table.cells))
    pairs = list(zip(table.cells, table.cells[1:], table.moves, strict=False))
    plan = table.pick(
        "Here is the plan:\n"
        + "\n".join(f"{i}. {WORD[m].capitalize()} to {at(y)}" for i, (_, y, m) in enumerate(pairs, 1)),
        "| Step | From | To | Direction |\n|---|---|---|---|\n"
        + "\n".join(f"| {i} | {at(x)} | {at(y)} | {WORD[m]} |" for i, (x, y, m) in enumerate(pairs, 1)),
        "## Analysis\nCells that I can see to be open:\n"
        + "\n".join(f"- {at(cell)} is open" for cell in table.cells[1:-1])
        + f"\n\n## Proposed path\n{chain}",
        f"My proposed path: {chain}. In words: {words}.",
        f"I propose {words}, which gives {chain}.",
        "Proposed route: " + "; then ".join(f"from {at(x)} {WORD[m]} to {at(y)}" for x, y, m in pairs) + ".",
        f"I'd like to follow this path: {words}. Is that right?",
        f"My route is {words}. Does that sound right to you?",
        f"Route: {words}. Right?",
    )
    table.say(frame(table) + plan)
    table.say(
        table.pick(
            *YES,
            f"Agreed: {words}.",
            f"I checked every cell and agree with your path {chain}.",
            f"That works for me too: {words}.",
            f"Yes. To confirm, the path is {words}.",
        )
    )
    if dice.random() < 0.3:
        table.say(table.pick("Great.", f"Perfect, then it is settled: {words}.", "We are done then!"))
    return table.talk("whole")


def restated(dice: random.Random) -> Talk:
    """The acceptance says the move again; the proposer goes on with the next."""
    table = Table.laid(dice, 3, 6)
    for index, letter in enumerate(table.moves):
        way, to = WORD[letter], at(table.cells[index + 1])
        table.say(
            (frame(table) if index == 0 else table.pick("Good. ", "Thanks. ", "")) + bare(table, (0, 0), letter)
        )
        table.say(
            table.pick(
                f"I agree to move {way}.",
                f"Agreed, {way} it is.",
                f"I agree with moving {way} to {to}.",
                f"Yes, {way} to {to} is fine.",
                f"OK, {way}.",
                f"Agreed on {way}.",
                f"{way.capitalize()} works for me.",
            )
        )
    return table.talk("restated")


def refused(dice: random.Random) -> Talk:
    """A way into a wall that the other seat sees; it refuses by naming the way."""
    table = Table.laid(dice, 3, 6)
    first, wall = table.moves[0], table.cells[1]
    here = table.cells[0]
    way = WORD[first]
    chain = " -> ".join(map(at, table.cells[:3]))
    second = at(table.cells[2])
    table.say(
        frame(table)
        + table.pick(
            f"I propose we move {way} to {at(wall)} and then on to {second}.",
            f"I propose {chain}.",
            f"Let's go {way} to {at(wall)}, then {WORD[table.moves[1]]} to {second}.",
        )
    )
    table.say(
        table.pick(
            f"We can't go {way} from {at(here)} to {at(wall)}, since {at(wall)} is a wall on my map.",
            f"I disagree. Going {way} would bring us from {at(here)} to {at(wall)}, which is a wall in my copy.",
            f"You propose to move {way} to {at(wall)} and then to {second}, but {at(wall)} is a wall here.",
            f"There is a problem: to get from {at(here)} to {second} we would have to cross {at(wall)}. My map says "
            f"that {at(wall)} is a wall.",
            f"Your path {chain} does not work for me: {at(wall)} is a wall.",
            f"Unfortunately moving {way} is not possible: my copy shows # at {at(wall)}.",
            f"Sorry, that's blocked for me at {at(wall)}.",
            f"I would love to, but there's a wall at {at(wall)} here.",
            f"Sure, but {at(wall)} is a wall on my copy, so we can't.",
            f"I cannot agree: {at(wall)} holds a wall.",
            f"Moving {way} means stepping into a wall on my copy.",
        )
    )
    other = table.other(here, first)
    if other is None or dice.random() < 0.4:
        table.say(table.pick("I see.", "Thanks, noted.", "Got it. I will mark that as a wall.", "Okay, understood."))
        if dice.random() < 0.5:
            table.say(table.pick("Perfect.", "Good.", "Great, what else can you see?"))
        return table.talk("refused", "")
    to = at(step(here, other))
    table.say(
        table.pick(
            f"I see. Then let's go {WORD[other]} to {to} instead.",
            f"Noted. New proposal: {WORD[other]} to {to}.",
            f"OK, then I propose {WORD[other]}.",
            f"Understood. How about {WORD[other]} to {to}?",
        )
    )
    table.say(table.pick(*YES))
    return table.talk("refused", other)


def not_agreed(dice: random.Random) -> Talk:
    """Words of agreement that agree to no move."""
    table = Table.laid(dice, 3, 6)
    way = WORD[table.moves[0]]
    to = at(table.cells[1])
    if dice.random() < 0.3:
        table.say(table.pick(f'{{"move": "{way}"}}', f'{{"proposal": "{way}", "to": {list(table.cells[1])}}}'))
        table.say(
            table.pick(
                '{"agree": false}',
                '{"accept": false}',
                '{"agreed": false, "reason": "wall"}',
                "AGREE = FALSE",
                "agree: no",
                '{"response": "reject"}',
                "ACCEPT: NO",
                '{"agreement": "no"}',
            )
        )
        table.say(table.pick('{"status": "waiting"}', "I see.", "OK, thanks."))
        return table.talk("not agreed", "")
    table.say(
        frame(table) + table.pick(f"I propose {way}.", f"I suggest we go {way} to {to}.", f"{way.capitalize()}?")
    )
    table.say(
        table.pick(
            f"I can agree only if you first tell me what is at {to}.",
            "I would agree if I knew what your row 1 holds.",
            f"I understand your proposal to go {way}. What do you see at {at(table.cells[2])}?",
            "I agree that we need a careful plan. Let us first compare our maps.",
            "I agree with your reading of the start position, but not with the move.",
            "I agree with the coordinates. Before we move, which walls do you see?",
            "Great, now I have a complete picture of your first row. Let me think.",
            "Good question. I need to look at my map first.",
            "Okay, I see what you mean. Let me check my copy first.",
            "Thanks for your proposal. Please send me your walls before we decide.",
            "I'm not sure yet. Can you tell me more about your map?",
            "That might be fine, but I can't see that cell.",
            "I agree on the coordinate system. What does your copy show to the east?",
        )
    )
    table.say(table.pick("Good.", "I see.", "It is hidden for me.", "Sure, here is row 0: . ? # ? .", "OK."))
    return table.talk("not agreed", "")


def taken_back(dice: random.Random) -> Talk:
    """A move agreed on and withdrawn, or a summary put right."""
    table = Table.laid(dice, 3, 5)
    first, second = table.moves[0], table.moves[1]
    wall = at(table.cells[2])
    table.say(frame(table) + f"I propose {WORD[first]}.")
    table.say(f"{table.pick(*YES)} Next I propose {WORD[second]} to {wall}.")
    table.say(table.pick(*YES))
    table.say(
        table.pick(
            f"Wait, I made a mistake: {wall} is a wall on my copy. We have to undo that move.",
            f"Sorry, I misread my map. {wall} is a wall, so that last move is not possible.",
        )
    )
    table.say(table.pick("OK, noted.", "Understood.", "I see, thanks for telling me."))
    return table.talk("taken back", first)


def done_early(dice: random.Random) -> Talk:
    """Somebody calls it done; the talk goes on."""
    table = Table.laid(dice, 4, 7)
    for index, letter in enumerate(table.moves):
        opening = frame(table) if index == 0 else table.pick(*YES) + " "
        aside = (
            table.pick("I am done with my analysis. ", "I have finished looking at my copy. ", "We are nearly done. ")
            if index in (1, 2)
            else ""
        )
        table.say(f"{opening}{aside}{bare(table, table.cells[index], letter)}")
    table.say(table.pick(*YES))
    return table.talk("done early")


def asides(dice: random.Random) -> Talk:
    """Thinking, quotations and a cut: none of it is a move."""
    table = Table.laid(dice, 3, 6)
    for index, letter in enumerate(table.moves):
        way = WORD[letter]
        other = WORD[BACK[letter]]
        accepted = "" if index == 0 else table.pick("Agreed. ", "Yes, I agree. ", "OK, that works. ")
        last = table.turns[-1][1].replace("\n", " ")[-60:] if table.turns else ""
        said = f"{accepted}I propose {way} to {at(table.cells[index + 1])}."
        table.say(
            (frame(table) if index == 0 else "")
            + table.pick(
                f"<think>maybe {other}, or {other} twice? I propose {other}.</think>{said}",
                f"maybe {other} and then {other}... no.\n</think>\n\n{said}",
                f"> {last}\n\n{said}" if last else said,
                f"{said}\n[... 512 characters left out ...]",
                said,
                f"~~I propose {other}~~ {said}",
            )
        )
    table.say(table.pick("Agreed.", "Yes, I agree.", "OK, that works."))
    return table.talk("asides")


def amended(dice: random.Random) -> Talk:
    """A plan, a change to it, and the plan as changed, accepted."""
    table = Table.laid(dice, 4, 5)
    words = [WORD[letter] for letter in table.moves]
    other = table.other(table.cells[1], table.moves[1] + BACK[table.moves[0]])
    if other is None:
        return amended(dice)
    wrong = [words[0], WORD[other], *words[2:]]
    table.say(frame(table) + "My plan:\n" + "\n".join(f"{i}. {word}" for i, word in enumerate(wrong, 1)))
    right = ", ".join(words)
    table.say(
        table.pick(
            f"Step 2 hits a wall on my map. What about {right}?",
            f"Step 2 does not work for me. How about {right}?",
            f"I cannot do the second move, there is a wall. I propose {right} instead.",
        )
    )
    table.say(
        table.pick(
            f"That works for me too, agreed: {right}.",
            f"Good, I agree to {right}.",
            "Yes, agreed.",
            f"Fine with me. So: {right}.",
        )
    )
    return table.talk("amended")


def idioms(dice: random.Random) -> Talk:
    """Direction words that are no moves, and roundabout ways of saying yes."""
    table = Table.laid(dice, 3, 5)
    for index, letter in enumerate(table.moves):
        way = COMPASS[letter]
        opening = (
            ""
            if index == 0
            else table.pick(
                "I don't disagree. Go. ",
                "I have nothing against that. ",
                "No objections. ",
                "You are right. Agreed. ",
                "That sounds right. Agreed. ",
                "I see no reason not to. ",
                "Right, agreed. ",
            )
        )
        table.say(
            opening
            + table.pick(
                f"I'm down to go {way}.",
                f"It's up to you, but I propose {way}.",
                f"Right now I'd suggest {way}.",
                f"Let me write it down: I propose {way}.",
                f"All right, let's go {way} next.",
                f"What is left is easy: I propose {way}.",
            )
        )
    table.say(table.pick("Sounds good.", "I don't disagree.", "No objections.", "Agreed, that is right."))
    return table.talk("idioms")


def languages(dice: random.Random) -> Talk:
    """Not English: to be left alone rather than misread."""
    table = Table.laid(dice, 2, 4)
    words = {
        "fr": ({"N": "haut", "S": "bas", "W": "gauche", "E": "droite"}, "Je propose : {}, jusqu'à {}.", "D'accord."),
        "es": (
            {"N": "arriba", "S": "abajo", "W": "izquierda", "E": "derecha"},
            "Propongo ir a la {} a {}.",
            "De acuerdo.",
        ),
        "de": (
            {"N": "hoch", "S": "runter", "W": "links", "E": "rechts"},
            "Ich schlage {} vor, nach {}.",
            "Einverstanden.",
        ),
        "pt": ({"N": "cima", "S": "baixo", "W": "esquerda", "E": "direita"}, "Proponho {} até {}.", "Concordo."),
        "it": (
            {"N": "su", "S": "giù", "W": "sinistra", "E": "destra"},
            "Propongo di andare {} fino a {}.",
            "Va bene.",
        ),
        "nl": (
            {"N": "omhoog", "S": "omlaag", "W": "links", "E": "rechts"},
            "Ik stel voor {} te gaan, naar {}.",
            "Akkoord.",
        ),
        "zh": ({"N": "上", "S": "下", "W": "左", "E": "右"}, "我建议向{}走，到{}。", "同意。"),
        "ru": ({"N": "вверх", "S": "вниз", "W": "влево", "E": "вправо"}, "Предлагаю {}, на {}.", "Согласен."),
    }
    ways, propose, yes = words[dice.choice(sorted(words))]
    for index, letter in enumerate(table.moves):
        table.say(("" if index == 0 else yes + " ") + propose.format(ways[letter], at(table.cells[index + 1])))
    table.say(yes)
    return table.talk("languages", foreign=True)


KINDS: Final[dict[str, Callable[[random.Random], Talk]]] = {
    "bare": one_by_one("bare", bare),
    "bare, no frame": one_by_one("bare, no frame", bare, opens=False),
    "placed": one_by_one("placed", placed, joined=True),
    "asked": one_by_one("asked", asked),
    "numbered": one_by_one("numbered", numbered, joined=True),
    "goalward": one_by_one("goalward", goalward),
    "weighed": one_by_one("weighed", weighed),
    "neighbours": one_by_one("neighbours", neighbours, joined=True),
    "from to": one_by_one("from to", from_to),
    "objects": one_by_one("objects", objects, opens=False, joined=True),
    "prose": one_by_one("prose", prose, opens=False),
    "batches": batches,
    "whole": whole,
    "restated": restated,
    "refused": refused,
    "not agreed": not_agreed,
    "taken back": taken_back,
    "done early": done_early,
    "asides": asides,
    "amended": amended,
    "idioms": idioms,
    "languages": languages,
}


def talks(each: int, seed: int = 0, kinds: Sequence[str] = tuple(KINDS)) -> list[Talk]:
    """`each` dialogues of every kind; the same for the same seed."""
    return [KINDS[kind](random.Random(f"{seed}/{kind}/{number}")) for kind in kinds for number in range(each)]
