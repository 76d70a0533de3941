"""What stands between TeamBench's graders and ours: `grade.sh` is run as its harness does, and its word is one test.

Code under test runs below `grade.sh`, so nothing that it prints is read: only the `score.json` that the grader has
written when it is at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = ".teambench"
"""Where the grader lies in a graded tree; no seat's tree has it."""

COMMAND: Final = f"sh {FOLDER}/run.sh"
EXPECTED: Final = "expected.json"

RUN: Final = r"""here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
mkdir "$place/reports" "$place/submission"
printf '{"verdict": "pass", "notes": "attested outside"}' > "$place/submission/attestation.json"
set -- "$PWD" "$place/reports" "$place/submission" "$here"
if [ -f "$here/expected.json" ]; then
  cp "$here/expected.json" "$place/reports/expected.json"
  set -- "$@" "$place/reports/expected.json"
fi
bash "$here/grade.sh" "$@" < /dev/null > /dev/null 2>&1
exec python3 -I "$here/score.py" "$place/reports/score.json"
"""

SCORE: Final = '''"""Says in TAP what score.json says."""

import json
import sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        score = json.load(file)
    passed = score["pass"]
    assert isinstance(passed, bool)
except Exception as error:
    print(f"Bail out! grade.sh left no readable score.json: {error!r}")
    sys.exit(2)
modes = ", ".join(map(str, score.get("failure_modes") or []))
print("1..1")
print("ok 1 - grade.sh" if passed else "not ok 1 - grade.sh")
if not passed:
    print(f"# failure modes: {modes[:500]}")
sys.exit(0 if passed else 1)
'''


def hidden(grader: str, expected: str, own: Mapping[str, str]) -> str:
    """The patch that puts the grader into a tree.

    Args:
        expected: content of `expected.json`; empty for none.
        own: files of the task's own folder that the grader reads there, by path.
    """
    files = {"grade.sh": grader, "run.sh": RUN, "score.py": SCORE, **own}
    if expected:
        files[EXPECTED] = expected
    return "".join(_added(f"{FOLDER}/{path}", text) for path, text in files.items() if text)


def read_there(grader: str, workspace: Path) -> dict[str, str]:
    """The files of the untouched workspace, where a grader compares with them in the task's folder."""
    if "TASK_DIR/workspace" not in grader and "TASK_DIR}/workspace" not in grader:
        return {}
    return {
        f"workspace/{path.relative_to(workspace).as_posix()}": path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _added(path: str, text: str) -> str:
    lines = text.removesuffix("\n").split("\n")
    end = "" if text.endswith("\n") else "\\ No newline at end of file\n"
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines) + end
