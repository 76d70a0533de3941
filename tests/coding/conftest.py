"""A pool as small as one can be, in real files."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.seed import Seed, seed_of

CODE = '''\
"""Arithmetic."""


def add(a, b):
    return a + b


def subtract(a, b):
    return a - b
'''
FEATURES = {
    "double": ("def double(a):\n    return add(a, a)\n", "assert calc.double(4) == 8"),
    "triple": ("def triple(a):\n    return 3 * a\n", "assert calc.triple(4) == 12"),
    "negate": ("", "assert calc.subtract(1, 3) == -2"),
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def added(path: str, text: str) -> str:
    """A patch that adds a file."""
    lines = text.splitlines()
    body = "".join(f"+{line}\n" for line in lines)
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1,{len(lines)} @@\n{body}"
    )


def appended(text: str, addition: str, path: str) -> str:
    """A patch that appends to a file."""
    lines, more = text.splitlines(), ["", "", *addition.splitlines()]
    context = lines[-3:]
    first = len(lines) - 2
    body = "".join(f" {line}\n" for line in context) + "".join(f"+{line}\n" for line in more)
    return (
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{first},3 +{first},{3 + len(more)} @@\n{body}"
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Two features that conflict (both append to one file), and a vacuous one."""
    root = tmp_path_factory.mktemp("pool")
    write(
        root / "base",
        {
            "calc.py": CODE,
            "tests/test_calc.py": "import calc\n\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n",
            "tests/conftest.py": "",
            "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n',
            ".gitignore": "__pycache__/\n*.log\n",
        },
    )
    for name, (code, check) in FEATURES.items():
        files = {
            f"features/{name}/feature.md": f"Add {name}.\n",
            f"features/{name}/tests.patch": added(
                f"tests/test_{name}.py", f"import calc\n\n\ndef test_{name}():\n    {check}\n"
            ),
        }
        if code:
            files[f"features/{name}/feature.patch"] = appended(CODE, code, "calc.py")
        write(root, files)
    made = Pool.model_validate(
        {
            "base": {"folder": "base"},
            "test": "python -m pytest -q -p no:cacheprovider {tests} --junitxml={report}",
            "timeout_s": 30,
            "features": [{"id": name} for name in FEATURES],
        },
        context={"folder": root},
    )
    made.check()
    return made


@pytest.fixture
def seed(pool: Pool, cache: Path) -> Seed:
    return seed_of(pool, cache)


@pytest.fixture
def store(seed: Seed, tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store.git", seed.path, seed.commit)


@pytest.fixture
def agent(seed: Seed, tmp_path: Path) -> Path:
    """A seat's working tree."""
    subprocess.run(["cp", "-a", seed.checkout, tmp_path / "agent"], check=True)
    return tmp_path / "agent"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["bubblewrap"])
async def grader(pool: Pool, cache: Path, request: pytest.FixtureRequest) -> AsyncIterator[Grader]:
    async with Grader(pool, cache=cache, sandbox=request.param) as opened:
        yield opened


Solved = Callable[[dict[str, str]], str]


@pytest.fixture
def solved(store: Store, agent: Path) -> Callable[[dict[str, str]], str]:
    """The tree of a seat that wrote these files over the base."""
    from pytest_collab.families.coding.repository.work import collect_work

    def make(files: dict[str, str]) -> str:
        write(agent, files)
        return collect_work(agent, store).tree

    return make
