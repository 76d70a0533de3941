"""CooperBench's pools as coding tasks, from the user's own checkout: task files that point into it.

The layout that is read (repository cooperbench/CooperBench): `dataset/<repository>_task/task<ID>/` with `Dockerfile`,
`setup.sh`, `runner.sh` and `feature<N>/{feature.md,feature.patch,tests.patch}`. Nothing of it is copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pytest_collab.errors import TaskError, UsageError

_COMMIT = re.compile(r"\bBASE_COMMIT=[\"']?([0-9a-f]{40})|git checkout (?:-q )?([0-9a-f]{40})")
_CLONE = re.compile(r"git clone (?:-\S+ )*[\"']?(https?://[^\s\"']+?)(?:\.git)?[\"']?(?:\s|$)")
_PIP = re.compile(r"^(?:uv )?pip (install|uninstall) ")
_PYTEST = re.compile(r"^(?:timeout \d+ )?(?:\S*python3? -m )?(?:uv run )?pytest (.*)$")
_PNPM = re.compile(r"^(?:npx )?pnpm(?:@\S+)? (?:run )?test (.*)$")
_CONDITIONS: Final = ("solo", "team")


@dataclass(frozen=True, slots=True)
class CooperPool:
    """One pool of a checkout.

    Attributes:
        name: `click/2068`.
        slug: `click2068`, what its task is called.
        repository: where upstream's repository is.
        features: numbers of its features, ascending.
    """

    name: str
    slug: str
    group: str
    folder: Path
    repository: str
    commit: str
    features: tuple[int, ...]

    @property
    def upstream(self) -> tuple[str, str]:
        """Owner and name of the repository."""
        owner, _, name = self.repository.removeprefix("https://github.com/").partition("/")
        return owner, name.rstrip("/")


def read_dataset(dataset: Path) -> list[CooperPool]:
    """All pools of a checkout (of its root, or of its `dataset` folder), in order.

    Raises:
        UsageError: there is no dataset, or a pool lacks its base commit.
    """
    root = dataset / "dataset" if (dataset / "dataset").is_dir() else dataset
    folders = sorted(root.glob("*_task/task*/"))
    if not folders:
        raise UsageError(f"{dataset} holds no CooperBench dataset (no *_task/task* folder); give its checkout")
    return [_read_pool(folder) for folder in folders]


def _read_pool(folder: Path) -> CooperPool:
    text = "\n".join(
        (folder / name).read_text(errors="replace")
        for name in ("Dockerfile", "setup.sh", "runner.sh")
        if (folder / name).is_file()
    )
    commit, clone = _COMMIT.search(text), _CLONE.search(text)
    if commit is None:
        raise UsageError(f"{folder} names no base commit in its Dockerfile or setup.sh; is the checkout complete?")
    number = folder.name.removeprefix("task")
    group = folder.parent.name
    short = group.removesuffix("_task").replace("pallets_", "").replace("samuelcolvin_", "").replace("_", "-")
    features = sorted(
        int(part.name.removeprefix("feature"))
        for part in folder.glob("feature[0-9]*")
        if part.name.removeprefix("feature").isdigit()
    )
    return CooperPool(
        f"{short}/{number}",
        f"{short}{number}",
        group,
        folder,
        clone[1] if clone else "",
        commit[1] or commit[2],
        tuple(features),
    )


def select(pools: Sequence[CooperPool], names: Iterable[str]) -> list[CooperPool]:
    """The pools that are named: `click/2068`, `click2068`, `pallets_click_task/task2068`, or `click` for all of it.

    Raises:
        UsageError: one is unknown; suggests the nearest.
    """
    chosen: dict[str, CooperPool] = {}
    for name in names:
        found = [
            pool
            for pool in pools
            if name in (pool.name, pool.slug, pool.name.partition("/")[0], f"{pool.group}/{pool.folder.name}")
        ]
        if not found:
            close = get_close_matches(name, [pool.name for pool in pools], n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(p.name for p in pools)}"
            raise UsageError(f"the dataset has no pool {name!r}; {hint}")
        chosen.update((pool.name, pool) for pool in found)
    return list(chosen.values())


def find_mirror(pool: CooperPool, repos: Path | None) -> str:
    """Where the pool's repository is: a clone or mirror below `repos`, or upstream's address where there is none."""
    owner, name = pool.upstream
    if repos is not None:
        for place in (
            *(
                f"{name}.git",
                name,
                f"{owner}/{name}.git",
                f"{owner}/{name}",
                f"{owner}__{name}",
                f"{owner}+{name}/repo",
            ),
            *(f"{owner}_{name}", f"{owner}-{name}", f"{owner}+{name}", f"{owner}__{name}.git"),
        ):
            path = repos / place
            if (path / "objects").is_dir() or (path / ".git").exists():
                return str(path.resolve())
    if not pool.repository:
        raise UsageError(
            f"pool {pool.name} names no repository; give --repos with a mirror called {name or '...'}.git"
        )
    return pool.repository


def task_of(pool: CooperPool, repos: Path | None) -> dict[str, Any]:
    """The content of a task file.

    Raises:
        TaskError: its way of running tests is not known here.
    """
    features = [
        {
            "id": f"f{number}",
            "description": str(pool.folder.resolve() / f"feature{number}" / "feature.md"),
            "tests": str(pool.folder.resolve() / f"feature{number}" / "tests.patch"),
            "reference": str(pool.folder.resolve() / f"feature{number}" / "feature.patch"),
        }
        for number in pool.features
    ]
    dockerfile = pool.folder.resolve() / "Dockerfile"
    return {
        "family": "coding",
        "name": pool.slug,
        "description": f"CooperBench {pool.group}/{pool.folder.name}",
        "params": {
            "base": {"repository": find_mirror(pool, repos), "commit": pool.commit},
            **_how(pool),
            "regression": "touched",
            "timeout_s": 300,
            "environment": {
                **({"dockerfile": str(dockerfile)} if dockerfile.is_file() else {}),
                "setup_timeout_s": 1800,
                "memory_mb": 4096,
                "pids": 1024,
                "writable": True,  # upstream's tests touch files beside them
            },
            "features": features,
        },
        "seeds": 1,
        "conditions": list(_CONDITIONS),
    }


def _how(pool: CooperPool) -> dict[str, Any]:
    """Language, setup, test command and parser, as the pool's own scripts have them."""
    lines = [line.strip() for line in _commands(pool)]
    if pytests := [match[1] for line in lines if (match := _PYTEST.match(line))]:
        files = [word.strip("\"'") for line in pytests for word in line.split() if not word.startswith("-")]
        files = list(dict.fromkeys(word for word in files if "/" in word and word[0] not in "/.>|&"))
        named = " ".join(files) if files and not any("$" in word for word in files) else "{tests}"
        return {
            "language": "python",
            "setup": _pip(lines),
            "test": f"python -m pytest -q -p no:cacheprovider {named} --junitxml={{report}}",
            "parser": "junit",
        }
    if any(re.search(r"\bgo test\b", line) and "cargo" not in line for line in lines):
        return {
            "language": "go",
            "setup": ["go mod download"],
            "test": "go test -json ./...",
            "parser": "go",
        }
    if pnpm := [match[1] for line in lines if (match := _PNPM.match(line))]:
        files = [word.strip("\"'") for word in pnpm[-1].split() if word[:1] in "\"'" or word.startswith("src")]
        return {
            "language": "typescript",
            "setup": ["npx --yes pnpm@8 install --frozen-lockfile || npx --yes pnpm@8 install"],
            "test": "npx --no-install jest --config ./scripts/jest/jest.config.js --json --outputFile={report} "
            + " ".join(files),
            "parser": "jest",
        }
    raise TaskError(
        f"pool {pool.name} runs its tests in a way that is not known here",
        remedy="Write a task file by hand: docs/families/coding-merge-and-grading.md shows the keys.",
        file=pool.folder / "runner.sh",
    )


def _commands(pool: CooperPool) -> list[str]:
    path = pool.folder / "runner.sh"
    text = path.read_text(errors="replace") if path.is_file() else ""
    return re.sub(r"\\\n", " ", text).splitlines()


def _pip(lines: Sequence[str]) -> list[str]:
    """The pip commands of a runner script, made to act on the environment's own interpreter."""
    found = []
    for line in lines:
        line = line.partition(" 2>")[0].partition(" #")[0].strip()
        if not _PIP.match(line) or "--upgrade pip" in line:
            continue
        line = re.sub(r"(?<!uv )\bpip uninstall (?!-y)", "pip uninstall -y ", line.replace(" --system", ""))
        found.append(re.sub(r"(?<!uv )\bpip (install|uninstall) ", r"python -m pip \1 -q ", line))
    if any("uv pip" in line for line in found):
        found.insert(0, "python -m pip install -q uv")
    return found or ["python -m pip install -q -e ."]


def write_tasks(
    dataset: Path, repos: Path | None, out: Path, names: Sequence[str] = ()
) -> tuple[list[Path], dict[str, str]]:
    """Write one task file per pool.

    Returns:
        The files, and pool to why it has none.

    Raises:
        UsageError: no dataset, an unknown pool, or `out` cannot be written.
    """
    import yaml

    pools = read_dataset(dataset)
    chosen = select(pools, names) if names else pools
    written: list[Path] = []
    refused: dict[str, str] = {}
    for pool in chosen:
        try:
            content = task_of(pool, repos)
        except (TaskError, UsageError) as error:
            refused[pool.name] = str(error)
            continue
        path = out / f"{pool.slug}.collab.yaml"
        try:
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content, sort_keys=False, width=110))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}; choose another --out") from None
        written.append(path)
    return written, refused
