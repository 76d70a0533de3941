"""The cache of mazes: one generation for all who ask, no JAX for who reads, and no trust in the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from pytest_collab.core.maze import cache
from pytest_collab.core.maze.cache import CacheWarning, MazeRecord, MazeSpec, mazes, prepare, record_from_json
from pytest_collab.errors import SetupError, TaskError

SIX = MazeSpec(size=6, walls=0.3, path=(7, 9))
SEVENS = MazeSpec(size=6, walls=0.3, path=(7, 7), seats=2, crossing=1.0)
ROOT = Path(__file__).parents[2]

ASK = """
import json, sys, warnings
from dataclasses import asdict
from pathlib import Path
from pytest_collab.core.maze.cache import MazeSpec, mazes
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    spec = MazeSpec(size=6, walls=0.3, path=(7, 9))
    twice = [mazes(spec, json.loads(sys.argv[2]), Path(sys.argv[1])) for _ in range(2)]
assert twice[0] == twice[1]
heavy = sorted({"jax", "numpy", "scipy"} & set(sys.modules))
print(json.dumps({"records": [asdict(record) for record in twice[0].values()], "heavy": heavy,
                  "warnings": [str(warning.message) for warning in caught]}))
"""


class Generations:
    """Counts the generating processes, each of which leaves a line when its interpreter starts."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "generations.log"
        (folder / "sitecustomize.py").write_text(
            "import sys\n"
            "if 'pytest_collab.core.maze.generate' in sys.orig_argv:\n"
            f"    open({str(self.log)!r}, 'a').write('started\\n')\n"
        )

    def count(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with ten mazes of two specs, as a session would prepare it; also warms the compilation cache."""
    folder = tmp_path_factory.mktemp("filled")
    prepare([(SIX, range(10)), (SEVENS, range(3))], folder)
    return folder


@pytest.fixture
def generations(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generations:
    """Counts generating processes from here on; they reuse what the first one compiled."""
    spy = tmp_path / "spy"
    spy.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(spy), str(ROOT)]))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(filled / "xla"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    return Generations(spy)


@pytest.fixture
def copied(filled: Path, tmp_path: Path) -> Path:
    """The filled cache, free to be damaged."""
    return Path(shutil.copytree(filled / "mazes", tmp_path / "cache" / "mazes")).parent


def asking(folder: Path, seeds: range, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A fresh process that wants these mazes, twice."""
    command = [*wrapper, sys.executable, "-c", ASK, str(folder), json.dumps(list(seeds))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def answer(asked: subprocess.Popen[str]) -> tuple[dict[int, MazeRecord], list[str], list[str]]:
    """The records, the heavy modules imported, and the warnings."""
    out, _ = asked.communicate(timeout=120)
    assert asked.returncode == 0
    content = json.loads(out)
    records = {entry["seed"]: record_from_json(entry) for entry in content["records"]}
    return records, content["heavy"], content["warnings"]


def test_reading_a_maze_in_a_fresh_process_imports_no_jax(filled: Path, generations: Generations) -> None:
    records, heavy, caught = answer(asking(filled, range(3, 4)))
    assert records == {3: mazes(SIX, [3], filled)[3]}
    assert heavy == []
    assert caught == []
    assert generations.count() == 0


@pytest.mark.slow
def test_processes_that_ask_at_once_wait_for_one_generation(tmp_path: Path, generations: Generations) -> None:
    folder = tmp_path / "cache"
    both = [asking(folder, range(4)), asking(folder, range(4))]
    first, second = (answer(asked) for asked in both)
    assert first == second
    assert sorted(first[0]) == [0, 1, 2, 3]
    assert generations.count() == 1


@pytest.mark.slow
def test_several_specs_are_made_by_one_process_and_only_where_missing(
    copied: Path, generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jax.py").write_text("raise RuntimeError('a file of the user, not the library')")
    monkeypatch.chdir(tmp_path)
    before = mazes(SIX, range(10), copied)
    assert generations.count() == 0
    six, sevens, again = prepare([(SIX, range(8, 12)), (SEVENS, range(5)), (SIX, [11, 11])], copied)
    assert generations.count() == 1
    assert sorted(six) == [8, 9, 10, 11]
    assert {record.path_length for record in sevens.values()} == {7}
    assert again == {11: six[11]}
    assert mazes(SIX, range(12), copied) == {**before, **six}
    assert generations.count() == 1


@pytest.mark.slow
def test_a_damaged_line_is_named_and_its_maze_alone_made_again(
    copied: Path, filled: Path, generations: Generations
) -> None:
    file = copied / "mazes" / f"{SIX.content_key()}.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace('"start": [', '"start": [1')
    lines[-1] = lines[-1][:40]  # as a torn write would leave it
    file.write_text("".join(lines))
    with pytest.warns(CacheWarning, match=r"damaged line\(s\) 5, 11 of 11 in the maze cache .*\.jsonl"):
        assert sorted(mazes(SIX, [0, 1, 2], copied)) == [0, 1, 2]
    assert generations.count() == 0
    assert mazes(SIX, range(10), copied) == mazes(SIX, range(10), filled)
    assert generations.count() == 1
    assert file.read_text() == (filled / "mazes" / file.name).read_text()


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 500, b"{}\n"])
def test_a_file_that_is_no_cache_is_replaced(content: bytes, copied: Path, filled: Path) -> None:
    file = copied / "mazes" / f"{SIX.content_key()}.jsonl"
    file.write_bytes(content)
    if content:
        with pytest.warns(CacheWarning, match="damaged line"):
            read = cache._read(file)
    else:
        read = cache._read(file)
    assert read == {}


def test_a_file_of_another_spec_or_algorithm_is_not_believed(copied: Path) -> None:
    file = copied / "mazes" / f"{SIX.content_key()}.jsonl"
    shutil.copy(copied / "mazes" / f"{SEVENS.content_key()}.jsonl", file)
    with pytest.warns(CacheWarning, match="damaged line"):
        assert cache._read(file) == {}


@pytest.mark.slow
def test_a_cache_that_is_no_directory_still_gives_mazes(
    tmp_path: Path, filled: Path, generations: Generations
) -> None:
    folder = tmp_path / "cache"
    folder.write_text("in the way")
    records, _, caught = answer(asking(folder, range(2)))
    assert records == mazes(SIX, range(2), filled)
    assert any("cannot be locked" in text and "PYTEST_COLLAB_CACHE" in text for text in caught)
    assert any("cannot be written" in text for text in caught)
    assert generations.count() == 1  # asked twice, the second time answered from memory


@pytest.mark.slow
def test_a_full_disk_still_gives_mazes_and_leaves_no_half_file(
    copied: Path, filled: Path, generations: Generations
) -> None:
    before = sorted(path.name for path in (copied / "mazes").iterdir())
    # Files of this process stop growing at 512 or 1024 bytes; compiled modules would be cut off, and kept like that.
    limit = ("sh", "-c", 'ulimit -f 1; export PYTHONDONTWRITEBYTECODE=1; exec "$0" "$@"')
    records, _, caught = answer(asking(copied, range(8, 11), wrapper=limit))
    assert sorted(records) == [8, 9, 10]
    assert records[9] == mazes(SIX, [9], filled)[9]
    assert any("cannot be written" in text and "kept in memory" in text for text in caught)
    assert sorted(path.name for path in (copied / "mazes").iterdir()) == before
    assert generations.count() == 1
    assert mazes(SIX, range(10), copied) == mazes(SIX, range(10), filled)


@pytest.mark.slow
def test_a_read_only_file_system_still_gives_mazes(copied: Path, filled: Path, generations: Generations) -> None:
    read_only = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    if not shutil.which("bwrap") or subprocess.run([*read_only, "true"], capture_output=True).returncode:
        pytest.skip("needs bubblewrap and user namespaces: apt-get install bubblewrap")
    records, heavy, caught = answer(asking(copied, range(10), wrapper=read_only))
    assert (records, heavy, caught) == (mazes(SIX, range(10), filled), [], [])
    records, _, caught = answer(asking(copied, range(9, 11), wrapper=read_only))
    assert sorted(records) == [9, 10]
    assert any("cannot be locked" in text for text in caught)


@pytest.mark.slow
def test_a_seed_without_a_maze_is_a_task_error_with_what_there_is_instead(
    tmp_path: Path, generations: Generations
) -> None:
    hopeless = MazeSpec(size=6, walls=0.3, path=(22, 23))
    with pytest.raises(TaskError) as caught:
        mazes(hopeless, [5, 6], tmp_path / "cache", max_attempts=32)
    text = str(caught.value)
    assert "no maze of size 6, walls=0.3 with a path of 22 to 23 moves" in text
    assert "first 32 attempts of seed 5 and 1 other(s)" in text
    assert "widen the window" in text
    assert "the longest in" in text


def test_a_generator_that_fails_is_a_setup_error_with_the_end_of_what_it_wrote(
    tmp_path: Path, generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "abacus")
    with pytest.raises(SetupError, match=r"(?s)--check.*abacus"):
        mazes(SIX, [1], tmp_path / "cache")


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", True])
def test_an_impossible_seed_is_refused_before_anything_is_made(seed: object, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="a seed is"):
        mazes(SIX, [seed], tmp_path / "cache")  # type: ignore[list-item]
    assert not (tmp_path / "cache").exists()


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PYTEST_COLLAB_CACHE", raising=False)
    assert cache.cache_directory() == Path("/home/me/.cache/pytest-collab")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.cache_directory() == Path("/xdg/pytest-collab")
    monkeypatch.setenv("PYTEST_COLLAB_CACHE", "/own")
    assert cache.cache_directory() == Path("/own")


def test_records_survive_json(filled: Path) -> None:
    for record in mazes(SEVENS, range(3), filled).values():
        assert record_from_json(json.loads(json.dumps(asdict(record)))) == record
