"""The fewest steps of every kind of order, by exhaustive search: what `families/kitchen/optimum.py` keeps as a table.

python benchmarks/kitchen_optimum.py [--levels 1 2 3] [--counters 2] [--gigabytes 1] [--python]

The search is that of `optimum.fewest_steps`, written in C (`kitchen_optimum.c`; needs a C compiler, `cc`): all levels
take seconds. `--python` takes the one in Python, to see that both find the same: level 6 takes minutes. -1 instead of
an optimum: it takes more steps than `--limit`; -2: there was no room left.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pytest_collab.core.kitchen.plan import COUNTER, DISH, PANTRY, SERVING, UTENSILS, Layout
from pytest_collab.families.kitchen import optimum, orders
from pytest_collab.families.kitchen.orders import Order
from pytest_collab.families.kitchen.ways import ways

POSES, CELLS, COUNTERS, KINDS, LOADS, ITEMS = 12, 16, 6, 4, 24, 16
BYTES = 18
"""What a moment takes: its key, when it was reached, whether it has been gone on from."""

LONGER, NO_ROOM = -1, -2
"""What the search answers where it takes more steps than the limit, and where so many moments have no room."""


class Tables(ctypes.Structure):
    """`Tables` of kitchen_optimum.c, field by field."""

    _fields_: ClassVar[Sequence[tuple[str, type]]] = [
        *((name, ctypes.c_int) for name in ("cells", "counters", "utensils", "ingredients", "dish", "product")),
        ("kind", ctypes.c_int * CELLS),
        ("which", ctypes.c_int * CELLS),
        ("steps", ctypes.c_int * CELLS * POSES * 2),
        ("then", ctypes.c_int * CELLS * POSES * 2),
        ("in_hand", ctypes.c_int * POSES * ITEMS * 2),
        ("put", ctypes.c_int * ITEMS * LOADS * KINDS),
        *((name, ctypes.c_int * LOADS * KINDS) for name in ("start", "taken", "by", "left", "pass", "item", "ready")),
        ("at_counter", ctypes.c_int * COUNTERS),
        ("at_utensil", ctypes.c_int * KINDS),
        ("pantry", ctypes.c_int),
        ("pile", ctypes.c_int),
        ("first_pose", ctypes.c_int * 2),
    ]


def tables(kitchen: Layout, made: Order) -> Tables:
    """What the search has to know of an order and its kitchen."""
    found = Tables()
    found.cells, found.counters, found.utensils = 0, len(kitchen.counters), len(kitchen.utensils)
    others = sorted(made.needed - {made.name, *made.ingredients})
    number = {name: at for at, name in enumerate((*made.ingredients, *others, made.name), start=1)}
    assert len(number) < ITEMS
    found.ingredients, found.product = len(made.ingredients), number[made.name]
    found.dish = number[DISH] if made.plated else 0
    things = [cell for cell in kitchen.cells if cell in kitchen.reach[0] | kitchen.reach[1]]
    found.cells = len(things)
    for at, cell in enumerate(things):
        letter = kitchen.cells[cell]
        if letter == COUNTER:
            found.kind[at], found.which[at] = 1, kitchen.counters.index(cell)
            found.at_counter[found.which[at]] = at
        elif letter == PANTRY:
            found.kind[at], found.pantry = 2, at
        elif letter in kitchen.piles:
            found.kind[at], found.pile = 3, at
        elif letter == SERVING:
            found.kind[at] = 4
        elif letter in UTENSILS:
            found.kind[at], found.which[at] = 5, kitchen.utensils.index(cell)
            found.at_utensil[found.which[at]] = at
    every = [ways(kitchen, seat) for seat in (0, 1)]
    before = optimum._Before(kitchen, made, every)
    for seat, own in enumerate(every):
        poses = list(own)
        found.first_pose[seat] = poses.index((kitchen.starts[seat], 0))
        for at, pose in enumerate(poses):
            for place, cell in enumerate(things):
                steps, then = own[pose].get(cell, (-1, pose))
                found.steps[seat][at][place], found.then[seat][at][place] = steps, poses.index(then)
            for name, item in number.items():
                found.in_hand[seat][item][at] = before.in_hand(name, seat, pose)
    for place, cell in enumerate(kitchen.utensils):
        _utensil(found, place, kitchen.kind(cell), made, number)
    return found


def _utensil(found: Tables, place: int, kind: str, made: Order, number: dict[str, int]) -> None:
    """Everything that a utensil can hold on the way to an order, and what becomes of it."""
    stages = [stage for stage in made.stages if stage.utensil == kind]
    loads: list[tuple[tuple[str, ...], int]] = [((), -1)]
    for stage in stages:
        for chosen in range(1, 1 << len(stage.inputs)):
            loads.append((tuple(item for bit, item in enumerate(stage.inputs) if chosen >> bit & 1), -1))
        loads += [((stage.product,), left) for left in range(stage.steps + 1)]
    assert len(loads) <= LOADS
    for at, (items, left) in enumerate(loads):
        into = made.stage(items[0]) if items else None
        for name, item in number.items():
            more = (tuple(sorted((*items, name))), -1)
            found.put[place][at][item] = loads.index(more) if left < 0 and more in loads else -1
        begun = into is not None and left < 0 and into.inputs == items
        found.start[place][at] = loads.index(((into.product,), into.steps)) if into and begun else -1
        found.taken[place][at] = number[items[0]] if left >= 0 else 0
        plated = left >= 0 and items[0] == made.name and made.plated
        found.by[place][at], found.left[place][at] = (number[DISH] if plated else 0), max(left, 0)
        getattr(found, "pass")[place][at] = at if left < 1 else loads.index((items, left - 1))
        if items and left < 0:
            assert into is not None
            found.item[place][at], found.ready[place][at] = number[into.product], 1 + into.steps
        elif items:
            found.item[place][at], found.ready[place][at] = number[items[0]], left


def compiled(folder: Path) -> ctypes.CDLL:
    """The search in C."""
    library = folder / "kitchen_optimum.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return ctypes.CDLL(str(library))


def fewest_steps(library: ctypes.CDLL, made: Order, counters: int, *, limit: int, most: int) -> tuple[int, int]:
    """The optimum of an order, or one of the answers above; and how many moments the search kept.

    Args:
        limit: no search for more steps than these, at most 127.
        most: so many moments have room.
    """
    moments = ctypes.c_size_t(0)
    known = tables(orders.kitchen(made, counters), made)
    steps = library.fewest_steps(ctypes.byref(known), limit, ctypes.c_size_t(most), ctypes.byref(moments))
    return steps, moments.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, nargs="+", default=list(orders.LEVELS))
    parser.add_argument("--counters", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--limit", type=int, default=80)
    parser.add_argument("--gigabytes", type=float, default=0.2)
    parser.add_argument("--python", action="store_true")
    given = parser.parse_args()
    most = int(given.gigabytes * 1e9 / BYTES)
    with tempfile.TemporaryDirectory() as folder:
        library = None if given.python else compiled(Path(folder))
        for level in given.levels:
            made = {order.heat: order for order in (orders.order(level, seed) for seed in range(20))}
            for heat, order in sorted(made.items(), reverse=True):
                for counters in given.counters:
                    began = time.perf_counter()
                    if library is None:
                        steps, note = optimum.fewest_steps(orders.kitchen(order, counters), order), ""
                    else:
                        steps, moments = fewest_steps(library, order, counters, limit=given.limit, most=most)
                        note = f", {moments:,} moments"
                    took = time.perf_counter() - began
                    print(f'    ({level}, "{heat}", {counters}): {steps},  # {took:.1f} s{note}', flush=True)


if __name__ == "__main__":
    main()
