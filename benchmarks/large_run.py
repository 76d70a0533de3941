"""How long, and in how much memory, a large run is read, summarised, judged, shown and exported.

python benchmarks/large_run.py                  100,000 synthetic episodes, written to a temporary folder
python benchmarks/large_run.py --episodes 1000000
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

PLAYED = (
    ("solo", ("a",)),
    ("solo", ("b",)),
    ("team", ("a", "b")),
    ("team", ("b", "a")),
    ("mute", ("a", "b")),
    ("shared", ("a", "b")),
    ("with:partner", ("a",)),
    ("with:partner", ("b",)),
)


def lines(episodes: int) -> Iterator[str]:
    """Episodes as a run writes them: 20 tasks of 2 families, two agents, eight episodes a seed."""
    from pytest_collab.episode.outcome import Failure, Outcome
    from pytest_collab.episode.record import Episode, SeatUsage, episode_id

    rng = random.Random(0)
    for number in range(episodes):
        place, (condition, team) = number // len(PLAYED), PLAYED[number % len(PLAYED)]
        success = rng.random() < 0.6
        seed, task = place // 20, f"task_{place % 20}"
        identity = episode_id("maze", task, "hash", condition, team, seed, 0)
        failure = Failure.of("vague", "a", events=(3, 5), note="says nothing that can be acted on")
        yield Episode(
            id=identity,
            family="maze" if place % 2 else "coding",
            task=task,
            condition=condition,
            team=team,
            seed=seed,
            outcome=Outcome.SUCCESS if success else Outcome.COORDINATION,
            score=1.0 if success else round(rng.random(), 3),
            failures=() if success else (failure,),
            metrics={"progress": rng.random(), "messages": float(number % 7)},
            usage={
                seat: SeatUsage(agent=agent, model="m", calls=10, input_tokens=1000, output_tokens=200, cost_usd=0.01)
                for seat, agent in zip("ab", (team * 2)[:2], strict=True)
            },
            turns=10,
            duration_s=round(rng.random(), 4),
            transcript=f"transcripts/{identity}.jsonl",
            task_hash="hash",
        ).json_line()


def measure(run: Path) -> None:
    """Read, summarise and judge, in this process, and print what each took."""
    from pytest_collab.measure.bulk import summarise_frame
    from pytest_collab.measure.gate import GateFile
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.verdicts import judge_run

    gates = GateFile.model_validate(
        {
            "gates": [
                {"metric": "success_rate", "at_least": 0.5},
                {"metric": "collaboration_gap", "at_most": 0.2},
                {"metric": "failure_rate.vague", "at_most": 0.5},
                {"metric": "cost_usd", "at_most": 0.05},
            ]
        }
    )
    marks = [("", time.perf_counter(), time.process_time())]
    frame = read_frame(run)
    marks.append(("read", time.perf_counter(), time.process_time()))
    summary = summarise_frame(frame).model_dump_json()
    marks.append(("summarise", time.perf_counter(), time.process_time()))
    report = judge_run(gates, frame)
    marks.append(("judge 4 gates", time.perf_counter(), time.process_time()))
    print(f"{len(frame)} episodes, {len(summary)} characters of summary, gates {report.verdict}")
    print("| step | wall s | cpu s |\n| --- | --- | --- |")
    for (_, wall_before, cpu_before), (name, wall, cpu) in pairwise(marks):
        print(f"| {name} | {wall - wall_before:.2f} | {cpu - cpu_before:.2f} |")
    print(f"| all | {marks[-1][1] - marks[0][1]:.2f} | {marks[-1][2] - marks[0][2]:.2f} |")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def commands(run: Path) -> None:
    """What people type at a large run: each in a process of its own."""
    print("| command | cpu s | peak memory, MiB |\n| --- | --- | --- |")
    for words in (["show"], ["show", "--failed"], ["export", "--format=csv", f"--out={run / 'episodes.csv'}"]):
        command = [sys.executable, "-m", "pytest_collab.cli", words[0], str(run), *words[1:]]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, command
        print(f"| collab {' '.join(words[:2])} | {used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1024:.0f} |")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--run", type=Path, help="measure this run directory instead of a synthetic one")
    options = parser.parse_args(arguments)
    if options.run:
        measure(options.run)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "episodes.jsonl").open("w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines(options.episodes))
        # A process of its own: making the episodes must not count.
        done = subprocess.run([sys.executable, __file__, "--run", folder], check=False)
        commands(Path(folder))
        return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
