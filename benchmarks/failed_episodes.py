"""What a failed episode costs the process that reports it, beside one that succeeds. Prints milliseconds of CPU.

    python benchmarks/failed_episodes.py [--seeds 200]

Both sessions play the same mazes with a built-in player; the difference is what reporting failures adds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TASK = "family: maze\nparams: {size: 6, walls: 0.30, path: [7, 9]}\nseeds: %d\nconditions: [team]\n"


def seconds(folder: Path, agent: str) -> float:
    """CPU seconds of a whole session."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", f"--agents={agent}", "-r", "N"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mazes.collab.yaml").write_text(TASK % seeds)
        seconds(folder, "nop")  # makes the mazes
        good, bad = seconds(folder, "oracle"), seconds(folder, "nop")
    print(f"{seeds} successes {good:.1f} s of CPU, {seeds} failures {bad:.1f} s")
    print(f"a failure costs {(bad - good) / seeds * 1000:+.1f} ms more than a success")


if __name__ == "__main__":
    main()
