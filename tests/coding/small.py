"""A pool of three features that plays in a fraction of a second: scripts as tests, a shell script as runner."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pytest_collab.families.coding import Coding

CALC = '''"""Arithmetic."""


def add(a, b):
    return a + b


def name():
    return "calc"
'''
WORDS = '''"""Words."""


def greet(who):
    return "hello " + who
'''
CHECK = """i=0
for file in "$@"; do
  i=$((i+1))
  if PYTHONPATH=. python3 -S "$file"; then echo "ok $i - $file"; else echo "not ok $i - $file"; fi
done
echo "1..$i"
"""
BASE = {
    "calc.py": CALC,
    "words.py": WORDS,
    "check.sh": CHECK,
    "tests/test_base.py": "import calc\nassert calc.add(1, 2) == 3\n",
    ".gitignore": "__pycache__/\n",
}
DOUBLE = CALC.replace('return "calc"', 'return "calc, doubles"') + "\n\ndef double(a):\n    return add(a, a)\n"
TRIPLE = CALC.replace('return "calc"', 'return "calc, triples"') + "\n\ndef triple(a):\n    return 3 * a\n"
BOTH = (
    CALC.replace('return "calc"', 'return "calc, doubles, triples"')
    + "\n\ndef double(a):\n    return add(a, a)\n\n\ndef triple(a):\n    return 3 * a\n"
)
SHOUT = WORDS.replace('"hello " + who', '("hello " + who).upper()')
FEATURES = {
    "double": ({"calc.py": DOUBLE}, "import calc\nassert calc.double(4) == 8\nassert 'doubles' in calc.name()\n"),
    "triple": ({"calc.py": TRIPLE}, "import calc\nassert calc.triple(4) == 12\nassert 'triples' in calc.name()\n"),
    "shout": ({"words.py": SHOUT}, "import words\nassert words.greet('you') == 'HELLO YOU'\n"),
}
"""`double` and `triple` rewrite the same line and add at the same place; `shout` is far from both."""

CONFLICTING, CLEAN = 0, 1
"""Seeds: double with triple, double with shout."""


def patch(after: dict[str, str]) -> str:
    """What changes the base to have these files."""
    parts = []
    for path, text in after.items():
        before = BASE.get(path)
        old = f"a/{path}" if before is not None else "/dev/null"
        new_file = "" if before is not None else "new file mode 100644\n"
        parts.append(f"diff --git a/{path} b/{path}\n{new_file}")
        lines = (before or "").splitlines(keepends=True), text.splitlines(keepends=True)
        parts += difflib.unified_diff(*lines, old, f"b/{path}")
    return "".join(parts)


def lay_out(root: Path, *, combined: bool = True) -> Path:
    """Write base, features and the combined patch."""
    files = {f"base/{name}": text for name, text in BASE.items()}
    for name, (after, tests) in FEATURES.items():
        files[f"features/{name}/feature.md"] = f"Add `{name}`.\n"
        files[f"features/{name}/feature.patch"] = patch(after)
        files[f"features/{name}/tests.patch"] = patch({f"tests/test_{name}.py": tests})
    if combined:
        files["combined.patch"] = patch({"calc.py": BOTH, "words.py": SHOUT})
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def params(root: Path, **more: Any) -> Coding:
    """The task's params, its paths relative to `root`."""
    values = {
        "base": {"folder": "base"},
        "test": "sh check.sh {tests}",
        "parser": "tap",
        "timeout_s": 30,
        "features": [{"id": name} for name in FEATURES],
        **more,
    }
    return Coding.model_validate(values, context={"folder": root})
