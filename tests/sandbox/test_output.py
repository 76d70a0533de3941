"""What is kept of output, for every way of cutting it into chunks."""

from __future__ import annotations

import re
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.sandbox.output import BoundedOutput

chunk_lists = st.lists(st.binary(max_size=40), max_size=40)
MARKER = re.compile(r"\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n")


def fed(chunks: list[bytes], limit: int) -> BoundedOutput:
    output = BoundedOutput(limit)
    for chunk in chunks:
        output.feed(chunk)
    return output


@given(chunk_lists, st.integers(0, 200))
def test_how_output_is_cut_into_chunks_makes_no_difference(chunks: list[bytes], limit: int) -> None:
    assert fed(chunks, limit).text() == fed([b"".join(chunks)], limit).text()


@given(chunk_lists)
def test_output_within_the_limit_is_kept_whole(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    assert fed(chunks, len(data)).text() == data.decode("utf-8", "replace")


@given(st.text(alphabet=st.characters(max_codepoint=127), min_size=1, max_size=300), st.integers(0, 100))
def test_head_and_tail_and_what_was_left_out_make_up_the_whole(text: str, limit: int) -> None:
    data = text.encode()
    output = fed([data], limit)
    if len(data) <= limit:
        assert output.left_out == 0
        return
    head, tail = data[: (limit + 1) // 2], data[len(data) - limit // 2 :]
    marker = f"\n[... {len(data) - limit} bytes left out ...]\n"
    assert output.text() == head.decode() + marker + tail.decode()


@given(st.text(alphabet="aé€😀", min_size=50, max_size=200), st.integers(10, 60))
def test_a_cut_never_leaves_half_a_character(text: str, limit: int) -> None:
    output = fed([text.encode()], limit)
    if output.left_out:
        head, _, tail = MARKER.split(output.text())
        assert text.startswith(head)
        assert text.endswith(tail)


def test_memory_stays_bounded_for_many_tiny_writes() -> None:
    output = BoundedOutput(10_000)
    tracemalloc.start()
    try:
        for number in range(60_000):
            output.feed(b"%d" % (number % 10))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert output.total == 60_000
    assert peak < 1_000_000
