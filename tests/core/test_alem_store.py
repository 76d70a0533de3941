"""Compiled programs on disk: made once, whoever comes first, and made anew when the file is no good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.core.alem.store import kept
from pytest_collab.core.cache import CacheWarning


def lowering(asked: list[str]) -> Callable[[Sequence[str]], dict[str, tuple[Any, Any]]]:
    """Programs that multiply by three and by four; every name that is asked for is noted."""
    import jax

    def lower(names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        asked.extend(names)
        shape = jax.ShapeDtypeStruct((), jax.numpy.float32)
        factors = {"triple": 3.0, "quadruple": 4.0}
        return {name: (jax.jit(lambda x, by=factors[name]: x * by).lower(shape), name.upper()) for name in names}

    return lower


def test_a_program_is_compiled_once_and_then_read(tmp_path: Path) -> None:
    asked: list[str] = []
    for _ in range(2):
        triple, companion = kept("numbers", ["triple"], lowering(asked), tmp_path)["triple"]
        assert float(triple(2.0)) == 6.0
        assert companion == "TRIPLE"
    assert asked == ["triple"]
    assert set(kept("numbers", ["triple", "quadruple"], lowering(asked), tmp_path)) == {"triple", "quadruple"}
    assert asked == ["triple", "quadruple"]


def test_another_shape_is_another_program(tmp_path: Path) -> None:
    asked: list[str] = []
    kept("three seats", ["triple"], lowering(asked), tmp_path)
    kept("two seats", ["triple"], lowering(asked), tmp_path)
    assert asked == ["triple", "triple"]


@pytest.mark.parametrize("content", [b"", b"not a program", None])
def test_a_file_that_cannot_be_used_is_named_and_made_anew(tmp_path: Path, content: bytes | None) -> None:
    asked: list[str] = []
    kept("numbers", ["triple"], lowering(asked), tmp_path)
    (file,) = tmp_path.glob("*.triple")
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    with pytest.warns(CacheWarning, match=file.name):
        triple, _ = kept("numbers", ["triple"], lowering(asked), tmp_path)["triple"]
    assert float(triple(2.0)) == 6.0
    assert asked == ["triple", "triple"]


def test_where_nothing_can_be_kept_it_is_compiled_for_this_process(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    with pytest.warns(CacheWarning, match="cannot be kept"):
        triple, _ = kept("numbers", ["triple"], lowering([]), blocked / "below")["triple"]
    assert float(triple(2.0)) == 6.0


CONTENDER = """
import sys
from pathlib import Path
from tests.core.test_alem_store import lowering
from pytest_collab.core.alem.store import kept
asked = []
triple, _ = kept("numbers", ["triple"], lowering(asked), Path(sys.argv[1]))["triple"]
assert float(triple(2.0)) == 6.0
print(len(asked))
"""


@pytest.mark.slow
def test_processes_that_start_together_share_one_compilation(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    ended = [process.communicate() for process in started]
    assert all(process.returncode == 0 for process in started), ended
    assert sorted(int(out) for out, _ in ended) == [0, 1]
