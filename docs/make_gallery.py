"""Makes docs/images/gallery-*: one episode of each family as the report shows it, and terminal output as SVG.

    python docs/make_gallery.py              # all
    python docs/make_gallery.py maze doctor  # only these

Needs `pip install pytest-collab[gallery]` and Chromium (`--browser PATH`, default: what is on PATH). What is shown is
what the programs show: nothing is drawn by hand; only paths of the machine are shortened.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1180, 780
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*PLAYS, *TERMINAL])}; all by default")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    args = parser.parse_args()
    names = args.names or [*PLAYS, *TERMINAL]
    with tempfile.TemporaryDirectory(prefix="collab-gallery-") as folder:
        shown = {name: play(PLAYS[name], Path(folder) / name) for name in names if name in PLAYS}
        if shown:
            shoot(shown, args.browser)
        for name in names:
            if name in TERMINAL:
                draw(name, TERMINAL[name], Path(folder) / "runs" / name)
    for image in sorted(IMAGES.glob("gallery-*")):
        print(f"{image.stat().st_size / 1000:7.0f} kB  {image.relative_to(ROOT)}")


def play(what: Play, run: Path) -> tuple[RunDirectory, Episode]:
    """Play one episode by a session of its own, which writes the report."""
    command = f"pytest tasks/{what.task} --collab-teams={what.team} --collab-conditions={what.condition}"
    command += f" --collab-seeds=1 --collab-seed={what.seed} --collab-run-dir={run}"
    if what.task.startswith("coding/"):
        command += " --collab-sandbox=process"
    done = execute(command)
    directory = RunDirectory.open(run)
    episodes = directory.record().episodes()
    if not episodes:
        raise SystemExit(f"nothing was played by: {command}\n{done}")
    return directory, next((one for one in episodes if not one.success), episodes[0])


def shoot(shown: dict[str, tuple[RunDirectory, Episode]], browser: str | None) -> None:
    """A picture of each episode's page, opened at the event that proves its headline."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, (run, episode) in shown.items():
            page = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            at = f"?at={episode.headline.events[-1]}" if episode.headline and episode.headline.events else ""
            page.goto(f"{(run.path / 'report.html').absolute().as_uri()}#/episode/{quote(episode.id)}{at}")
            page.wait_for_load_state("networkidle")
            page.locator("#view svg, #view img").first.wait_for(timeout=20_000)
            page.screenshot(path=IMAGES / f"gallery-{name}.png", animations="disabled")
            page.close()
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


def execute(command: str) -> str:
    """Run `pytest ...` or `collab ...` with this Python, in the repository's root."""
    program, *arguments = command.split()
    module = {"pytest": "pytest", "collab": "pytest_collab.cli"}[program]
    done = subprocess.run(
        [sys.executable, "-m", module, *(["-p", "no:cacheprovider"] if program == "pytest" else []), *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GITHUB")}
        | {"COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
