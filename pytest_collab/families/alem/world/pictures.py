"""Pictures of a state, out of the sprites that alem-env brings, in milliseconds and without JAX.

The package's own renderer composes 347 MB of textures and compiles a program before it shows anything: a minute for
a frame. What a report needs is the same tiles pasted at the same places: blocks, things, creatures, players, dimmed
by the light, with the number of seats that an object takes in its corner.
"""

from __future__ import annotations

import ast
import colorsys
import io
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pytest_collab.families.alem.world import facts as look

TILE: Final = 16
"""Side of a sprite in pixels."""

DARKEST: Final = 0.15
"""Light that is left of a dark cell: a spectator should see where the team is."""

COLOURS: Final = 64
"""A picture keeps so many colours, which makes its file small."""

FILM_MILLISECONDS: Final = 250

Box = tuple[int, int, int, int]


def png(state: Any, seat: int | None, block_pixels: int) -> bytes:
    """What a seat sees; without a seat, all that any seat sees, and what lies between."""
    out = io.BytesIO()
    _small(_drawn(state, _box(state, seat)), block_pixels).save(out, "PNG", optimize=True)
    return out.getvalue()


def gif(states: Sequence[Any], seat: int | None, block_pixels: int) -> bytes:
    """One frame per state, all with the same bounds."""
    level = int(states[-1].player_level)
    shown = [state for state in states if int(state.player_level) == level]
    box = _around([_box(state, seat) for state in shown])
    first, *rest = [_small(_drawn(state, box), block_pixels) for state in shown]
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=FILM_MILLISECONDS, loop=0)
    return out.getvalue()


def _box(state: Any, seat: int | None) -> Box:
    """First and last (exclusive) row and column to be shown."""
    seats = range(len(state.player_alive)) if seat is None else [seat]
    return _around([look.window(state, one) for one in seats])


def _around(boxes: Sequence[Box]) -> Box:
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return min(tops), max(bottoms), min(lefts), max(rights)


def _drawn(state: Any, box: Box) -> Any:
    """An RGB image of a part of the present level, TILE pixels a cell."""
    image_module: Any = import_module("PIL.Image")
    draw_module: Any = import_module("PIL.ImageDraw")
    level = int(state.player_level)
    top, bottom, left, right = box
    image = image_module.new("RGB", ((right - left) * TILE, (bottom - top) * TILE))
    draw = draw_module.Draw(image)
    blocks, things = _tables()

    def paste(sprite: Any, at: Sequence[int]) -> None:
        if top <= at[0] < bottom and left <= at[1] < right:
            image.paste(sprite, ((at[1] - left) * TILE, (at[0] - top) * TILE), sprite)

    for row in range(top, bottom):
        for column in range(left, right):
            paste(_sprite(blocks[int(state.map[level, row, column])]), (row, column))
            if thing := int(state.item_map[level, row, column]):
                paste(_sprite(things[thing]), (row, column))
    for name, _, _, at, _, _ in look.mobs(state):
        paste(_sprite(f"{name}.png"), at)
    image.paste(_dimmed(image, state.light_map[level, top:bottom, left:right]))
    for seat, at in enumerate(state.player_position.tolist()):
        paste(_player(state, seat), at)
    for one in _marked(state, box):
        x, y = (one["at"][1] - left) * TILE, (one["at"][0] - top) * TILE
        colour = "#f08c00" if one["kind"] == "handover" else "#1c7ed6" if one["soft"] else "#e03131"
        draw.rectangle((x, y, x + TILE - 1, y + TILE - 1), outline=colour)
        draw.text((x + TILE - 7, y + TILE - 12), str(one["needs"]), fill=colour)
    return image


def _marked(state: Any, box: Box) -> Iterable[dict[str, Any]]:
    """The coordination objects that a living seat sees."""
    top, bottom, left, right = box
    for seat, alive in enumerate(state.player_alive.tolist()):
        if alive:
            for one in look.objects_seen(state, seat):
                if top <= one["at"][0] < bottom and left <= one["at"][1] < right:
                    yield one


def _dimmed(image: Any, light: Any) -> Any:
    """The image times the light of each cell."""
    import numpy as np

    image_module: Any = import_module("PIL.Image")
    cells = np.clip(light, DARKEST, 1.0).repeat(TILE, axis=0).repeat(TILE, axis=1)
    return image_module.fromarray((np.asarray(image) * cells[..., None]).astype(np.uint8))


def _small(image: Any, block_pixels: int) -> Any:
    if block_pixels != TILE:
        image = image.resize((image.width * block_pixels // TILE, image.height * block_pixels // TILE))
    return image.quantize(COLOURS)


def _player(state: Any, seat: int) -> Any:
    """A seat's figure in its colour: lying if dead, asleep or looking where it faces."""
    direction = int(state.player_direction[seat])
    poses = {1: "left", 2: "right", 3: "up"}
    pose = "sleep" if state.is_sleeping[seat] else poses.get(direction, "down")
    return _figure("dead" if not state.player_alive[seat] else pose, seat, len(state.player_alive))


@cache
def _figure(pose: str, seat: int, seats: int) -> Any:
    """The sprite of a player, its black parts in the seat's colour."""
    import numpy as np

    image_module: Any = import_module("PIL.Image")
    pixels = np.array(_sprite(f"player-{pose}.png"))
    colour = [round(255 * part) for part in colorsys.hls_to_rgb(seat / seats, 0.5, 0.9)]
    black = (pixels[..., :3] == 0).all(axis=-1) & (pixels[..., 3] > 0)
    pixels[black, :3] = colour
    return image_module.fromarray(pixels)


@cache
def _sprite(name: str) -> Any:
    """An image of the package, RGBA, TILE pixels square."""
    image_module: Any = import_module("PIL.Image")
    file = _assets() / name
    if not file.exists():
        file = _assets() / "unknown.png"
    return image_module.open(file).convert("RGBA")


def _assets() -> Path:
    constants = import_module("alem.alem_coop.constants")
    return Path(str(constants.__file__)).parent / "assets"


@cache
def _tables() -> tuple[list[str], list[str]]:
    """The package's file names of blocks and of things, by their numbers, read off its source."""
    constants = import_module("alem.alem_coop.constants")
    tree = ast.parse(Path(str(constants.__file__)).read_text(encoding="utf-8"))
    found = {
        target.id: ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in ("block_texture_names", "item_texture_names")
    }
    return found["block_texture_names"], found["item_texture_names"]
