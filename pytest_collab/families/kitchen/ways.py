"""Shortest ways in a kitchen where nobody is in the way."""

from __future__ import annotations

from pytest_collab.core.kitchen.plan import FLOOR, Cell, Layout, around

Pose = tuple[Cell, int]
"""Where a cook stands, and which way it faces."""

Ways = dict[Pose, dict[Cell, tuple[int, Pose]]]


def ways(kitchen: Layout, seat: int) -> Ways:
    """From each pose of a cook, the steps to face each thing, and the pose in which it does."""
    poses = [(cell, facing) for cell in kitchen.floors[seat] for facing in range(4)]
    return {pose: _from(kitchen, pose) for pose in poses}


def _from(kitchen: Layout, pose: Pose) -> dict[Cell, tuple[int, Pose]]:
    steps, queue = {pose: 0}, [pose]
    for cell, facing in queue:
        for turned, near in enumerate(around(cell)):
            then = (near if kitchen.cells.get(near) == FLOOR else cell, turned)
            if then not in steps:
                steps[then] = steps[cell, facing] + 1
                queue.append(then)
    reach: dict[Cell, tuple[int, Pose]] = {}
    for then, count in sorted(steps.items(), key=lambda item: item[1]):
        thing = around(then[0])[then[1]]
        if kitchen.cells.get(thing, FLOOR) != FLOOR:
            reach.setdefault(thing, (count, then))
    return reach
