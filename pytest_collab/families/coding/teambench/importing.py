"""From a checkout of TeamBench to tasks: each folder that can be is written down, tried, and kept if it is sound."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import yaml

from pytest_collab.errors import CollabError, SandboxError, UsageError
from pytest_collab.families.coding.grading.grading import Grader
from pytest_collab.families.coding.params import Coding
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.teambench import shim
from pytest_collab.families.coding.teambench.checkout import Folder, folders, refusal
from pytest_collab.sandbox import Choice, Mount, SandboxSpec, choose

_CONDITIONS: Final = ("solo", "team", "brief", "no_plan", "no_verify")
_SETUP_SECONDS: Final = 120.0
_GRADING_SECONDS: Final = 300
_GENERATE: Final = """
import sys
checkout, name, workspace, reports, texts = sys.argv[1:]
sys.path.insert(0, checkout)
from generators.registry import get_generator
generator = get_generator(name)
generator.write_to_disk(generator.generate(seed=0), workspace, reports, texts, workspace + "/corpus")
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a folder: the task file, or why there is none."""

    name: str
    file: Path | None
    reason: str = ""


async def import_teambench(
    checkout: Path,
    out: Path,
    names: Sequence[str] = (),
    sandbox: str = "auto",
    progress: Callable[[str], None] = lambda _: None,
) -> list[Imported]:
    """Make a task of every folder that can be played, each in a folder of its own below `out`.

    Generators (with seed 0) and `setup.sh` run in a sandbox without network. A task is kept where its grader ran to
    its end twice, with the same word, on the untouched workspace and said no, and said no to one with every program
    emptied. Nothing is left of others.

    Args:
        names: only these folders.

    Raises:
        UsageError: it is no checkout of TeamBench, or a task's folder is in `out` already.
        SandboxError: the sandbox does not work here.
    """
    chosen = folders(checkout, names)
    for folder in chosen:
        if (out / folder.slug).exists():
            raise UsageError(f"{out / folder.slug} is there already; choose another --out, or delete it")
    choice = await choose(sandbox)
    found = []
    for number, folder in enumerate(chosen, 1):
        reason = refusal(folder)
        file = None
        if reason is None:
            progress(f"[{number}/{len(chosen)}] {folder.name}: tried")
            try:
                file = await _make(folder, out, choice)
            except CollabError as error:
                reason = " ".join(str(error).split())[:300]
        found.append(Imported(folder.name, file, reason or ""))
    return found


async def _make(folder: Folder, out: Path, choice: Choice) -> Path:
    """The task of one folder.

    Raises:
        CollabError: there cannot be one; says why.
    """
    with tempfile.TemporaryDirectory(prefix="collab-teambench-") as scratch:
        made = Path(scratch, folder.slug)
        expected = await _lay_out(folder, made, choice)
        grader = folder.text("grade.sh")
        expected = expected or folder.text(shim.EXPECTED)
        if shim.EXPECTED in grader and not expected:
            raise UsageError("its grader reads expected.json, and nothing here makes one")
        own = await anyio.to_thread.run_sync(shim.read_there, grader, made / "base")
        tests = made / "features" / folder.slug / "tests.patch"
        tests.write_text(shim.hidden(grader, expected, own), encoding="utf-8")
        data = _task(folder)
        (made / f"{folder.slug}.collab.yaml").write_text(yaml.safe_dump(data, sort_keys=False, width=110))
        await _try(Coding.model_validate(data["params"], context={"folder": made}), folder, choice)
        out.mkdir(parents=True, exist_ok=True)
        await anyio.to_thread.run_sync(shutil.copytree, made, out / folder.slug)
    return out / folder.slug / f"{folder.slug}.collab.yaml"


async def _lay_out(folder: Folder, made: Path, choice: Choice) -> str:
    """Write base, specification and brief; returns the `expected.json` that was made with them, or nothing."""
    base, reports = made / "base", made.with_name("reports")
    texts = made / "features" / folder.slug
    for place in (base, reports, texts):
        place.mkdir(parents=True)
    words: list[str | Path] = []
    if folder.generated:
        words = ["python3", "-I", "-c", _GENERATE, folder.checkout, folder.name, base, reports, texts]
    else:
        await anyio.to_thread.run_sync(partial(shutil.copytree, folder.path / "workspace", base, dirs_exist_ok=True))
        for name in ("spec.md", "brief.md"):
            (texts / name).write_text(folder.text(name), encoding="utf-8")
        if folder.text("setup.sh"):
            words = ["bash", folder.path / "setup.sh", base, reports, "collab"]
    if words:
        await _run(words, {base: "/work/base", reports: "/work/reports", texts: "/work/texts"}, folder, choice)
    (texts / "spec.md").rename(texts / "feature.md")
    if not any(base.iterdir()):
        raise UsageError("its workspace is empty")
    expected = reports / shim.EXPECTED
    return expected.read_text(encoding="utf-8") if expected.is_file() else ""


async def _run(words: Sequence[str | Path], places: Mapping[Path, str], folder: Folder, choice: Choice) -> None:
    """Run a program of the checkout, which may write to these places and to nothing else.

    Args:
        words: paths among them are those of the host.

    Raises:
        SandboxError: it fails.
    """
    mounts = (
        Mount(folder.checkout, "/work/checkout"),
        *(Mount(host, inside, True) for host, inside in places.items()),
    )
    async with choice.make(SandboxSpec(mounts=mounts, workdir="/work/base")) as box:
        inside = [box.inside(word) if isinstance(word, Path) else word for word in words]
        done = await box.run(inside, timeout=_SETUP_SECONDS)
    if not done.ok:
        what = "its generator" if folder.generated else "setup.sh"
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [str(done.killed_by or done.exit_code)]
        raise SandboxError(f"{what} fails: {last[0][:200]}")


def _task(folder: Folder) -> dict[str, Any]:
    """The content of the task file."""
    return {
        "family": "coding",
        "name": f"teambench_{folder.slug}",
        "description": f"TeamBench {folder.name}: graded by its own script, without counter-tests",
        "params": {
            "roles": "teambench",
            "base": {"folder": "base"},
            "test": "python3 -m pytest -q {tests}",
            "parser": "tap",
            "timeout_s": _GRADING_SECONDS,
            "counter_tests": 0,
            "environment": {"writable": True},
            "features": [
                {
                    "id": folder.slug,
                    "test": shim.COMMAND,
                }
            ],
        },
        "seeds": "all",
        "conditions": list(_CONDITIONS),
    }


async def _try(pool: Coding, folder: Folder, choice: Choice) -> None:
    """See that the grader says no where there is nothing to say yes to.

    Raises:
        UsageError: it does not.
    """
    pool.check()
    feature = pool.features[0]
    async with Grader(pool, sandbox=choice) as grader:
        with tempfile.TemporaryDirectory(prefix="collab-teambench-") as scratch:
            store = grader.store(Path(scratch, "store.git"))
            base = store.tree(store.base)
            runs = [await grader.run_tests(store, base, feature) for _ in range(2)]
            if any(not run.ran for run in runs):
                why = next(run.tail or run.note for run in runs if not run.ran)
                raise UsageError(f"its grader does not come to its end here: {why.strip()[-200:]}")
            if runs[0].tests != runs[1].tests:
                raise UsageError("its grader says one thing of the untouched workspace, and then another")
            if runs[0].exit_code == 0:
                raise UsageError("its grader passes the untouched workspace")
            emptied = await anyio.to_thread.run_sync(_emptied, store, base)
            if (await grader.run_tests(store, emptied, feature)).exit_code == 0:
                raise UsageError("its grader passes a workspace in which every program is empty")


def _emptied(store: Store, tree: str) -> str:
    """The tree with nothing in its Python files."""
    nothing = store.git("hash-object", "-w", "--stdin", stdin=b"").stdout.decode().strip()
    entries = {
        path: (mode, nothing if path.endswith(".py") and mode.startswith("100") else oid)
        for path, (mode, oid) in store.entries(tree).items()
    }
    return store.write(entries)
