"""What of a graded tree is the team's, and what is the pool's; in other languages than Python, too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.families.coding.pool.manifest import joined
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.compose import Composer, expand, is_protected
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.seed import seed_of
from pytest_collab.families.coding.repository.work import collect_work
from tests.coding.conftest import added, write


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
        ("typescript", ".yarnrc.yml", True),
        ("javascript", ".yarn/releases/yarn.cjs", True),
        ("javascript", ".pnpmfile.cjs", True),
        ("javascript", ".taprc", True),
        ("python", "Makefile", True),
        ("go", "tools/makefile.go", False),
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


_CARGO = b'[package]\nname = "calc"\nversion = "1.0.0"\n\n[dependencies]\nkept = {path = "kept"}\nserde = "1"\n'


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ('log = "0.4"\n', True),
        ('\n[dev-dependencies]\nlog = "0.4"\n', True),
        ("\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n", True),
        ('evil = {path = "evil"}\n', False),
        ('evil = {git = "file:///evil"}\n', False),
        ('\n[dev-dependencies]\nevil = {path = "evil"}\n', False),
        ('\n[dev_dependencies]\nevil = {path = "evil"}\n', False),
        ("\n[target.'cfg(all())'.dependencies]\nevil = {path = \"evil\"}\n", False),
        ('\n[build-dependencies]\ncc = "1"\n', False),
    ],
)
def test_no_crate_of_the_teams_runs_a_build_script(more: str, counts: bool) -> None:
    team = _CARGO + more.encode()
    assert joined("Cargo.toml", _CARGO, team) == (team if counts else _CARGO)


def _composed(
    root: Path, cache: Path, team: dict[str, str], base: dict[str, str], hidden: str
) -> tuple[Any, list[str]]:
    """What a graded tree holds, and what is run in it."""
    write(root / "base", base)
    write(root, {"features/x/feature.md": "x\n", "features/x/tests.patch": hidden})
    values = {"base": {"folder": "base"}, "test": "python -m pytest {tests} {report}", "features": [{"id": "x"}]}
    pool = Pool.model_validate(values, context={"folder": root})
    seed = seed_of(pool, cache)
    store = Store.create(root / "store", seed.path, seed.commit)
    shutil.copytree(seed.checkout, root / "seat", symlinks=True)
    tree = collect_work(write(root / "seat", team), store).tree
    composer = Composer(store, pool)
    entries = composer.compose(store, tree, pool.feature("x"))
    content = {path: store.blob(oid).decode() for path, (_, oid) in entries.items()}
    return content, composer.words(entries, pool.feature("x"))


def test_hidden_tests_are_the_pools_and_are_run_whatever_their_file_is_called(tmp_path: Path, cache: Path) -> None:
    base = {"tests.py": "def test_old():\n    assert old\n\n\n# the end\n", "calc.py": ""}
    hidden = (
        "--- a/tests.py\n+++ b/tests.py\n@@ -1,5 +1,9 @@\n def test_old():\n     assert old\n \n \n"
        "+def test_new():\n+    assert new\n+\n+\n # the end\n"
    )
    team = {"tests.py": base["tests.py"].replace("assert old", "pass"), "calc.py": "new = 1\n"}
    content, words = _composed(tmp_path, cache, team, base, hidden)
    assert "assert old" in content["tests.py"]
    assert "assert new" in content["tests.py"]
    assert content["calc.py"] == "new = 1\n"
    assert words == ["tests.py"]


def test_metadata_and_compiled_code_of_a_tree_are_left_out(tmp_path: Path, cache: Path) -> None:
    team = {
        "evil.egg-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "src/evil-1.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "evil.egg-link": "/",
        "evil.pth": "import evil\n",
        "pkg/__pycache__/helper.cpython-311.pyc": "x",
        "helper.pyc": "x",
        "helper.cpython-311-x86_64-linux-gnu.so": "x",
        "evil.py": "kept = True\n",
    }
    hidden = added("tests/test_x.py", "def test_x():\n    assert 1\n")
    content, _ = _composed(tmp_path, cache, team, {"calc.py": "", "good.egg-info/PKG-INFO": "Name: good\n"}, hidden)
    assert set(content) == {"calc.py", "evil.py", "tests/test_x.py"} | {"good.egg-info/PKG-INFO"}
