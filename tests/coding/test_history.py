"""Pools from a repository's own history."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.families.coding.history.describe import defined
from pytest_collab.families.coding.history.paths import kind_of, language_of
from pytest_collab.families.coding.history.rebase import with_additions
from pytest_collab.families.coding.history.runner import how
from pytest_collab.families.coding.pool.pool import load
from pytest_collab.families.coding.repository.git import MARKERS
from tests.coding.conftest import write

FORMATS = 'READERS = {"json": "read_json"}\n\n\ndef reader(name):\n    return READERS[name]\n'
WORDS = "def shout(text):\n    return text.upper()\n\n\ndef say(text):\n    return text\n"
CSV = "import formats\n\n\ndef test_csv():\n    assert formats.reader('csv') == 'read_csv'\n"
NAMES = "import formats\n\n\ndef test_names():\n    assert formats.names() == ['json']\n"
TESTS = """import words


def test_shout():
    assert words.shout('a') == 'A'


def test_say():
    assert words.say('a') == 'a'
"""


# A runner that starts in a tenth of pytest's time; the how-to page is played with pytest itself.
CHECK = """import runpy, sys
sys.path.insert(0, "")
number = 0
for path in sys.argv[1:]:
    for name, test in runpy.run_path(path).items():
        if name.startswith("test_"):
            number += 1
            try:
                test()
                print(f"ok {number} - {path}::{name}")
            except Exception:
                print(f"not ok {number} - {path}::{name}")
print(f"1..{number}")
"""
RUN = ("--test-command", "python -SE check.py {tests}", "--parser", "tap")


class Story:
    """A repository that is written commit by commit."""

    def __init__(self, path: Path) -> None:
        self.path, self.day = path, 0
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> None:
        who = {
            f"GIT_{role}_{what}": "someone@example.org"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        when = f"2024-01-{self.day + 1:02}T12:00:00+00:00"
        env = {**os.environ, **who, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        subprocess.run(["git", *words], cwd=self.path, env=env, check=True, capture_output=True)

    def commit(self, message: str, files: dict[str, str]) -> None:
        self.day += 1
        write(self.path, files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told = Story(tmp_path_factory.mktemp("history") / "till")
    told.commit(
        "Begin",
        {
            "words.py": WORDS,
            "formats.py": FORMATS,
            "tests/test_words.py": TESTS,
            "README.md": "Till.\n",
            "check.py": CHECK,
        },
    )
    whisper = WORDS + "\n\ndef whisper(text, end='.'):\n    return text.lower() + end\n"
    more = TESTS + "\n\ndef test_whisper():\n    assert words.whisper('A') == 'a.'\n"
    told.commit(
        "Whisper (#1)", {"words.py": whisper, "tests/test_words.py": more, "README.md": "Till.\n\nIt whispers.\n"}
    )
    told.commit("Say what a till is", {"README.md": "Till: words and formats.\n\nIt whispers.\n"})
    told.commit("Count letters", {"count.py": "def count(text):\n    return len(text)\n"})
    renamed = whisper.replace("end", "stop")
    told.commit("Rename", {"words.py": renamed, "tests/test_words.py": more.replace("'A') == 'a.'", "'B') == 'b.'")})
    told.git("switch", "-q", "-c", "names")
    names = FORMATS + "\n\ndef names():\n    return sorted(READERS)\n"
    told.commit(
        "List formats",
        {
            "formats.py": names,
            "tests/test_names.py": NAMES,
        },
    )
    told.git("switch", "-q", "main")
    told.git("merge", "-q", "--no-ff", "names", "-m", "Merge pull request #7 from names\n\nNames of formats")
    # Nobody ran `test_names` before this one.
    told.commit(
        "Read csv",
        {
            "formats.py": names.replace('{"json": "read_json"}', '{"json": "read_json", "csv": "read_csv"}'),
            "tests/test_csv.py": CSV,
        },
    )
    last = renamed + "\n\ndef title(words):\n    return words.title()\n"
    told.commit(
        "Title\n\nWords begin with capitals.\n\nCo-authored-by: Someone",
        {
            "words.py": last,
            "tests/test_words.py": more.replace("'A') == 'a.'", "'B') == 'b.'")
            + "\n\ndef test_title():\n    assert words.title('a b') == 'A B'\n",
        },
    )
    loud = {
        "words.py": last.replace(".upper()", ".upper() + '!'"),
        "tests/test_shout.py": "import words\n\n\ndef test_loud():\n    assert words.shout('b') == 'B!'\n",
        "tests/test_words.py": (told.path / "tests/test_words.py").read_text().replace("== 'A'\n", "== 'A!'\n"),
    }
    told.commit("Shout aloud", loud)
    write(told.path, {"words.py": "dirty(\n"})
    return told.path


@pytest.mark.slow  # some 50 runs of tests: every counter-test of four features, six pairs, all together
def test_features_of_a_history_become_a_pool(
    story: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    out = tmp_path / "pool"
    assert main(["import", "history", str(story), "--out", str(out), *RUN]) == 0
    said = capsys.readouterr()
    pool = load(out / "till.collab.yaml")
    assert [feature.id for feature in pool.features] == ["whisper", "names-of-formats", "read-csv", "title"]
    # What came between is taken back: `title` stands on the base, where nobody whispers.
    assert "whisper" not in (out / "features/title/feature.patch").read_text()
    assert "whisper" not in (out / "features/title/tests.patch").read_text()
    assert "README" not in (out / "features/whisper/feature.patch").read_text()
    text = pool.describe(pool.feature("whisper"))
    assert text.startswith("# Whisper\n")
    assert "It whispers." in text
    assert "def whisper(text, end='.')" in text
    assert pool.describe(pool.feature("title")).splitlines()[2] == "Words begin with capitals."
    assert "Co-authored" not in pool.describe(pool.feature("title"))
    assert "whisper + title: rescued: conflict in words.py; keeping both sides happens to pass" in said.out
    assert "names-of-formats + read-csv: semantic: merge cleanly, and a test fails" in said.out
    assert "whisper + read-csv: independent: merge cleanly, and pass" in said.out
    for group in ("no python source (1)", "no tests (1)", "nothing new in tests (1)"):
        assert group in said.out
    assert "Shout aloud: it changes what the base's own tests expect: tests/test_words.py::test_shout\n" in said.out
    report = (out / "history.md").read_text()
    assert "| 2024-01-06 | Rename | its tests expect nothing new (+1 -1 lines) |" in report
    assert "| Begin | it is the first commit |" in report
    # In the order of history they merge, and yet do not go together.
    assert "no combined.patch: names-of-formats does not pass with it" in said.out
    assert not (out / "combined.patch").exists()
    assert (story / "words.py").read_text() == "dirty(\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{empty}"], "is no git repository; give the top folder of a clone"),
        (["{story}", "--ref", "nowhere"], "has no commit 'nowhere'"),
        (["{story}", "--since", "2031-01-01"], "has no commit since '2031-01-01' on HEAD; give an earlier --since"),
        (["{story}", "--paths", "nowhere"], "--paths: there is no 'nowhere' at HEAD"),
        (["{story}", "--paths", "count.py"], "no tests found: of 1 commit on HEAD none changes python source"),
        (["{story}", "--language", "go"], "no tests found: of 9 commits on HEAD none changes go source"),
        (["{story}", "--language", "cobol"], "--language=cobol is not known; choose one of python"),
        (["{story}", "--features", "1"], "--features=1 must be 2 or more"),
        (["{story}", "--budget", "0"], "--budget=0 must be more than 0 minutes"),
        (["{story}", "--test-command", "make check"], "cannot be guessed; say it with --parser"),
        (["{story}", "--out", "{story}"], "exists and is not empty; choose another --out"),
        (["{story}", "--test-command", "false {tests}", "--parser", "tap"], "passes no test on the base"),
    ],
    ids=lambda one: one[-1] if isinstance(one, list) else "",
)
def test_what_cannot_be_is_said_with_a_remedy(
    words: list[str],
    said: str,
    story: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    filled = [word.replace("{story}", str(story)).replace("{empty}", str(tmp_path / "empty")) for word in words]
    assert main(["import", "history", *filled]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "till-pool").exists()


def test_no_pool_is_made_of_one_feature(
    story: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(cache))
    out = tmp_path / "pool"
    assert main(["import", "history", str(story), "--out", str(out), "--ref", "HEAD~7", *RUN]) == 1
    assert "no pool: it needs two sound features, and there is 1" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("path", "language", "kind"),
    [
        ("src/app/core.py", "python", "source"),
        ("tests/data/a.json", "python", "test"),
        ("pyproject.toml", "python", "setup"),
        ("docs/conf.py", "python", "docs"),
        ("CHANGES", "python", "docs"),
        ("examples/a.py", "python", "other"),
        ("test.js", "javascript", "test"),
        ("index.test-d.ts", "javascript", "test"),
        ("index.d.ts", "javascript", "source"),
        ("package-lock.json", "javascript", "setup"),
        ("uuid_test.go", "go", "test"),
        ("go.mod", "go", "setup"),
        (".github/workflows/ci.yml", "go", "setup"),
    ],
)
def test_files_are_told_apart_by_name(path: str, language: str, kind: str) -> None:
    assert kind_of(path, language) == kind  # type: ignore[arg-type]


def test_a_language_is_what_most_source_is_written_in() -> None:
    assert language_of(["index.js", "index.d.ts", "test.js", "docs/a.py"]) == "javascript"
    assert language_of(["src/a.ts", "src/b.ts", "build.js"]) == "typescript"
    assert language_of(["README.md"]) is None


def conflict(ours: str, base: str, theirs: str) -> bytes:
    marks = [f"{mark * MARKERS}" for mark in "<|=>"]
    return f"top\n{marks[0]} ours\n{ours}{marks[1]} base\n{base}{marks[2]}\n{theirs}{marks[3]} theirs\nend\n".encode()


def test_added_lines_go_where_the_conflict_is() -> None:
    assert with_additions(conflict("", "old\n", "old\nnew\n")) == b"top\nnew\nend\n"
    assert with_additions(conflict("older\n", "old\n", "new\nold\n")) == b"top\nnew\nolder\nend\n"
    assert with_additions(conflict("", "old\n", "changed\nnew\n")) is None
    assert with_additions(conflict("", "old\nolder\n", "old\n")) is None


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        (
            "typescript",
            "export function cut(\n  a: string,\n  b = 1,\n): string {\n",
            ["export function cut(a: string, b = 1): string"],
        ),
        (
            "go",
            "func (v *Version) Less(o *Version) bool {\nfunc hidden() {\n",
            ["func (v *Version) Less(o *Version) bool"],
        ),
        (
            "python",
            "class A(B):\n    async def go(self, *, fast=True) -> int: ...\n    def _no(self): ...\n",
            ["class A(B)", "async def A.go(self, *, fast=True) -> int"],
        ),
        ("python", "def broken(:\n", []),
    ],
)
def test_signatures_are_those_that_others_can_use(language: str, text: str, found: list[str]) -> None:
    assert list(defined("a.py" if language == "python" else "a", text, language)) == found  # type: ignore[arg-type]


def guess(language: str, files: dict[str, str]) -> dict[str, object]:
    return how(language, files.get, None, None, None)  # type: ignore[arg-type]


def test_how_tests_are_run_is_read_from_the_project() -> None:
    assert guess("python", {"pyproject.toml": "[tool.ruff]\n"})["setup"] == []
    project = '[project]\n[dependency-groups]\nall = ["b"]\ntests = ["c>=1", {include-group = "all"}]\n'
    assert guess("python", {"pyproject.toml": project})["setup"] == ["python -m pip install -q pytest -e . 'c>=1' b"]
    older = {"setup.cfg": "[metadata]\nname = a\n[options.extras_require]\ndoc = b\ntest =\n    c\n"}
    assert guess("python", older)["setup"] == ["python -m pip install -q pytest -e '.[test]'"]
    assert guess("python", {"setup.cfg": "no ini file"})["setup"] == ["python -m pip install -q pytest -e ."]
    mocha = '{"scripts": {"test": "mocha --require @babel/register"}, "devDependencies": {"mocha": "1"}}'
    found = guess("javascript", {"package.json": mocha, "package-lock.json": "{}"})
    assert found["test"] == "npx mocha --require @babel/register --reporter=tap {tests} || exit 1"
    assert str(found["setup"]).count("npm ci") == 1
    node = guess("javascript", {"package.json": '{"scripts": {"test": "node --test"}}'})
    assert node["parser"] == "junit"
    assert node["setup"] == []
    assert guess("go", {"go.mod": "module a\n\nrequire b v1\n"})["setup"] == ["go mod download"]
