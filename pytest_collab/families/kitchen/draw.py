"""The kitchen from above: both cooks, their hands, what lies on counters, what cooks and for how long."""

from __future__ import annotations

from typing import Final

from pytest_collab.core.kitchen.plan import AHEAD, COUNTER, FLOOR, PANTRY, SERVING, UTENSILS, WALL, Layout
from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.families import sketch
from pytest_collab.families.kitchen.orders import Order
from pytest_collab.families.kitchen.scene import Scene
from pytest_collab.families.kitchen.seats import SEATS
from pytest_collab.families.sketch import Sketch

SIDE: Final = 84
_NAMES: Final = {PANTRY: "pantry", SERVING: "window", "O": "onions", "D": "dishes", **UTENSILS}
_WOOD, _TILE, _STONE, _STEEL = "#efe3cf", "#ffffff", "#d0d7de", "#e6eaef"


def picture(kitchen: Layout, order: Order | None, scene: Scene, last: int) -> Picture:
    """One moment."""
    state = scene.state
    what = f"{order.name} (level {order.level})" if order else kitchen.name.replace("_", " ")
    title = f"{what}, step {state.time} of {last}"
    title += f": {state.served} served" if order is None else ": served" if state.served else ""
    return Picture("\n".join([title, *_rows(kitchen, scene), *_cooks(scene)]), _svg(kitchen, scene, title))


def _rows(kitchen: Layout, scene: Scene) -> list[str]:
    rows = [list(row) for row in kitchen.rows]
    for name, (x, y) in zip(SEATS, scene.state.at, strict=True):
        rows[y][x] = name
    there = [
        f"  {kitchen.names[cell]}: {item}"
        for cell, item in zip(kitchen.counters, scene.state.lying, strict=True)
        if item
    ]
    cooking = [
        f"  {kitchen.names[cell]}: {' + '.join(load.items)}" + _timer(load.left)
        for cell, load in zip(kitchen.utensils, scene.state.loads, strict=True)
        if load.items
    ]
    return ["  " + "".join(row) for row in rows] + there + cooking


def _timer(left: int) -> str:
    return "" if left < 0 else f", {counted(left, 'step')} left" if left else ", ready"


def _cooks(scene: Scene) -> list[str]:
    lines = []
    for seat, name in enumerate(SEATS):
        now, hand = scene.doing[seat], scene.state.held[seat]
        line = f"  {name} holds {hand or 'nothing'}"
        lines.append(line + (f", busy with {now.macro}" if now is not None else ""))
    return lines


def _svg(kitchen: Layout, scene: Scene, title: str) -> str:
    width = max(sketch.WIDTH, SIDE * len(kitchen.rows[0]))
    drawn = Sketch(title, width)
    drawn.text(4, 18, title, size=15, bold=True)
    left, top = (width - SIDE * len(kitchen.rows[0])) / 2, 30
    state = scene.state
    for (x, y), letter in kitchen.cells.items():
        at_x, at_y = left + x * SIDE, top + y * SIDE
        fill = {FLOOR: _TILE, COUNTER: _WOOD, WALL: _STONE}.get(letter, _STEEL)
        drawn.box(at_x, at_y, SIDE, SIDE, fill=fill, stroke=sketch.FAINT)
        if letter in _NAMES:
            name = kitchen.names.get((x, y), _NAMES[letter])
            drawn.text(at_x + SIDE / 2, at_y + 17, name, size=sketch.SMALLEST, anchor="middle", bold=True)
        if letter == COUNTER and (x, y) in kitchen.counters:
            item = state.lies(kitchen, (x, y))
            if item:
                _words(drawn, at_x, at_y + 34, item)
        if letter in UTENSILS:
            _load(drawn, at_x, at_y, kitchen, scene, (x, y))
    for seat, (x, y) in enumerate(state.at):
        _cook(drawn, left + x * SIDE, top + y * SIDE, scene, seat)
    drawn.bottom = max(drawn.bottom, top + SIDE * len(kitchen.rows))
    line = drawn.bottom + 18
    for seat, name in enumerate(SEATS):
        now, hand = scene.doing[seat], state.held[seat]
        about = f"{name}: {hand or 'empty hands'}" + (f", busy with {now.macro}" if now is not None else "")
        drawn.seat(12, line - 4, seat)
        drawn.text(26, line, about, size=13)
        line += 20
    return drawn.svg()


def _load(drawn: Sketch, x: float, y: float, kitchen: Layout, scene: Scene, cell: tuple[int, int]) -> None:
    """What is in a utensil, and a bar that fills while it cooks."""
    load = scene.state.load(kitchen, cell)
    if not load.items:
        return
    if load.idle:
        _words(drawn, x, y + 34, " + ".join(load.items))
        return
    steps = next((recipe.steps for recipe in kitchen.recipes if recipe.product == load.items[0]), 1)
    _words(drawn, x, y + 34, load.items[0])
    drawn.box(x + 8, y + SIDE - 22, SIDE - 16, 8, stroke=sketch.SOFT)
    drawn.box(x + 8, y + SIDE - 22, (SIDE - 16) * (1 - load.left / steps), 8, fill=sketch.SOFT)
    told = f"{load.left} left" if load.left else "ready"
    drawn.text(x + SIDE / 2, y + SIDE - 3, told, size=sketch.SMALLEST, anchor="middle")


def _cook(drawn: Sketch, x: float, y: float, scene: Scene, seat: int) -> None:
    """A cook, a nose where it faces, and what it holds."""
    dx, dy = AHEAD[scene.state.facing[seat]]
    middle_x, middle_y = x + SIDE / 2, y + SIDE / 2 - 8
    drawn.line(middle_x, middle_y, middle_x + 24 * dx, middle_y + 24 * dy, stroke=sketch.INK, width=3)
    drawn.seat(middle_x, middle_y, seat, 15)
    drawn.text(middle_x, middle_y + 5, SEATS[seat], size=14, fill="#fff", anchor="middle", bold=True)
    if scene.state.held[seat]:
        _words(drawn, x, y + SIDE - 18, scene.state.held[seat])


def _words(drawn: Sketch, x: float, y: float, words: str) -> None:
    """Words in the width of a cell, in as many lines as they take."""
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) > 12 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    for number, line in enumerate(lines[:3]):
        drawn.text(x + SIDE / 2, y + 13 * number, line, size=sketch.SMALLEST, anchor="middle")
