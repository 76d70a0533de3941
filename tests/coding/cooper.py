"""A dataset in CooperBench's layout, as small as one can be, with a mirror of the repository it is set in."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.coding.conftest import added, appended

CALC = '"""Arithmetic."""\n\n\ndef add(a, b):\n    return a + b\n'
WORDS = '"""Words."""\n\n\ndef greet(who):\n    return "hello " + who\n'
BASE = {
    "calc.py": CALC,
    "words.py": WORDS,
    "tests/test_calc.py": "import calc\n\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    ".gitignore": "__pycache__/\n",
}
FEATURES = {
    1: ("calc.py", CALC, "def double(a):\n    return 2 * a\n", "import calc", "assert calc.double(4) == 8"),
    2: ("calc.py", CALC, "def triple(a):\n    return 3 * a\n", "import calc", "assert calc.triple(4) == 12"),
    3: (
        "words.py",
        WORDS,
        "def loud(who):\n    return who.upper()\n",
        "import words",
        "assert words.loud('a') == 'A'",
    ),
}
"""1 and 2 append to one file and conflict; 3 is far from both."""
RUNNER = """#!/bin/bash
set -e
TEST_PATH="tests/test_feature.py"
cd /workspace/repo
git apply "/patches/$1"
timeout 300 python -m pytest "$TEST_PATH" -v
"""


@dataclass(frozen=True)
class Fake:
    """Attributes: checkout: what `--dataset` takes; mirrors: what `--repos` takes; pool: the pool's folder."""

    checkout: Path
    mirrors: Path
    pool: Path


def build(root: Path, runner: str = RUNNER) -> Fake:
    """Write the dataset and its mirror below `root`."""
    commit = _mirror(root)
    pool = root / "checkout" / "dataset" / "tiny_calc_task" / "task7"
    files = {
        # No Dockerfile: a pool that installs nothing and has an image would be played in it.
        "setup.sh": f'#!/bin/bash\nBASE_COMMIT="{commit}"\ngit clone https://github.com/tiny/calc.git repo\n',
        "runner.sh": runner,
    }
    for number, (path, text, code, needs, check) in FEATURES.items():
        files[f"feature{number}/feature.md"] = f"Add `{code.split('(')[0].removeprefix('def ')}` to {path}.\n"
        files[f"feature{number}/feature.patch"] = appended(text, code, path)
        files[f"feature{number}/tests.patch"] = added(
            "tests/test_feature.py", f"{needs}\n\n\ndef test_feature{number}():\n    {check}\n"
        )
    for name, text in files.items():
        (pool / name).parent.mkdir(parents=True, exist_ok=True)
        (pool / name).write_text(text)
    subsets = pool.parent.parent / "subsets"
    subsets.mkdir()
    chosen = [{"repo": "tiny_calc_task", "task_id": 7, "pairs": [[3, 1]]}]
    (subsets / "flash.json").write_text(json.dumps({"name": "flash", "tasks": chosen}))
    return Fake(root / "checkout", root / "mirrors", pool)


def _mirror(root: Path) -> str:
    work = root / "work"
    for name, text in BASE.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    who = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "base"]):
        subprocess.run(["git", *who, *words], cwd=work, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=work, check=True, capture_output=True, text=True)
    (root / "mirrors").mkdir()
    subprocess.run(["git", "clone", "-q", "--bare", work, root / "mirrors" / "calc.git"], check=True)
    return commit.stdout.strip()
