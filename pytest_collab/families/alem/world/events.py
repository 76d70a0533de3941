"""What a step of alem did, told from the states before and after it: who acted on what with whom, to what effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_collab.families.alem.world import facts as look

GIVE = "Give to Agent "
BUILD = {"Build Shelter": 1, "Build Forge": 2, "Build Beacon": 3}


def step_facts(before: Any, after: Any, actions: Sequence[str]) -> dict[str, Any]:
    """What happened; see `World.step`. Parts in which nothing happened are left out.

    Args:
        before, after: states with NumPy arrays.
        actions: per seat, by name.
    """
    awake = before.player_alive & ~before.is_sleeping & ~before.is_resting
    acting = {seat: action for seat, action in enumerate(actions) if awake[seat]}
    found: dict[str, Any] = {
        "sync": [*_together(before, after, acting), *_built(before, after, acting), *_crafted(before, after, acting)],
        "handover": list(_handovers(before, after, acting)),
        "requests": list(_requests(before, after, acting)),
        "trades": list(_trades(before, after, acting)),
        "deaths": list(_deaths(before, after)),
        "revived": list(_revived(before, after, acting)),
        "friendly_fire": _friendly_fire(before, after),
        "unlocked": _unlocked(before, after),
        "counters": _counters(before, after),
    }
    happened = {name: part for name, part in found.items() if part}
    if int(before.player_level) != int(after.player_level):
        happened["level"] = int(after.player_level)
    return {
        "t": int(before.timestep),
        "actions": list(actions),
        "at": before.player_position.tolist(),
        "health": [round(float(one), 1) for one in after.player_health],
        **happened,
    }


def _doers(state: Any, acting: dict[int, str]) -> dict[tuple[int, int], list[int]]:
    """Seats that chose Do, by the cell they act on."""
    cells: dict[tuple[int, int], list[int]] = {}
    for seat, action in acting.items():
        at = look.target(state, seat)
        if action == "Do" and look.in_bounds(state, at):
            cells.setdefault(at, []).append(seat)
    return cells


def _together(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Do on something that takes several seats at once: a block, an elite or a large creature."""
    level = int(before.player_level)
    for at, seats in _doers(before, acting).items():
        target = look.object_at(before, at)
        if target is None or target["kind"] not in ("sync", "elite", "large"):
            continue
        if target["kind"] == "sync":
            gone = bool(before.map[level, at[0], at[1]] != after.map[level, at[0], at[1]])
        else:
            gone = _killed(before, after, at)
        yield _attempt(before, target, seats) | {"done": gone}


def _attempt(state: Any, target: dict[str, Any], seats: Sequence[int]) -> dict[str, Any]:
    return {
        **{name: target[name] for name in ("kind", "block", "at", "needs", "soft")},
        "acted": list(seats),
        "near": look.beside(state, target["at"]),
        "success": len(seats) >= target["needs"],
    }


def _killed(before: Any, after: Any, at: Sequence[int]) -> bool:
    level = int(before.player_level)
    for _, kind, slot, where, needs, _ in look.mobs(before):
        if needs and where[0] == at[0] and where[1] == at[1]:
            return not bool(getattr(after, f"{kind}_mobs").mask[level, slot])
    return False


def _built(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Build on a construction site that takes several seats at once."""
    level = int(before.player_level)
    for (at, building), seats in _builders(before, acting).items():
        target = look.object_at(before, at)
        if target is None or target["kind"] != "construction":
            continue
        yield _attempt(before, target, seats) | {
            "building": look.BUILDINGS[building],
            "paid": any(_can_pay(before, seat, building) for seat in seats),
            "done": bool(before.map[level, at[0], at[1]] != after.map[level, at[0], at[1]]),
        }


def _builders(state: Any, acting: dict[int, str]) -> dict[tuple[tuple[int, int], int], list[int]]:
    sites: dict[tuple[tuple[int, int], int], list[int]] = {}
    for seat, action in acting.items():
        if action in BUILD:
            sites.setdefault((look.target(state, seat), BUILD[action]), []).append(seat)
    return sites


def _can_pay(state: Any, seat: int, building: int) -> bool:
    return all(
        getattr(state.inventory, item)[seat] >= count for item, count in look.lexicon().costs[building].items()
    )


def _crafted(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Diamond gear at an epic forge, which takes two seats where crafting is coordinated."""
    if after.coord_craft_attempts > before.coord_craft_attempts:
        made = bool(after.coord_craft_successes > before.coord_craft_successes)
        seats = [seat for seat, action in acting.items() if action.startswith("Make Diamond")]
        yield {"kind": "craft", "needs": look.CRAFT_TEAM, "acted": seats, "success": made, "done": made}


def _handovers(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Work begun for another to end within a window: begun, ended, or lapsed."""
    old = {tuple(row) for row in look.pending_rows(before)}
    new = {tuple(row) for row in look.pending_rows(after)}
    t = int(before.timestep)
    for row, column, deadline, seat, building in sorted(new - old):
        yield {
            "event": "set_up", "kind": look.BUILDINGS[building] or look.block_at(before, (row, column)),
            "at": [row, column], "by": seat, "window": deadline - t,
        }  # fmt: skip
    for row, column, deadline, seat, building in sorted(old - new):
        kind = look.BUILDINGS[building] or look.block_at(before, (row, column))
        entry = {"kind": kind, "at": [row, column], "begun_by": seat}
        if deadline <= t:
            yield {"event": "expired", **entry}
        else:
            ended = [
                other for other, action in acting.items()
                if other != seat and BUILD.get(action, 0 if action == "Do" else -1) == building
                and look.target(before, other) == (row, column)
            ]  # fmt: skip
            yield {"event": "completed", **entry, "by": min(ended, default=seat), "left": deadline - t}


def _requests(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    names = look.lexicon().requests
    given = {one["to"]: one["from"] for one in _trades(before, after, acting)}
    for seat, action in acting.items():
        if action.startswith("Request "):
            item = action.removeprefix("Request ").lower()
            yield {"event": "asked", "seat": seat, "item": item, "holders": _holders(before, seat, item)}
    for seat, giver in given.items():
        yield {"event": "answered", "seat": seat, "item": names[int(before.request_type[seat])], "by": giver}
    for seat in (after.request_expiry_count > before.request_expiry_count).nonzero()[0].tolist():
        item = names[int(before.request_type[seat])]
        yield {"event": "expired", "seat": seat, "item": item, "holders": _holders(before, seat, item)}


def _holders(state: Any, seat: int, item: str) -> list[int]:
    """Living teammates who have some of what a seat asks for."""
    stock = getattr(state, f"player_{item}") if item in ("food", "drink") else getattr(state.inventory, item)
    return [i for i, count in enumerate(stock.tolist()) if i != seat and count > 0 and state.player_alive[i]]


def _trades(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    names = look.lexicon().requests
    more = after.trade_count > before.trade_count
    for seat, action in acting.items():
        if action.startswith(GIVE) and more[seat]:
            to = int(action.removeprefix(GIVE))
            yield {"from": seat, "to": to, "item": names[int(before.request_type[to])], "count": 1}


def _deaths(before: Any, after: Any) -> Iterator[dict[str, Any]]:
    """Who died, of what, and who was how far (steps) from it within sight of it."""
    causes = look.lexicon().causes
    rows, columns = look.lexicon().view
    places = before.player_position.tolist()
    for seat in (before.player_alive & ~after.player_alive).nonzero()[0].tolist():
        row, column = places[seat]
        near = [
            [other, abs(where[0] - row) + abs(where[1] - column)]
            for other, where in enumerate(places)
            if other != seat and after.player_alive[other]
            and abs(where[0] - row) <= rows // 2 and abs(where[1] - column) <= columns // 2
        ]  # fmt: skip
        yield {"seat": seat, "cause": causes[int(after.player_death_cause[seat])], "at": [row, column], "near": near}


def _revived(before: Any, after: Any, acting: dict[int, str]) -> Iterator[dict[str, Any]]:
    places = before.player_position.tolist()
    for seat in (~before.player_alive & after.player_alive).nonzero()[0].tolist():
        by = [i for i, action in acting.items() if action == "Do" and list(look.target(before, i)) == places[seat]]
        yield {"seat": seat, "by": by}


def _friendly_fire(before: Any, after: Any) -> list[dict[str, Any]]:
    dealt = (after.ff_damage_dealt - before.ff_damage_dealt).tolist()
    return [{"seat": seat, "damage": round(damage, 2)} for seat, damage in enumerate(dealt) if damage > 0]


def _unlocked(before: Any, after: Any) -> dict[str, list[str]]:
    """Achievements that a seat did not have, by seat (as text, as JSON has it)."""
    names = look.lexicon().achievements
    new = after.achievements.astype(bool) & ~before.achievements.astype(bool)
    return {str(seat): [names[i] for i in row.nonzero()[0]] for seat, row in enumerate(new) if row.any()}


def _counters(before: Any, after: Any) -> dict[str, Any]:
    grown = {}
    for name in look.COUNTERS:
        more = getattr(after, name) - getattr(before, name)
        if more.any():
            plain = more.tolist()
            grown[name] = [round(one, 3) for one in plain] if isinstance(plain, list) else round(plain, 3)
    return grown
