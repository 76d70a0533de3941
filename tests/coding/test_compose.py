"""What of a graded tree is the team's, and what is the pool's; in other languages than Python, too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.families.coding.compose import expand, is_protected
from pytest_collab.families.coding.grading import Grader
from pytest_collab.families.coding.pool import Pool
from tests.coding.conftest import added, write

pytestmark = pytest.mark.anyio


def made(root: Path, language: str, test: str, parser: str, base: dict[str, str], hidden: str, **more: Any) -> Pool:
    write(root / "base", base)
    write(root, {"features/double/feature.md": "Double.\n", "features/double/tests.patch": hidden})
    return Pool.model_validate(
        {
            "base": {"folder": "base"},
            "language": language,
            "test": test,
            "parser": parser,
            "timeout_s": 100,
            "features": [{"id": "double"}],
            **more,
        },
        context={"folder": root},
    )


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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js 20 or newer: apt-get install nodejs")
async def test_node_is_not_fooled_by_leaving_early_planted_tests_or_scripts(tmp_path: Path, cache: Path) -> None:
    check = "import test from 'node:test';\nimport assert from 'node:assert';\nimport {double} from '../calc.mjs';\n"
    check += "test('doubles', () => assert.equal(double(4), 8));\n"
    report = "node --test --test-reporter=junit --test-reporter-destination={report} {tests}"
    base = {
        "calc.mjs": "export const add = (a, b) => a + b;\n",
        "test/add.test.mjs": "import test from 'node:test';\nimport '../calc.mjs';\ntest('adds', () => {});\n",
        "package.json": '{"name": "calc", "type": "module"}\n',
    }
    pool = made(tmp_path / "pool", "javascript", report, "junit", base, added("test/double.test.mjs", check))
    good = base["calc.mjs"] + "export const double = (a) => add(a, a);\n"
    write(
        tmp_path / "pool",
        {
            "features/double/feature.patch": "--- a/calc.mjs\n+++ b/calc.mjs\n@@ -1 +1,2 @@\n"
            f" {base['calc.mjs']}+export const double = (a) => add(a, a);\n"
        },
    )
    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")
        from pytest_collab.families.coding.work import collect_work

        async def grade(name: str, files: dict[str, str]) -> bool:
            shutil.copytree(grader.seed.checkout, tmp_path / name, symlinks=True)
            tree = collect_work(write(tmp_path / name, files), store).tree
            return (await grader.grade(store, tree, "double")).passed

        assert await grade("good", {"calc.mjs": good, "test/mine.test.mjs": "throw 1;\n"})
        leaving = "export const add = 1, double = 1;\nprocess.exit(0);\n"
        assert not await grade("leaving", {"calc.mjs": leaving})
        planted = "import test from 'node:test';\ntest('doubles', () => {});\n"
        assert not await grade("planted", {"test/double.test.mjs": planted, "test/other.test.mjs": planted})


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go: apt-get install golang-go")
async def test_go_is_not_fooled_by_leaving_early_or_a_main_for_tests(tmp_path: Path, cache: Path) -> None:
    head = 'package calc\n\nimport "testing"\n\n'
    check = head + "func TestDouble(t *testing.T) {\n\tif Double(4) != 8 {\n\t\tt.Fatal(1)\n\t}\n}\n"
    base = {
        "go.mod": "module example.org/calc\n\ngo 1.19\n",
        "calc.go": "package calc\n\nfunc Add(a, b int) int { return a + b }\n",
        "calc_test.go": head + "func TestAdd(t *testing.T) {\n\tAdd(1, 2)\n}\n",
    }
    pool = made(tmp_path / "pool", "go", "go test -json {tests}", "go", base, added("double_test.go", check))
    more = "func Double(a int) int { return 2 * a }\n"
    write(
        tmp_path / "pool",
        {
            "features/double/feature.patch": "--- a/calc.go\n+++ b/calc.go\n@@ -1,3 +1,4 @@\n package calc\n \n"
            f" func Add(a, b int) int {{ return a + b }}\n+{more}"
        },
    )
    from pytest_collab.families.coding.work import collect_work

    async with Grader(pool, cache=cache, sandbox="bubblewrap") as grader:
        store = grader.store(tmp_path / "store.git")

        async def grade(name: str, files: dict[str, str]) -> bool:
            shutil.copytree(grader.seed.checkout, tmp_path / name, symlinks=True)
            tree = collect_work(write(tmp_path / name, files), store).tree
            return (await grader.grade(store, tree, "double")).passed

        main = 'package calc\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n'
        assert await grade("good", {"calc.go": base["calc.go"] + more, "main_test.go": main})
        wrong = 'package calc\n\nimport "os"\n\nfunc init() { os.Exit(0) }\nfunc Add(a, b int) int { return 0 }\n'
        assert not await grade("leaving", {"calc.go": wrong + more})
