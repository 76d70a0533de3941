"""What stands between TeamBench's graders and ours: `grade.sh` is run as its harness does, and its word is one test.

Code under test runs below `grade.sh` with the rights that it has, so nothing that it prints is read: only the
`score.json` that the grader has written, once, when nothing that it started is there any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = ".teambench"
"""Where the grader lies in a graded tree; no seat's tree has it."""

COMMAND: Final = f"python3 -I {FOLDER}/run.py"
EXPECTED: Final = "expected.json"
RESTORED: Final = "restored"
"""Below the folder: files of the workspace that are put back before the grader runs."""

DELEGATED: Final = "check_solution.py"
"""What some graders run in the workspace, where whoever builds could have changed it."""

RUN: Final = (Path(__file__).parent / "grader.py").read_text(encoding="utf-8")
"""The program that runs it; it is called in the sandbox, by whichever Python 3 is there."""


def hidden(grader: str, expected: str, own: Mapping[str, str]) -> str:
    """The patch that puts the grader into a tree.

    Args:
        expected: content of `expected.json`; empty for none.
        own: files of the task's own folder that the grader reads there, by path.
    """
    files = {"grade.sh": grader, "run.py": RUN, **own}
    if expected:
        files[EXPECTED] = expected
    return "".join(_added(f"{FOLDER}/{path}", text) for path, text in files.items() if text)


def read_there(grader: str, workspace: Path) -> dict[str, str]:
    """What a grader needs of the untouched workspace: what it compares with in the task's folder, what it runs."""
    check = workspace / DELEGATED
    put_back = {f"{RESTORED}/{DELEGATED}": check.read_text(encoding="utf-8")} if check.is_file() else {}
    put_back = put_back if DELEGATED in grader else {}
    if "TASK_DIR/workspace" not in grader and "TASK_DIR}/workspace" not in grader:
        return put_back
    return put_back | {
        f"workspace/{path.relative_to(workspace).as_posix()}": path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _added(path: str, text: str) -> str:
    lines = text.removesuffix("\n").split("\n")
    end = "" if text.endswith("\n") else "\\ No newline at end of file\n"
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines) + end
