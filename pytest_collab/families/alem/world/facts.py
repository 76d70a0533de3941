"""What a state of alem says, and what a step of it did, as plain JSON data.

States are the package's EnvState with NumPy arrays. A step's facts are worked out from the state before it, the
actions and the state after it: every action of a step meets the state before (positions and facings change last).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

LIT: Final = 0.05
"""A cell shows above this light, as in the package's observations."""

COUNTERS: Final = (
    "coord_sync_attempts", "coord_sync_successes", "soft_sync_events", "soft_sync_bonus_events",
    "coord_solo_soft_attempts", "coord_solo_soft_successes", "coord_mine_sync_soft_count",
    "coord_mine_sync_hard_count", "coord_mine_handover_count", "coord_mine_handover_expiries", "handover_setups",
    "handover_successes", "handover_expiries", "coord_construction_attempts", "coord_construction_successes",
    "coord_construction_handover_setups", "coord_construction_handover_count", "coord_construction_handover_expiries",
    "construction_build_at_site_unfunded", "coord_build_shelter_count", "coord_build_forge_count",
    "coord_build_beacon_count", "coord_elite_attempts", "coord_elite_successes", "coord_elite_melee_kills",
    "coord_elite_ranged_kills", "coord_large_passive_kills", "coord_craft_attempts", "coord_craft_successes",
    "revives", "trade_count", "food_trade_count", "drink_trade_count", "give_attempt_count", "request_count",
    "request_expiry_count", "request_received_count", "ff_damage_dealt",
)  # fmt: skip
"""The counters of EnvState, under its own names; the last eight have one value per seat."""

MATERIALS: Final = (
    "wood", "stone", "coal", "iron", "diamond", "sapling", "ruby", "sapphire", "arrows", "torches", "books",
    "pickaxe", "sword", "bow",
)  # fmt: skip

POTIONS: Final = ("red", "green", "blue", "pink", "cyan", "yellow")
BUILDINGS: Final = ("", "shelter", "forge", "beacon")
DIRECTIONS: Final = ("none", "west", "east", "north", "south")
OFFSETS: Final = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
CRAFT_TEAM: Final = 2
"""Seats that diamond gear takes where crafting is coordinated."""


class Lexicon(NamedTuple):
    """The package's own names, by its numbers.

    Attributes:
        achievements: their names, by the numbers under which a state holds them.
        announced: by the name of an achievement, what the package's observations call it: they count the names in
            another order, so that a finished handover is announced as the mining of coal.
    """

    actions: tuple[str, ...]
    blocks: tuple[str, ...]
    items: dict[int, str]
    mobs: dict[str, Sequence[str]]
    achievements: tuple[str, ...]
    announced: dict[str, str]
    roles: dict[int, str]
    causes: dict[int, str]
    requests: dict[int, str]
    view: tuple[int, int]
    site: int
    begun: int
    to_clear: int
    costs: dict[int, dict[str, int]]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Read from the package, which must be loaded."""
    from alem.alem_coop import constants
    from alem.llm import alem_language_wrapper as text

    requests = {
        one.value: one.name.removeprefix("REQUEST_").lower() for one in constants.Action if "REQUEST_" in one.name
    }
    achievements = tuple(one.name for one in sorted(constants.Achievement, key=lambda one: one.value))
    return Lexicon(
        actions=tuple(text.ACTIONS),
        blocks=tuple(one.name.lower() for one in constants.BlockType),
        items=dict(text.ITEM_NAMES),
        mobs={"melee": text.MELEE_MOB_NAMES, "passive": text.PASSIVE_MOB_NAMES, "ranged": text.RANGED_MOB_NAMES},
        achievements=achievements,
        announced=dict(zip(achievements, (one.name for one in constants.Achievement), strict=True)),
        roles={one.value: one.name.lower() for one in constants.Specialization},
        causes={one.value: one.name.lower() for one in constants.DeathCause},
        requests=requests,
        view=tuple(constants.OBS_DIM),
        site=constants.BlockType.CONSTRUCTION_SITE.value,
        begun=constants.BlockType.CONSTRUCTION_IN_PROGRESS.value,
        to_clear=constants.MONSTERS_KILLED_TO_CLEAR_LEVEL,
        costs={
            number: {
                item: getattr(constants, f"{building.upper()}_COST_{item.upper()}")
                for item in MATERIALS
                if hasattr(constants, f"{building.upper()}_COST_{item.upper()}")
            }
            for number, building in enumerate(BUILDINGS)
            if building
        },
    )


# ---- the state ----


def facts_of(state: Any, done: bool, most_objects: int) -> dict[str, Any]:
    """A state as data; see `World.facts`."""
    names, level = lexicon(), int(state.player_level)
    seats = [seat_facts(state, seat) for seat in range(len(state.player_alive))]
    return {
        "t": int(state.timestep),
        "level": level,
        "cleared": bool(state.monsters_killed[level] >= names.to_clear),
        "light": round(float(state.light_level), 3),
        "done": done,
        "seats": seats,
        "objects": _objects_near(state, seats)[:most_objects],
        "handovers": [_pending(row, int(state.timestep)) for row in pending_rows(state)],
        "requests": [
            {"seat": i, "item": one["request"], "left": one["request_steps_left"]}
            for i, one in enumerate(seats)
            if one["request"]
        ],
        "counters": {name: _plain(getattr(state, name)) for name in COUNTERS},
    }


def seat_facts(state: Any, seat: int) -> dict[str, Any]:
    """One seat: where it is, what it faces, how it fares, what it has."""
    names = lexicon()
    row, column = map(int, state.player_position[seat])
    direction = int(state.player_direction[seat])
    facing = target(state, seat)
    asked = int(state.request_duration[seat])
    return {
        "at": [row, column],
        "direction": DIRECTIONS[direction] if direction < len(DIRECTIONS) else "none",
        "facing": list(facing),
        "faces": block_at(state, facing),
        "faces_mob": next((name for name, *_ in _mobs_at(state, facing)), None),
        "faces_seat": seat_at(state, facing, seat),
        "faces_object": object_at(state, facing),
        "alive": bool(state.player_alive[seat]),
        "asleep": bool(state.is_sleeping[seat]),
        "resting": bool(state.is_resting[seat]),
        "health": round(float(state.player_health[seat]), 2),
        "food": int(state.player_food[seat]),
        "drink": int(state.player_drink[seat]),
        "energy": int(state.player_energy[seat]),
        "mana": int(state.player_mana[seat]),
        "xp": int(state.player_xp[seat]),
        "specialisation": names.roles[int(state.player_specialization[seat])],
        "death_cause": names.causes[int(state.player_death_cause[seat])] if state.player_death_cause[seat] else None,
        "inventory": inventory(state, seat),
        "request": names.requests.get(int(state.request_type[seat])) if asked > 0 else None,
        "request_steps_left": asked,
        "achievements": int(state.achievements[seat].sum()),
    }


def inventory(state: Any, seat: int) -> dict[str, int]:
    """What a seat holds; pickaxe and sword are levels (1 wood .. 4 diamond), armour the sum over its slots."""
    held = {name: int(getattr(state.inventory, name)[seat]) for name in MATERIALS}
    held |= {f"potion_{colour}": int(n) for colour, n in zip(POTIONS, state.inventory.potions[seat], strict=True)}
    held["armour"] = int(state.inventory.armour[seat].sum())
    return {name: count for name, count in held.items() if count}


def target(state: Any, seat: int) -> tuple[int, int]:
    """The cell that a seat faces and acts on."""
    direction = int(state.player_direction[seat])
    down, right = OFFSETS[direction] if direction < len(OFFSETS) else (0, 0)
    return int(state.player_position[seat][0]) + down, int(state.player_position[seat][1]) + right


def in_bounds(state: Any, at: Sequence[int]) -> bool:
    height, width = state.map.shape[1:]
    return bool(0 <= at[0] < height and 0 <= at[1] < width)


def block_at(state: Any, at: Sequence[int]) -> str:
    """The name of the block of a cell."""
    if not in_bounds(state, at):
        return "out_of_bounds"
    return lexicon().blocks[int(state.map[int(state.player_level), at[0], at[1]])]


def seat_at(state: Any, at: Sequence[int], but: int) -> int | None:
    """The seat, dead or alive, on a cell, other than `but`."""
    for seat, (row, column) in enumerate(state.player_position.tolist()):
        if seat != but and row == at[0] and column == at[1]:
            return seat
    return None


def object_at(state: Any, at: Sequence[int]) -> dict[str, Any] | None:
    """The coordination object on a cell: a block that takes several seats, or an elite or large creature."""
    if not in_bounds(state, at):
        return None
    level = int(state.player_level)
    value = int(state.coordination_map[level, at[0], at[1]])
    if value:
        soft = bool(state.soft_coordination_mask[level, at[0], at[1]])
        return _block_object(int(state.map[level, at[0], at[1]]), at, value, soft)
    for name, kind, _, needs, hard in _mobs_at(state, at):
        if needs:
            large = "large" if kind == "passive" else "elite"
            return {"kind": large, "at": list(at), "block": name, "needs": needs, "soft": not hard}
    return None


def _block_object(block: int, at: Sequence[int], value: int, soft: bool) -> dict[str, Any]:
    names = lexicon()
    found = {"at": [int(at[0]), int(at[1])], "block": names.blocks[block]}
    building = block in (names.site, names.begun)
    if value > 0:
        return {"kind": "construction" if building else "sync", **found, "needs": value, "soft": soft}
    return {"kind": "handover", **found, "needs": 2, "soft": False, "window": -value, "building": building}


def _mobs_at(state: Any, at: Sequence[int]) -> Iterator[tuple[str, str, int, int, bool]]:
    """(name, kind, slot, seats needed or 0, hard) of the creatures on a cell."""
    for name, kind, slot, where, needs, hard in mobs(state):
        if where[0] == at[0] and where[1] == at[1]:
            yield name, kind, slot, needs, hard


def mobs(state: Any) -> Iterator[tuple[str, str, int, list[int], int, bool]]:
    """(name, kind, slot, [row, column], seats needed or 0, hard) of the creatures of this level."""
    names, level = lexicon(), int(state.player_level)
    for kind in ("melee", "passive", "ranged"):
        group = getattr(state, f"{kind}_mobs")
        coordination = getattr(state, f"{kind}_mob_coordination")[level]
        required = getattr(state, f"{kind}_mob_agents_required")[level]
        for slot in group.mask[level].nonzero()[0].tolist():
            type_ = int(group.type_id[level, slot])
            name = names.mobs[kind][type_] if type_ < len(names.mobs[kind]) else "creature"
            needs = int(required[slot]) if coordination[slot] else 0
            yield name, kind, slot, group.position[level, slot].tolist(), needs, bool(coordination[slot] == 2)


def window(state: Any, seat: int) -> tuple[int, int, int, int]:
    """First and last (exclusive) row and column of what a seat can see, within the map."""
    (rows, columns), (height, width) = lexicon().view, state.map.shape[1:]
    row, column = map(int, state.player_position[seat])
    top, left = row - rows // 2, column - columns // 2
    return max(0, top), min(height, top + rows), max(0, left), min(width, left + columns)


def objects_seen(state: Any, seat: int) -> list[dict[str, Any]]:
    """The coordination objects in the lit view of a seat."""
    level = int(state.player_level)
    top, bottom, left, right = window(state, seat)
    lit = state.light_map[level, top:bottom, left:right] > LIT
    values = state.coordination_map[level, top:bottom, left:right]
    found = []
    for row, column in zip(*((values != 0) & lit).nonzero(), strict=True):
        at = [top + int(row), left + int(column)]
        soft = bool(state.soft_coordination_mask[level, at[0], at[1]])
        found.append(_block_object(int(state.map[level, at[0], at[1]]), at, int(values[row, column]), soft))
    for name, kind, _, at, needs, hard in mobs(state):
        if needs and top <= at[0] < bottom and left <= at[1] < right and lit[at[0] - top, at[1] - left]:
            large = "large" if kind == "passive" else "elite"
            found.append({"kind": large, "at": at, "block": name, "needs": needs, "soft": not hard})
    begun = {tuple(one["at"]): one for one in (_pending(row, int(state.timestep)) for row in pending_rows(state))}
    for one in found:
        if under_way := begun.get(tuple(one["at"])):
            one |= {"left": under_way["left"], "by": under_way["by"]}
    return found


def _objects_near(state: Any, seats: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What any living seat sees, nearest to its nearest seat first, with who stands by."""
    alive = [i for i, one in enumerate(seats) if one["alive"]]
    found = {tuple(one["at"]): one for seat in alive for one in objects_seen(state, seat)}
    for one in found.values():
        one["near"] = beside(state, one["at"])
        one["facing"] = [i for i in one["near"] if seats[i]["facing"] == one["at"]]
    return sorted(found.values(), key=lambda one: min(_distance(seats[i]["at"], one["at"]) for i in alive))


def beside(state: Any, at: Sequence[int]) -> list[int]:
    """The living seats on the four cells around a cell."""
    return [
        seat
        for seat, where in enumerate(state.player_position.tolist())
        if state.player_alive[seat] and _distance(where, at) == 1
    ]


def pending_rows(state: Any) -> list[list[int]]:
    """Handovers under way: [row, column, deadline, begun by, building]."""
    return [row[1:] for row in state.pending_handovers.tolist() if row[0] == 1]


def _pending(row: Sequence[int], t: int) -> dict[str, Any]:
    return {"at": [row[0], row[1]], "left": row[2] - t, "by": row[3], "building": BUILDINGS[row[4]] or None}


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _plain(value: Any) -> Any:
    plain = value.tolist()
    return plain if not isinstance(plain, float) else round(plain, 3)


# ---- what one seat sees ----


def view_of(state: Any, seat: int) -> dict[str, Any]:
    """What a seat sees, as data; see `World.view`."""
    names, level = lexicon(), int(state.player_level)
    top, bottom, left, right = window(state, seat)
    lit = state.light_map[level, top:bottom, left:right] > LIT
    shown = state.map[level, top:bottom, left:right]
    things = state.item_map[level, top:bottom, left:right]

    def seen(at: Sequence[int]) -> bool:
        inside = top <= at[0] < bottom and left <= at[1] < right
        return bool(inside and lit[at[0] - top, at[1] - left])

    return {
        "t": int(state.timestep),
        "level": level,
        "cleared": bool(state.monsters_killed[level] >= names.to_clear),
        "me": seat_facts(state, seat),
        "mates": [_mate(state, i) for i in range(len(state.player_alive)) if i != seat],
        "origin": [top, left],
        "blocks": [
            [names.blocks[block] if light else None for block, light in zip(row, lights, strict=True)]
            for row, lights in zip(shown.tolist(), lit.tolist(), strict=True)
        ],
        "items": [
            [names.items[int(things[row, column])], [top + int(row), left + int(column)]]
            for row, column in zip(*((things != 0) & lit).nonzero(), strict=True)
            if int(things[row, column]) in names.items
        ],
        "mobs": [[name, kind, at, needs] for name, kind, _, at, needs, _ in mobs(state) if seen(at)],
        "objects": objects_seen(state, seat),
    }


def _mate(state: Any, seat: int) -> dict[str, Any]:
    one = seat_facts(state, seat)
    kept = ("at", "alive", "health", "specialisation", "request")
    return {"seat": seat, **{name: one[name] for name in kept}}
