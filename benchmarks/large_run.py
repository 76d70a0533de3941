"""What a large run costs: reading, judging, showing, exporting, its page, resuming it, listing its transcripts.

python benchmarks/large_run.py                        100,000 synthetic episodes, written to a temporary folder
python benchmarks/large_run.py --episodes 1000000
python benchmarks/large_run.py --transcripts 0        no transcripts: what they add is left out

Everything is done at two sizes, a quarter and the whole, each step in a process of its own; what a million would take
is extrapolated by a line through both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
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

GATES = [
    {"metric": "success_rate", "at_least": 0.5},
    {"metric": "collaboration_gap", "at_most": 0.2},
    {"metric": "failure_rate.vague", "at_most": 0.5},
    {"metric": "cost_usd", "at_most": 0.05},
]


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


def write_run(folder: Path, episodes: int, transcripts: int) -> None:
    """A run directory as a session leaves it; the first `transcripts` episodes have one, of 5 KB."""
    from pytest_collab.episode.record import transcript_name
    from pytest_collab.episode.run import FLAT

    spread = episodes > FLAT
    text = '{"seq":0,"t":0.0,"seat":"a","kind":"message","data":{"text":"%s"}}\n' % ("x" * 5000)
    with (folder / "episodes.jsonl").open("w", encoding="ascii") as file:
        for number, line in enumerate(lines(episodes)):
            name = json.loads(line)["id"]
            place = transcript_name(name, spread=spread)
            file.write(line.replace(transcript_name(name), place) + "\n")
            if number < transcripts:
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_text(text)


def read(run: Path) -> None:
    """All columns of a run."""
    from pytest_collab.measure.reader import read_frame

    read_frame(run)


def judge(run: Path) -> None:
    """Read, summarise, judge four gates."""
    from pytest_collab.measure.bulk import summarise_frame
    from pytest_collab.measure.gate import GateFile
    from pytest_collab.measure.reader import read_frame
    from pytest_collab.measure.verdicts import judge_run

    frame = read_frame(run)
    summarise_frame(frame).model_dump_json()
    judge_run(GateFile.model_validate({"gates": GATES}), frame)


def page_data(run: Path) -> None:
    """What the report page is made of, without transcripts and pictures, which have a budget of their own."""
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.report.reading import read_report

    read_report(RunDirectory(run))


def page(run: Path) -> None:
    """The page as a session's end writes it: transcripts and pictures for eight seconds at most."""
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.report.html import SECONDS_AT_SESSION_END, write_report

    write_report(RunDirectory(run), seconds=SECONDS_AT_SESSION_END)


def resume(run: Path) -> None:
    """What the controller of a resumed session does."""
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.measure.played import Played

    Played.of(RunDirectory(run), run)


def resume_worker(run: Path) -> None:
    """What each of its workers does: take the controller's table, and look a thousand episodes up."""
    from pytest_collab.episode.run import RunDirectory
    from pytest_collab.measure.played import Played

    played = Played.of(RunDirectory(run), run)
    keys = [
        ("maze" if task % 2 else "coding", f"task_{task}", "team", ("a", "b"), seed, 0)
        for task in range(20)
        for seed in range(0, 100, 2)
    ]
    assert all(played.standing(key) is not None for key in keys)


def every_record(run: Path) -> None:
    """For comparison: a model of every line, as everything above did once."""
    from pytest_collab.episode.run import RunDirectory

    RunDirectory(run).record()


def listing(run: Path) -> None:
    """Look for one transcript in each folder, as a shell that completes a name does."""
    for folder, _, files in os.walk(run / "transcripts"):
        assert folder
        assert len(files) < 20_000, "too many in one folder"


def imports(run: Path) -> None:
    """What every step has in it: the interpreter and the packages."""
    import pytest_collab.report.html
    import pytest_collab.report.reading  # noqa: F401


STEPS = (imports, read, judge, page_data, page, resume, resume_worker, listing, every_record)


def _commands(run: Path) -> dict[str, list[str]]:
    gates = run / "gates.yaml"
    gates.write_text(json.dumps({"gates": GATES}))
    shown = {
        "show": ["show", str(run)],
        "show --failed": ["show", str(run), "--failed"],
        "gate": ["gate", str(run), f"--gate={gates}"],
        "export --format=csv": ["export", str(run), "--format=csv", f"--out={run / 'episodes.csv'}"],
    }
    return {f"collab {name}": ["-m", "pytest_collab.cli", *words] for name, words in shown.items()}


def measured(run: Path) -> dict[str, tuple[float, float]]:
    """CPU seconds and peak MiB of every step, each in a process of its own."""
    steps = {
        step.__name__.replace("_", " "): [__file__, "--step", step.__name__, "--run", str(run)] for step in STEPS
    }
    found = {}
    for name, words in (steps | _commands(run)).items():
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 1), name  # 1: a gate failed
        found[name] = (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--transcripts", type=int, default=100_000, help="how many episodes have a transcript")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=[step.__name__ for step in STEPS], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        next(step for step in STEPS if step.__name__ == options.step)(options.run)
        return 0
    sizes = (options.episodes // 4, options.episodes)
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_run(Path(folder), size, options.transcripts)
            found.append(measured(Path(folder)))
    few, many = found
    print("| CPU s, peak MiB | " + " | ".join(f"{size:,}" for size in sizes) + " | 1,000,000, extrapolated |")
    print("| --- | --- | --- | --- |")
    for name in many:
        reach = (1_000_000 - sizes[0]) / (sizes[1] - sizes[0])
        far = [a + (b - a) * reach for a, b in zip(few[name], many[name], strict=True)]
        print(
            f"| {name} | " + " | ".join(f"{cpu:.1f}, {peak:.0f}" for cpu, peak in (few[name], many[name], far)) + " |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
