"""Makes docs/images/gallery-*: an episode of each family as the report shows it, a red verdict, terminal output.

    python docs/make_gallery.py              # all
    python docs/make_gallery.py maze doctor  # only these
    python docs/make_gallery.py --check      # make none: which pages show something else than their pictures?

Needs `pip install pytest-collab[gallery]` and Chromium (`--browser PATH`, default: what is on PATH). What is shown is
what the programs show: nothing is drawn by hand; only paths of the machine are shortened. What each page says is kept
beside the pictures (gallery.json), so that a test can tell when a picture shows what is not so any more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1180, 680
TALL: Final = 4000
"""A window in which nothing has to be scrolled: the time line covers no picture."""
COLUMNS: Final = 100


@dataclass(frozen=True, slots=True)
class Play:
    """An episode to show; `task` lies below `tasks/`."""

    task: str
    team: str
    condition: str = "team"
    seed: int = 0


PLAYS: Final = {
    "maze": Play("maze/six_by_six.collab.yaml", "partner+confabulator"),
    "coding": Play("coding/larder/larder.collab.yaml", "partner+overwriter"),
    "philosophers": Play("philosophers/quick.collab.yaml", "partner+stubborn"),
    "market": Play("market/quick.collab.yaml", "partner+silent"),
    "commons": Play("commons/quick.collab.yaml", "partner+free_rider"),
    "public_goods": Play("public_goods/quick.collab.yaml", "partner+free_rider"),
    "donor": Play("donor/quick.collab.yaml", "partner+free_rider"),
    "experts": Play("experts/quick.collab.yaml", "partner+stubborn"),
    "dilemma": Play("dilemma/prisoners_repetition.collab.yaml", "partner+extorter", seed=1),
    "alem": Play("alem/first_steps.collab.yaml", "partner+silent", seed=9999),
    "hanabi": Play("hanabi/two_players.collab.yaml", "partner+stubborn", seed=1),
    "interception": Play("interception/quick.collab.yaml", "rubber_stamper", condition="solo", seed=1),
    "kitchen": Play("kitchen/level_four.collab.yaml", "partner+hoarder", seed=1),
    "network": Play("network/leader.collab.yaml", "partner+partner+promise_breaker+partner", seed=1),
}
"""One episode a family, with a planted fault in it."""

MAZE: Final = "tasks/maze/six_by_six.collab.yaml"
TERMINAL: Final = {
    "failure": f"pytest {MAZE} --agents=partner,confabulator --collab-teams=partner+confabulator "
    "--collab-conditions=team --collab-seeds=1 -r N -q",
    "summary": f"pytest {MAZE} --agents=partner,silent --collab-teams=partner+partner,partner+silent "
    "--collab-conditions=solo,team,mute --collab-seeds=5 -r N -q --tb=no",
    "doctor": "collab doctor python git jax sandboxes programs",
}
"""Commands, run in the repository's root."""

SEEN: Final = IMAGES / "gallery.json"
"""By picture, a digest of what its page says."""

AT_OWN_PACE: Final = "gallery-coding"
"""Seats of coding work side by side: which of two comes first differs from play to play, and with it every number."""

VERDICT: Final = "report-overview"
SUITE: Final = " ".join(f"tasks/{name}.collab.yaml" for name in ("maze/six_by_six", "commons/quick", "market/quick"))
GATES: Final = """
gates:
  - {name: pairs get through the maze, where: {family: maze}, metric: success_rate, at_least: 0.6}
  - {name: no worse than last night, metric: success_rate, not_worse_than: baseline, margin: 0.1}
  - {name: few invented facts, metric: failure_rate.false_claim, at_most: 0.25}
  - {name: talk helps in the maze, where: {family: maze}, metric: value_of_talk, at_least: 0.05}
"""
"""What the red verdict is judged by: an agent that invents facts, after a night of one that does not."""

_PASSING: Final = re.compile(
    r"\d{4}-\d\d-\d\d\S*|commit \w+|\b[0-9a-f]{40}\b|\d+(?:\.\d+)? (?:ms|s|min)\b|-[0-9a-f]{8}\b"
    r"|/\S*collab-gallery\S*"
)
"""What differs from play to play: times, commits, folders."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*PLAYS, VERDICT, *TERMINAL])}; all by default")
    parser.add_argument("--check", action="store_true", help="make none; exit status 1 where one is out of date")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    args = parser.parse_args()
    names = args.names or [*PLAYS, VERDICT, *TERMINAL]
    if args.check:
        stale = out_of_date(args.browser, names)
        print("\n".join(stale) or "every picture shows what is so")
        raise SystemExit(bool(stale))
    with tempfile.TemporaryDirectory(prefix="collab-gallery-") as folder:
        known = json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}
        known |= dict(looked_at(Path(folder), args.browser, names, shoot=True))
        SEEN.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n", encoding="utf-8")
        for name in names:
            if name in TERMINAL:
                draw(name, TERMINAL[name], Path(folder) / "runs" / name)
    for image in sorted(IMAGES.glob("*-*.*g")):
        print(f"{image.stat().st_size / 1000:7.0f} kB  {image.relative_to(ROOT)}")


def play(what: Play, run: Path) -> tuple[RunDirectory, Episode]:
    """Play one episode by a session of its own, which writes the report."""
    command = f"pytest tasks/{what.task} --collab-teams={what.team} --collab-conditions={what.condition}"
    command += f" --collab-seeds=1 --collab-seed={what.seed} --collab-run-dir={run}"
    if what.task.startswith(("coding/", "interception/")):
        command += " --collab-sandbox=process"
    done = execute(command)
    directory = RunDirectory.open(run)
    episodes = directory.record().episodes()
    if not episodes:
        raise SystemExit(f"nothing was played by: {command}\n{done}")
    return directory, next((one for one in episodes if not one.success), episodes[0])


def verdict(folder: Path) -> Path:
    """Two nights, the second one worse: its page."""
    (folder / "gates.yaml").write_text(GATES, encoding="utf-8")
    (folder / "tasks").symlink_to(ROOT / "tasks")
    common = f"pytest {SUITE} --collab-conditions=solo,team,mute --collab-seeds=12"
    execute(f"{common} --agents=partner --collab-run-dir=nightly", folder)
    told = execute(
        f"{common} --agents=confabulator --collab-run-dir=release --collab-baseline=nightly --collab-gate=gates.yaml",
        folder,
    )
    page = folder / "release" / "report.html"
    if not page.exists():
        raise SystemExit(f"the red verdict has no page:\n{told}")
    return page


def out_of_date(browser: str | None, names: list[str] | None = None) -> list[str]:
    """Pictures whose pages say something else now, a line each with the remedy."""
    known: Mapping[str, str] = json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}
    with tempfile.TemporaryDirectory(prefix="collab-gallery-") as folder:
        here = [name for name in PLAYS if name != "alem" or find_spec("alem") is not None]
        now = dict(looked_at(Path(folder), browser, names or [*here, VERDICT], shoot=False))
    return [
        f"docs/images/{name}.png is out of date: python docs/make_gallery.py {name.removeprefix('gallery-')}"
        for name, digest in now.items()
        if known.get(name) != digest
    ]


def looked_at(folder: Path, browser: str | None, names: list[str], *, shoot: bool) -> Iterator[tuple[str, str]]:
    """Plays what is to be shown and opens each page: an episode's at the event that proves its headline.

    Returns:
        Pairs: the picture's name, and a digest of what the page says.
    """
    from playwright.sync_api import sync_playwright

    pages: dict[str, tuple[str, str]] = {}
    for name in names:
        if name in PLAYS:
            run, episode = play(PLAYS[name], folder / name)
            at = f"?at={episode.headline.events[-1]}" if episode.headline and episode.headline.events else ""
            address = f"{(run.path / 'report.html').absolute().as_uri()}#/episode/{quote(episode.id)}{at}"
            pages[f"gallery-{name}"] = address, "#view .scene img, #view .scene svg, #view .times"
    if VERDICT in names:
        pages[VERDICT] = verdict(folder).absolute().as_uri(), ".answer"
    if not pages:
        return
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, (address, awaited) in pages.items():
            tall = TALL if name != VERDICT else HEIGHT
            page = opened.new_page(viewport={"width": WIDTH, "height": tall}, color_scheme="light")
            page.goto(address)
            page.wait_for_load_state("networkidle")
            page.locator(awaited).first.wait_for(timeout=20_000)
            if shoot:
                shown = {"path": IMAGES / f"{name}.png", "animations": "disabled"}
                times = page.locator("#view .times").first
                if name != VERDICT and times.count():  # from the time line on
                    page.evaluate("scrollTo(0, 0)")  # what sticks beside the dialogue stands at its beginning
                    top = times.evaluate("one => one.getBoundingClientRect().top + scrollY") - 8
                    clip = {"x": 0, "y": max(0, top), "width": WIDTH, "height": HEIGHT}
                    shown |= {"full_page": True, "clip": clip}
                page.screenshot(**shown)
            said = page.locator("main").inner_text()
            page.close()
            words = _PASSING.sub("", said).split()
            if name == AT_OWN_PACE:
                words = sorted({word for word in words if word.isalpha()})
            yield name, sha256(" ".join(words).encode()).hexdigest()[:16]
        opened.close()


def draw(name: str, command: str, run: Path) -> None:
    """A command and what it prints, in its colours, as SVG."""
    from rich.console import Console
    from rich.text import Text

    more = f" --collab-run-dir={run} --color=yes" if command.startswith("pytest") else ""
    printed = execute(command + more)
    for path in (os.path.relpath(run, ROOT), str(run)):
        printed = printed.replace(path, ".collab/runs/example")
    printed = printed.replace(sys.prefix, ".venv")  # where it is installed is nobody's business
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(f"\x1b[1m$ {command}\x1b[0m\n{printed.rstrip()}"))
    # Fonts stay at home: a picture must not ask a server for anything.
    svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=command.split()[0]), flags=re.DOTALL)
    (IMAGES / f"gallery-{name}.svg").write_text(svg, encoding="utf-8")


def execute(command: str, folder: Path = ROOT) -> str:
    """Run `pytest ...` or `collab ...` with this Python, in the repository's root or another folder."""
    program, *arguments = command.split()
    module = {"pytest": "pytest", "collab": "pytest_collab.cli"}[program]
    done = subprocess.run(
        [sys.executable, "-m", module, *(["-p", "no:cacheprovider"] if program == "pytest" else []), *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("GITHUB")}
        | {"COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
