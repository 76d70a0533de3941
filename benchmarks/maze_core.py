"""Mazes per second: this core, jumanji's generator, networkx and mazelib, measured in one run.

    python benchmarks/maze_core.py [--size 6] [--walls 0.3] [--largest 20] [--seconds 1]

Runs on whatever device JAX is configured for (JAX_PLATFORMS=cpu|cuda). Peers that are not installed are
named, with the command that installs them; jumanji and mazelib are needed by nothing but this script.
Only ratios within one run mean anything: the speed of the machine, and who else is using it, changes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
import numpy as np

from pytest_collab.core.maze import batch as maze
from pytest_collab.core.maze import planes
from pytest_collab.core.maze.spec import fixed_point

ARITHMETIC = {
    *("add", "sub", "mul", "div", "rem", "and", "or", "xor", "not", "select_n", "eq", "ne", "lt", "le", "gt", "ge"),
    *("shift_left", "shift_right_logical", "shift_right_arithmetic", "max", "min", "neg", "clamp"),
}
REDUCTIONS = {"reduce_sum", "reduce_or", "reduce_and", "reduce_max", "argmax"}


def best_time(call: Callable[[], Any], seconds: float) -> float:
    """The shortest of the calls that fit into `seconds`, at least three."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begin = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begin)
    return min(times)


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """The function compiled for these arguments, and the seconds that took."""
    begin = time.perf_counter()
    executable = jax.jit(function).lower(*arguments).compile()
    return executable, time.perf_counter() - begin


def count_operations(jaxpr: Any, loop_trips: int) -> int:
    """Integer operations on single elements in a program; loops of unknown length count `loop_trips` times."""
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        inner = [
            getattr(value, "jaxpr", value)
            for parameter, value in equation.params.items()
            if parameter in ("jaxpr", "call_jaxpr", "body_jaxpr")
        ]
        if name == "scan":
            total += equation.params["length"] * sum(count_operations(body, loop_trips) for body in inner)
        elif name == "while":
            total += loop_trips * sum(count_operations(body, loop_trips) for body in inner)
        elif inner:
            total += sum(count_operations(body, loop_trips) for body in inner)
        elif name in ARITHMETIC:
            total += equation.outvars[0].aval.size
        elif name in REDUCTIONS:
            total += equation.invars[0].aval.size
    return total


def strides_until_all_is_reached(drawn: planes.MazePlanes) -> int:
    """How often the search's outer loop runs on this batch: it looks for an end every fourth move."""
    step = jax.jit(planes.step)
    reached, moves = drawn.start, 0
    while True:
        further = step(reached, drawn.free)
        if not bool(jnp.any(further != reached)):
            return moves // 4 + 1
        reached, moves = further, moves + 1


def machine_limits(seconds: float) -> tuple[float, float]:
    """Bytes per second of a large copy (read plus written), and 32-bit integer operations per second.

    The operations are shifts, exclusive ors and additions on data that stays in the nearest cache, compiled
    by XLA like the kernels: what XLA can get out of this machine, not what its maker says.
    """
    copy = jax.jit(lambda array: array + jnp.uint32(1), donate_argnums=0)  # no new pages to fault in
    large = copy(jnp.arange(1 << 26, dtype=jnp.uint32))

    def copy_again() -> jax.Array:
        nonlocal large
        large = copy(large)
        return large

    bandwidth = 2 * large.nbytes / best_time(copy_again, seconds)

    def mingle(words: list[jax.Array]) -> list[jax.Array]:
        return [(word ^ (word >> 7)) + jnp.uint32(0x9E3779B9) for word in words]

    def many_rounds(word: jax.Array) -> jax.Array:
        independent = [word + jnp.uint32(chain) for chain in range(chains)]  # so that none waits for another
        return reduce(lambda a, b: a ^ b, reduce(lambda words, _: mingle(words), range(rounds), independent))

    chains, rounds = 8, 64
    small = jnp.arange(1 << (15 if jax.default_backend() == "cpu" else 22), dtype=jnp.uint32)
    operations = count_operations(jax.make_jaxpr(many_rounds)(small).jaxpr, 1)
    executable, _ = compiled(many_rounds, small)
    return bandwidth, operations / best_time(lambda: executable(small), seconds)


def measure_core(size: int, walls: float, batch: int, seconds: float) -> dict[str, float]:
    """Generate, split among two seats and solve `batch` mazes in one compiled program.

    Figures: compile seconds, mazes per second in planes and in rows of bits, bytes and operations per maze.
    """
    blocks = max(batch // planes.LANES, 1)
    made = min(batch, blocks * planes.LANES)
    seeds, numbers = maze.seed_words(range(blocks)), np.zeros(blocks, np.uint32)
    on_device = jax.device_put((seeds, numbers, np.uint32(fixed_point(walls))))
    program = partial(maze.generate_split_and_solve, size, 2)
    executable, compile_seconds = compiled(program, *on_device)

    def in_rows(*arguments: jax.Array) -> Any:
        drawn, owners, length = program(*arguments)
        return planes.rows_of(drawn.free), planes.rows_of(owners[0]), length

    rows, _ = compiled(in_rows, *on_device)
    drawn, owners, length = executable(*on_device)
    operations = count_operations(jax.make_jaxpr(program)(*on_device).jaxpr, strides_until_all_is_reached(drawn))
    written = sum(array.nbytes for array in (*drawn, owners, length))
    return {
        "compile": compile_seconds,
        "planes": made / best_time(lambda: executable(*on_device), seconds),
        "rows": made / best_time(lambda: rows(*on_device), seconds),
        "bytes": written / (blocks * planes.LANES),
        "operations": operations / (blocks * planes.LANES),
    }


def measure_jumanji(size: int, seconds: float) -> tuple[str, float]:
    """jumanji's RandomGenerator under vmap, best of several batch sizes; it neither splits nor solves."""
    from jumanji.environments.routing.maze.generator import RandomGenerator

    best = (0.0, 0.0, 0)
    for batch in (1024, 4096, 16384):
        keys = jax.random.split(jax.random.PRNGKey(0), batch)
        executable, compile_seconds = compiled(jax.vmap(RandomGenerator(size, size)), keys)
        best = max(best, (batch / best_time(partial(executable, keys), seconds), compile_seconds, batch))
    rate, compile_seconds, batch = best
    return f"generate only, vmap {batch}, compile {compile_seconds:.1f} s", rate


def measure_networkx(size: int, walls: float, seconds: float) -> tuple[str, float]:
    """A random grid as a networkx graph, and its shortest path."""
    import networkx as nx

    chance = random.Random(0)
    cells = [(row, column) for row in range(size) for column in range(size)]

    def one() -> None:
        start, goal = chance.sample(cells, 2)
        grid = nx.grid_2d_graph(size, size)
        grid.remove_nodes_from([c for c in cells if c not in (start, goal) and chance.random() < walls])
        if nx.has_path(grid, start, goal):
            nx.shortest_path_length(grid, start, goal)

    return "generate + solve", repeated(one, seconds)


def measure_mazelib(size: int, seconds: float) -> tuple[str, float]:
    """mazelib's Prim generator and shortest path; a corridor maze of about the same number of cells."""
    from mazelib import Maze
    from mazelib.generate.Prims import Prims
    from mazelib.solve.ShortestPath import ShortestPath

    side = max(size // 2, 2)

    def one() -> None:
        made = Maze()
        made.generator = Prims(side, side)
        made.generate()
        made.generate_entrances()
        made.solver = ShortestPath()
        made.solve()

    return f"Prim, {2 * side + 1} x {2 * side + 1} with border, generate + solve", repeated(one, seconds)


def repeated(one: Callable[[], None], seconds: float) -> float:
    """Calls per second, in the best of batches of 200."""
    return 200 / best_time(lambda: [one() for _ in range(200)] and None, seconds)


PEERS: dict[str, tuple[str, Callable[..., tuple[str, float]]]] = {
    "jumanji": ("jumanji", measure_jumanji),
    "networkx": ("networkx", measure_networkx),
    "mazelib": ("mazelib", measure_mazelib),
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=6, help="cells along each side (default 6)")
    parser.add_argument("--walls", type=float, default=0.30, help="wall density (default 0.30)")
    parser.add_argument("--largest", type=int, default=20, help="largest batch, as a power of two (default 20)")
    parser.add_argument("--seconds", type=float, default=1.0, help="time per figure (default 1)")
    options = parser.parse_args()

    device = jax.devices()[0]
    cores = len(os.sched_getaffinity(0))
    print(f"jax {jax.__version__} on {device.device_kind} ({device.platform}), {cores} CPU cores, ", end="")
    print(f"load {os.getloadavg()[0]:.1f} at the start")
    bandwidth, rate = machine_limits(options.seconds)
    print(f"limits measured now: copy {bandwidth / 1e9:.1f} GB/s, {rate / 1e9:.1f} G 32-bit integer operations/s\n")

    print(f"this core, {options.size} x {options.size}, walls {options.walls:g}, two seats: generate + split + solve")
    print("   batch  compile s       mazes/s  mazes/s, rows out  of memory limit  of arithmetic limit")
    fastest = 0.0
    exponents = [power for power in (0, 5, 10, 13, 16, 18, 20) if power < options.largest]
    for power in [*exponents, options.largest]:
        figures = measure_core(options.size, options.walls, 1 << power, options.seconds)
        fastest = max(fastest, figures["planes"])
        of_memory = figures["planes"] * figures["bytes"] / bandwidth
        of_arithmetic = figures["planes"] * figures["operations"] / rate
        print(
            f"    2^{power:<2d}  {figures['compile']:9.2f}  {figures['planes']:12,.0f}  {figures['rows']:17,.0f}"
            f"  {of_memory:15.1%}  {of_arithmetic:19.1%}"
        )
    print(f"per maze {figures['operations']:.0f} word operations, {figures['bytes']:.0f} bytes written at last")
    print("(a batch below 2^5 computes a whole block of 32; only the mazes asked for are counted)\n")

    print("peer       version        mazes/s  this core is  what it does")
    for name, (package, measure) in PEERS.items():
        try:
            version = importlib.metadata.version(package)
            arguments = (options.size, options.walls) if name == "networkx" else (options.size,)
            what, speed = measure(*arguments, options.seconds)
        except ImportError:
            print(f"{name:9s}  not installed: pip install {package}")
            continue
        print(f"{name:9s}  {version:9s}  {speed:12,.0f}  {fastest / speed:9,.0f} x  {what}")
    if device.platform == "cpu":
        print("\nnot measured on a GPU: JAX found none")


if __name__ == "__main__":
    main()
