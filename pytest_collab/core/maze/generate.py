"""The short-lived process that makes mazes: `python -m pytest_collab.core.maze.generate`.

Reads one JSON object from standard input,

    {"compiled": DIR, "max_attempts": N, "requests": [{"spec": {fields of MazeSpec}, "seeds": [...]}, ...]}

and writes one to standard output, with a reply per request, in order:

    {"replies": [{"mazes": [{fields of MazeRecord}, ...], "attempts": N, "seen": SENTENCE}, ...]}

A seed of which no maze was found is missing from `mazes`; `seen` then says what there was instead.
With --check it makes one maze and names JAX's version and devices.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytest_collab.core.maze.spec import MAX_ATTEMPTS, MazeRecord, MazeSpec

_SEEDS_LOOKED_AT = 512


def main() -> None:
    """Answer the order on standard input."""
    # Whatever a library prints must not end up in the reply.
    reply_to = os.dup(1)
    os.dup2(2, 1)
    order = _trial_order() if "--check" in sys.argv[1:] else json.load(sys.stdin)
    _configure_jax(order["compiled"])
    replies = [
        _reply(_spec_from_json(request["spec"]), request["seeds"], order["max_attempts"])
        for request in order["requests"]
    ]
    answer: dict[str, Any] = {"replies": replies}
    if "--check" in sys.argv[1:]:
        import jax

        answer = {"jax": jax.__version__, "device": ", ".join(map(str, jax.devices())), **answer}
    with os.fdopen(reply_to, "w") as out:
        json.dump(answer, out)
        out.write("\n")


def records(spec: MazeSpec, seeds: Sequence[int], max_attempts: int = MAX_ATTEMPTS) -> list[MazeRecord]:
    """The mazes that were found, in the order of the seeds.

    Raises:
        TaskError: a seed is out of range.
    """
    import numpy as np

    from pytest_collab.core.maze.sampling import sample

    sampled = sample(spec, seeds, max_attempts)
    every_cell = np.uint32(2**spec.size - 1)
    walls = (every_cell & ~sampled.maze.free).tolist()
    visible = sampled.views.visible.tolist()
    difficulty = sampled.difficulty
    made = []
    for i, seed in enumerate(seeds):
        if sampled.attempt[i] < 0:
            continue
        steps = int(difficulty.steps[i])
        made.append(
            MazeRecord(
                seed=seed,
                size=spec.size,
                walls=tuple(walls[i]),
                start=_cell(sampled.maze.start[i], spec.size),
                goal=_cell(sampled.maze.goal[i], spec.size),
                path_length=int(difficulty.path_length[i]),
                shortest_paths=int(difficulty.shortest_paths[i]),
                visible=tuple(map(tuple, visible[i])),
                crossing=int(difficulty.passes[i]) / steps if steps else 0.0,
                dead_ends=int(difficulty.dead_ends[i]),
            )
        )
    return made


def _reply(spec: MazeSpec, seeds: Sequence[int], max_attempts: int) -> dict[str, Any]:
    found = records(spec, seeds, max_attempts)
    seen = ""
    if len(found) < len(seeds):
        found_seeds = {record.seed for record in found}
        seen = _what_was_seen(spec, [seed for seed in seeds if seed not in found_seeds][:_SEEDS_LOOKED_AT])
    return {"mazes": [asdict(record) for record in found], "attempts": max_attempts, "seen": seen}


def _what_was_seen(spec: MazeSpec, seeds: Sequence[int]) -> str:
    """A sentence on the path lengths that such mazes do have, from a look at 16,384 of them."""
    from pytest_collab.core.maze.sampling import path_length_histogram

    stretched = [seeds[i % len(seeds)] + i for i in range(_SEEDS_LOOKED_AT)]
    counts = path_length_histogram(spec, [seed % 2**64 for seed in stretched])
    solvable = counts[1:].sum()
    if not solvable:
        return "not one of the mazes looked at was solvable"
    share = counts[1:].cumsum() / solvable
    low, high = (int((share < part).sum()) + 1 for part in (0.05, 0.95))
    return (
        f"of {counts.sum():,} such mazes {solvable / counts.sum():.0%} were solvable, most of them in "
        f"{low} to {high} moves, the longest in {len(counts) - 1}"
    )


def _configure_jax(compiled: str | None) -> None:
    """Before JAX is imported: leave GPU memory to others, and keep what is compiled for the next time.

    What the user has set stays.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if compiled and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        try:
            os.makedirs(compiled, exist_ok=True)
        except OSError:
            return  # a cache that cannot be written costs time, nothing else
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def _trial_order() -> dict[str, Any]:
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9))
    return {
        "compiled": None,
        "max_attempts": MAX_ATTEMPTS,
        "requests": [{"spec": asdict(spec), "seeds": [0]}],
    }


def _spec_from_json(content: Mapping[str, Any]) -> MazeSpec:
    return MazeSpec(**content)


def _cell(number: Any, size: int) -> tuple[int, int]:
    row, column = divmod(int(number), size)
    return row, column


if __name__ == "__main__":
    main()
