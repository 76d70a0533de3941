"""Which command lines run something, and which only look."""

from __future__ import annotations

import pytest

from pytest_collab.families.coding.evidence.commands import runs_code


@pytest.mark.parametrize(
    "command",
    [
        "git diff | head -n 40 && cat calc.py",
        "cd /scratch; ls -la; grep -rn double . | sort",
        "cp -r . /tmp/x",
        "grep -E 'a|python;c' x.py",
        "ls 2>&1 | tee log.txt",
        "cat x &> make",
        "cat a # then python x\nls",
        "find . -name '*.py' -exec cat {} +",
        "ls *.py | xargs grep foo",
        "if test -f a; then cat a; fi",
        "for f in a b; do cat $f; done",
        "diff <(git show HEAD:a.py) a.py",
        "cat > notes.md <<'END'\npython would show it\nEND\nls",
        "echo 'unclosed",
        "# nothing",
        "",
    ],
)
def test_what_only_looks(command: str) -> None:
    assert not runs_code(command)


@pytest.mark.parametrize(
    "command",
    [
        "cd /scratch && python -m pytest -q",
        "PYTHONPATH=. python3 -c 'import calc'",
        "go test ./...",
        "cat calc.py; ./check.sh",
        "for f in a b; do sh $f; done",
        "python3 - <<'E'\nimport calc\nE",
        "cat > t.py <<E\nimport calc\nE\npython t.py",
        "timeout 5s go test ./...",
        "time timeout -k 5 60 pytest",
        "cat a.py | python3",
        "(cd a && make)",
        "find . -name '*.py' -exec python {} \\;",
        "ls *.py | xargs -n 1 python",
        "diff <(python a.py) expected",
        "bash -lc 'pytest -q'",
    ],
)
def test_what_runs_something(command: str) -> None:
    assert runs_code(command)
