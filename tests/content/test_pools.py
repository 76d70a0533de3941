"""The coding pools are sound: hidden tests fail on the base, pass on their reference, and pass on all together.

Run as a script to see what the mechanical merge of references gives for every pair:

    python tests/content/test_pools.py [POOL...]
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "tasks" / "coding"
POOLS = sorted(TASKS.glob("*/*.collab.yaml"))

#: What has to be there for each language, and how to get it.
TOOLCHAINS = {
    "python": ((sys.executable,), "install Python"),
    "typescript": (("node", "npm"), "apt-get install nodejs npm"),
    "go": (("go",), "apt-get install golang-go"),
    "rust": (("cargo",), "curl -sSf https://sh.rustup.rs | sh"),
}
_VISIBLE = re.compile(r"(^|/)test_\w+\.py$|_test\.go$|\.test\.ts$|^tests/\w+\.rs$")
_GIT = ("git", "-c", "user.name=pool", "-c", "user.email=pool@localhost", "-c", "core.autocrlf=false")


@dataclass(frozen=True)
class Run:
    """How one run of a pool's tests ended; ``passed`` and ``failed`` count tests, as the report has them."""

    code: int
    passed: int
    failed: int
    output: str

    @property
    def ok(self) -> bool:
        return self.code == 0 and self.passed > 0 and self.failed == 0


@dataclass
class Pool:
    """One pool, its base committed in a repository of its own under ``directory``."""

    path: Path
    directory: Path
    params: dict = field(init=False)

    def __post_init__(self) -> None:
        self.params = yaml.safe_load(self.path.read_text())["params"]
        base = (self.path.parent / self.params["base"]["folder"]).resolve()
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=base,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            target = self.directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(base / name, target)
        self.git("init", "-q", "-b", "base")
        self.commit("base")
        for command in self.params["setup"]:
            self.shell(command, check=True)
        for feature in self.features:
            self.git("checkout", "-q", "-b", feature, "base")
            self.apply(self.folder(feature) / "feature.patch")
            self.commit(feature)
        self.git("checkout", "-q", "-b", "combined", "base")
        self.apply(self.path.parent / "combined.patch")
        self.commit("combined")

    @property
    def features(self) -> list[str]:
        return [feature["id"] for feature in self.params["features"]]

    def folder(self, feature: str) -> Path:
        return self.path.parent / "features" / feature

    def tests(self, feature: str) -> list[str]:
        return _touched(self.folder(feature) / "tests.patch")

    def visible(self) -> list[str]:
        return [name for name in self.git("ls-tree", "-r", "--name-only", "base").split() if _VISIBLE.search(name)]

    def git(self, *arguments: str) -> str:
        done = subprocess.run([*_GIT, *arguments], cwd=self.directory, capture_output=True, text=True)
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def apply(self, patch: Path) -> None:
        self.git("apply", "--whitespace=nowarn", str(patch))

    def shell(self, command: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            # The interpreter that runs this file, not whichever comes first on the path.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        for name in [name for name in env if name.startswith(("PYTEST_ADDOPTS", "PYTHONPATH", "NODE_TEST"))]:
            del env[name]
        return subprocess.run(
            command,
            cwd=self.directory,
            shell=True,
            check=check,
            capture_output=True,
            text=True,
            env=env,
            stdin=subprocess.DEVNULL,
            timeout=600 if check else self.params["timeout_s"],
        )

    def grade(self, branch: str, *features: str, visible: bool = False) -> Run:
        """Run the hidden tests of ``features`` on ``branch``, and the visible ones where they are wanted."""
        self.git("checkout", "-q", "--detach", branch)
        files = self.visible() if visible else []
        for feature in features:
            self.apply(self.folder(feature) / "tests.patch")
            files += self.tests(feature)
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "report.xml"
            done = self.shell(self.params["test"].format(tests=" ".join(files), report=report))
            text = report.read_text() if report.exists() else done.stdout + done.stderr
        self.git("reset", "-q", "--hard")
        self.git("clean", "-fdq")
        passed, failed = _count(self.params["parser"], text)
        return Run(done.returncode, passed, failed, done.stdout + done.stderr)

    def merge(self, first: str, second: str, union: bool = False) -> bool:
        """Merge two references onto the branch ``merged``; False where git reports a conflict."""
        self.git("checkout", "-q", "-B", "merged", first)
        attributes = self.directory / ".git" / "info" / "attributes"
        attributes.write_text("* merge=union\n" if union else "")
        done = subprocess.run(
            [*_GIT, "merge", "-q", "--no-edit", second], cwd=self.directory, capture_output=True, text=True
        )
        if done.returncode != 0:
            self.git("merge", "--abort")
        return done.returncode == 0


def _touched(patch: Path) -> list[str]:
    return re.findall(r"^diff --git a/\S+ b/(\S+)$", patch.read_text(), re.MULTILINE)


def _count(parser: str, text: str) -> tuple[int, int]:
    if parser == "junit":
        cases = len(re.findall(r"<testcase\b", text))
        failed = len(re.findall(r"<(?:failure|error)\b", text))
        return cases - failed, failed
    if parser == "go":
        return len(re.findall(r'"Action":"pass".*"Test":', text)), len(re.findall(r'"Action":"fail".*"Test":', text))
    if parser == "cargo":
        results = re.findall(r"(\d+) passed; (\d+) failed", text)
        return sum(int(passed) for passed, _ in results), sum(int(failed) for _, failed in results)
    raise ValueError(f"no parser {parser!r}")


def _missing(path: Path) -> str | None:
    commands, remedy = TOOLCHAINS[yaml.safe_load(path.read_text())["params"]["language"]]
    absent = [command for command in commands if shutil.which(command) is None]
    return f"needs {', '.join(absent)}: {remedy}" if absent else None


@pytest.fixture(scope="module", params=POOLS, ids=lambda path: path.parent.name)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    if reason := _missing(request.param):
        pytest.skip(reason)
    return Pool(request.param, tmp_path_factory.mktemp("pool"))


@pytest.mark.slow
def test_visible_tests_pass_on_the_base_and_hidden_ones_fail(pool: Pool) -> None:
    run = pool.grade("base", visible=True)
    assert run.ok, run.output
    for feature in pool.features:
        assert not pool.grade("base", feature).ok, f"{feature} passes with nothing built"


@pytest.mark.slow
def test_all_tests_pass_on_their_reference_and_on_all_together(pool: Pool) -> None:
    for branch, features in [*((feature, [feature]) for feature in pool.features), ("combined", pool.features)]:
        run = pool.grade(branch, *features, visible=True)
        assert run.ok, f"{branch}: {run.output}"


def test_references_leave_tests_alone_and_hidden_tests_leave_sources_alone() -> None:
    for path in POOLS:
        for patch in path.parent.glob("**/*.patch"):
            for name in _touched(patch):
                assert bool(_VISIBLE.search(name)) == (patch.name == "tests.patch"), f"{patch}: {name}"


def test_there_are_enough_pools_pairs_languages_and_difficulties() -> None:
    params = [yaml.safe_load(path.read_text())["params"] for path in POOLS]
    languages = [entry["language"] for entry in params]
    assert languages.count("python") >= 3
    assert set(languages) == set(TOOLCHAINS)
    assert all(len(entry["features"]) >= 4 for entry in params)
    assert sum(len(entry["features"]) * (len(entry["features"]) - 1) // 2 for entry in params) >= 36
    assert {feature["difficulty"] for entry in params for feature in entry["features"]} == {"easy", "medium", "hard"}


def table(path: Path) -> dict[str, int]:
    """Print what the mechanical merge gives for each pair of one pool; return how often each kind occurs."""
    kinds: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        pool = Pool(path, Path(directory))
        for first, second in itertools.combinations(pool.features, 2):
            if pool.merge(first, second):
                both = [pool.grade("merged", feature).ok for feature in (first, second)]
                kind = "clean, pass" if all(both) else "clean, FAIL"
            else:
                kind = "conflict"
                if pool.merge(first, second, union=True):
                    both = [pool.grade("merged", feature).ok for feature in (first, second)]
                    kind += ", union passes" if all(both) else ", union fails"
            kinds[kind] = kinds.get(kind, 0) + 1
            print(f"{path.parent.name:10} {first + ' + ' + second:28} {kind}", flush=True)
    return kinds


def main(names: list[str]) -> None:
    total: dict[str, int] = {}
    for path in POOLS:
        if names and path.parent.name not in names:
            continue
        if reason := _missing(path):
            print(f"{path.parent.name:10} skipped: {reason}")
            continue
        for kind, count in table(path).items():
            total[kind] = total.get(kind, 0) + count
    for kind, count in sorted(total.items()):
        print(f"{count:4} {kind}")


if __name__ == "__main__":
    main(sys.argv[1:])
