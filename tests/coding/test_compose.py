"""What of a graded tree is the team's, and what is the pool's; in other languages than Python, too."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.compose import expand, is_protected


@pytest.mark.parametrize(
    ("language", "path", "protected"),
    [
        ("python", "sift/parser.py", False),
        ("python", "sift/testing.py", False),
        ("python", "sift/pytester.py", False),
        ("python", "tests/helpers.py", True),
        ("python", "src/a/tests/data.json", True),
        ("python", "tests", True),
        ("python", "a/conftest.py", True),
        ("python", "pyproject.toml", True),
        ("python", "pytest/__init__.py", True),
        ("python", "sitecustomize.py", True),
        ("python", "x.pth", True),
        ("typescript", "src/router.ts", False),
        ("typescript", "src/router.test.ts", True),
        ("typescript", "vitest.config.ts", True),
        ("typescript", "tools/run.mjs", True),
        ("typescript", "package.json", False),
        ("go", "cache.go", False),
        ("go", "cache_test.go", True),
        ("go", "vendor/x/x.go", True),
        ("go", "go.mod", False),
        ("rust", "src/lib.rs", False),
        ("rust", "tests/table.rs", True),
        ("rust", ".cargo/config.toml", True),
        ("rust", "Cargo.toml", False),
    ],
)
def test_the_pool_keeps_what_decides_how_tests_run(language: Any, path: str, protected: bool, pool: Pool) -> None:
    other = pool.model_copy(update={"language": language, "test": "node --import ./tools/run.mjs {tests} {report}"})
    assert is_protected(path, other) is protected


def test_a_task_can_protect_more(pool: Pool) -> None:
    assert is_protected("data/golden.txt", pool.model_copy(update={"protected": ("data/*",)}))
    assert not is_protected("data/golden.txt", pool)


@pytest.mark.parametrize(
    ("language", "hidden", "words"),
    [
        ("python", ["tests/test_a.py", "tests/data.json"], ["tests/test_a.py", "b/test_v.py"]),
        ("go", ["a/x_test.go", "a/y_test.go", "z_test.go"], ["./a", "."]),
        ("rust", ["tests/wrap.rs", "src/lib.rs"], ["--lib", "--test", "wrap"]),
    ],
)
def test_what_is_run_follows_the_language(language: Any, hidden: list[str], words: list[str], pool: Pool) -> None:
    other = pool.model_copy(update={"language": language})
    assert expand(other, other.features[0], hidden, ["b/test_v.py"]) == words
