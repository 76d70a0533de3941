"""What the team sees of the level at one moment, small enough to stand in a transcript: pictures are made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_collab.families.alem.world.world import World

LETTERS: Final = {
    "grass": ".",
    "fire_grass": ".",
    "ice_grass": ".",
    "sand": ",",
    "gravel": ",",
    "path": "_",
    "water": "~",
    "fountain": "~",
    "lava": "^",
    "stone": "s",
    "wall": "#",
    "wall_moss": "#",
    "tree": "T",
    "fire_tree": "T",
    "ice_shrub": "T",
    "wood": "w",
    "coal": "c",
    "iron": "i",
    "diamond": "d",
    "sapphire": "p",
    "ruby": "r",
    "crafting_table": "t",
    "furnace": "f",
    "plant": "y",
    "ripe_plant": "Y",
    "chest": "$",
    "stalagmite": "S",
    "construction_site": "x",
    "construction_in_progress": "X",
    "epic_shelter": "H",
    "epic_forge": "F",
    "epic_beacon": "B",
    "necromancer": "N",
    "necromancer_vulnerable": "N",
}
"""One letter a block; `?` is any other, a space what nobody sees."""


def snapshot(world: World, agents: int) -> dict[str, Any]:
    """The union of what living seats see.

    Returns:
        `t`, `level`, `origin` ([row, column] of the upper left corner), `rows` (a letter a cell), `agents` ([row,
        column, alive] each), `mobs` ([name, row, column]), `objects` ([row, column, needs, soft]; needs is negative
        for handovers).
    """
    cells: dict[tuple[int, int], str] = {}
    mobs: dict[tuple[int, int], str] = {}
    objects: dict[tuple[int, int], list[Any]] = {}
    for agent in range(agents):
        view = world.view(agent)
        top, left = view["origin"]
        for r, row in enumerate(view["blocks"]):
            for c, block in enumerate(row):
                if block is not None and block != "out_of_bounds":
                    cells[top + r, left + c] = LETTERS.get(block, "?")
        for name, _, at, *_ in view["mobs"]:
            mobs[at[0], at[1]] = name
        for one in view["objects"]:
            needs = -int(one["window"]) if one["kind"] == "handover" else int(one["needs"])
            objects[one["at"][0], one["at"][1]] = [*one["at"], needs, bool(one.get("soft"))]
    facts = world.facts()
    spots = [tuple(seat["at"]) for seat in facts["seats"]]
    rows = sorted({r for r, _ in [*cells, *spots]})
    columns = sorted({c for _, c in [*cells, *spots]})
    return {
        "t": facts["t"],
        "level": facts["level"],
        "origin": [rows[0], columns[0]],
        "rows": [
            "".join(cells.get((r, c), " ") for c in range(columns[0], columns[-1] + 1))
            for r in range(rows[0], rows[-1] + 1)
        ],
        "agents": [[*seat["at"], bool(seat["alive"])] for seat in facts["seats"]],
        "mobs": [[name, *at] for at, name in mobs.items()],
        "objects": list(objects.values()),
    }
