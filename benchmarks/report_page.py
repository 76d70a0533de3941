"""How large the page of a large run is, how long it takes to write, and how soon it is seen.

    python benchmarks/report_page.py [EPISODES] [--chromium PATH]

Episodes are copies of a few real ones under new seeds, so that every figure and transcript is of the usual kind.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.families.philosophers import Philosophers
from pytest_collab.report.html import render
from pytest_collab.report.reading import read_report
from pytest_collab.testing import play_episode

TEAMS = (("partner", "partner"), ("partner", "stubborn"), ("stubborn", "partner"), ("silent", "partner"))


def synthetic(path: Path, episodes: int) -> RunDirectory:
    """A run of so many episodes."""
    run = RunDirectory.create(path)
    run.write("run.json", RunInfo(finished="2026-01-01T00:00:00+00:00"))
    played = [play_episode(Philosophers(seats=3, timesteps=12), team) for team in TEAMS]
    lines = []
    for number in range(episodes):
        source = played[number % len(played)]
        name = f"dinner-{number}"
        transcript = f"transcripts/{name}.jsonl"
        update = {"id": name, "task": f"dinner{number % 20}", "seed": number // len(played), "transcript": transcript}
        lines.append(f"{source.episode.model_copy(update=update).json_line()}\n")
        source.transcript.write(run.path / transcript)
    run.write("episodes.jsonl", "".join(lines))
    return run


def first_paints(page: Path, chromium: str, rounds: int = 5) -> list[float]:
    """Milliseconds to the first contentful paint, each in a fresh context."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(rounds):
            context = browser.new_context()
            tab = context.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            found.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("episodes", type=int, nargs="?", default=10_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = synthetic(Path(folder) / "run", args.episodes)
        began = time.perf_counter()
        report = read_report(run)
        read = time.perf_counter() - began
        page = render(report, run, seconds=5.0)
        rendered = time.perf_counter() - began - read
        print(f"{page.episodes} episodes, {page.embedded} embedded, {page.undrawn} with fewer pictures")
        print(f"figures {read:.1f} s, transcripts and pictures {rendered:.1f} s, page {len(page.text) / 1e6:.1f} MB")
        path = run.write("report.html", page.text)
        paints = first_paints(path, args.chromium)
        print(f"first contentful paint: median {statistics.median(paints):.0f} ms, slowest {max(paints):.0f} ms")


if __name__ == "__main__":
    main()
