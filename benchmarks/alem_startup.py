"""What it costs to start alem: importing it, the first step of a process, every further step, memory.

python benchmarks/alem_startup.py            # minutes: compiles with an empty cache, twice at once
python benchmarks/alem_startup.py --warm     # seconds: with the cache that is there

Each figure is that of a process of its own. Wall time is what a user waits; beside it stands the CPU time of the
process, which on a machine with other work says what the wall time would be without it. "Never ran" means an empty
bytecode cache and an empty cache of compiled programs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROBE = """
import json, os, resource, sys, time
def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))
marks, begun = {}, now()
def mark(name):
    ended = now()
    marks[name] = [ended[0] - begun[0], ended[1] - begun[1]]
    return now()
from pytest_collab.families.alem.world.world import World, WorldRules
from pytest_collab.core.alem import package as alem_package
alem_package.load()
begun = mark("import")
steps, kind = int(sys.argv[1]), json.loads(sys.argv[2])
if steps:
    world = World(WorldRules(**kind), 9999)
    world.step(["Noop"] * world.rules.agents)
    [world.observe(seat) for seat in range(world.rules.agents)]
    begun = mark("first step")
    marks["resident"] = resident()
    made = 0
    for number in range(steps):
        if world.done:
            break
        world.step(["Do" if number % 2 else "Move East"] * world.rules.agents)
        [world.observe(seat) for seat in range(world.rules.agents)]
        made += 1
    ended = now()
    marks["step"] = [1000 * (ended[0] - begun[0]) / made, 1000 * (ended[1] - begun[1]) / made]
    marks["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(marks))
"""


def probe(steps: int, kind: str, **environment: str) -> dict[str, list[float]]:
    """The marks of one process: seconds of wall and of CPU by name; MiB; milliseconds for a step."""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(steps), kind],
        env={**os.environ, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    marks: dict[str, list[float]] = json.loads(done.stdout)
    return marks


def row(name: str, mark: list[float], unit: str = "s", bar: str = "") -> None:
    print(f"{name:<52} {mark[0]:7.1f} {unit:<2} wall {mark[1]:7.1f} {unit:<2} CPU   {bar}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", action="store_true", help="only what a second process costs")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rules", default="{}", help='WorldRules as JSON, e.g. {"difficulty": "none"}')
    arguments = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} core(s)")
    if not arguments.warm:
        with tempfile.TemporaryDirectory() as empty:
            fresh = {"PYTHONPYCACHEPREFIX": f"{empty}/bytecode", "PYTEST_COLLAB_CACHE": f"{empty}/programs"}
            row("import, on a machine that never ran it", probe(0, "{}", **fresh)["import"], bar="bar: 15 s")
            with ThreadPoolExecutor(2) as pool:
                pair = list(pool.map(lambda _: probe(1, arguments.rules, **fresh), range(2)))
            first, second = sorted(pair, key=lambda marks: -marks["first step"][1])
            row("first step, two processes at once: the one", first["first step"])
            row("                                   the other", second["first step"])
            print(f"{'compiled programs on disk':<52} {_size(Path(empty, 'programs')):7.1f} MiB")
            print(f"{'most memory while compiling':<52} {first['peak']:7} MiB")
            warm = probe(arguments.steps, arguments.rules, **fresh)
    else:
        warm = probe(arguments.steps, arguments.rules)
    row("import, later process", warm["import"])
    row("first step, later process", warm["first step"], bar="bar: 5 s")
    row("each further step, with all observations", warm["step"], "ms", "bar: 20 ms")
    print(f"{'memory of a worker':<52} {warm['resident']:7} MiB (peak {warm['peak']} MiB)")


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


if __name__ == "__main__":
    main()
