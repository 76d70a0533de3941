"""Data inside a page: JSON that no text can break out of, and chunks that a browser unpacks when it needs them."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

CHUNK_EPISODES: Final = 50
CHUNK_BYTES: Final = 2_000_000
"""A chunk is closed at this many episodes, or bytes before compression, whichever comes first."""

LEVEL: Final = 6


def plain(value: Any) -> Any:
    """The value with what JSON cannot say (NaN, infinities) as None, and tuples as lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def compact(value: Any) -> bytes:
    """The value as JSON, ASCII only; what JSON cannot say is null."""
    try:
        text = _json(value)
    except ValueError:  # NaN or an infinity is somewhere: seldom, and looking for it takes as long as all the rest
        text = _json(plain(value))
    return text.encode("ascii")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str)


def packed(data: bytes) -> str:
    """gzip, then base64: characters that mean nothing in HTML. The same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode("ascii")


def unpacked(text: str) -> Any:
    """What `packed(compact(value))` was made of."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def source_hash(text: str) -> str:
    """The expression by which a Content-Security-Policy allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some episodes, packed.

    Attributes:
        rows: which ones, in the order in which they lie in the chunk.
        text: packed JSON list.
    """

    rows: tuple[int, ...]
    text: str


def chunks(
    payloads: Iterable[tuple[int, dict[str, Any]]],
    *,
    episodes: int = CHUNK_EPISODES,
    size: int = CHUNK_BYTES,
) -> Iterator[Chunk]:
    """Pack payloads (row, content) into chunks, in their order."""
    rows: list[int] = []
    parts: list[bytes] = []
    for row, payload in payloads:
        rows.append(row)
        parts.append(compact(payload))
        if len(rows) == episodes or sum(map(len, parts)) >= size:
            yield Chunk(tuple(rows), packed(b"[" + b",".join(parts) + b"]"))
            rows, parts = [], []
    if rows:
        yield Chunk(tuple(rows), packed(b"[" + b",".join(parts) + b"]"))


def coded(values: Iterable[Hashable]) -> dict[str, Any]:
    """A column that keeps each different value once, and its places."""
    different: dict[Hashable, int] = {}
    codes = [different.setdefault(value, len(different)) for value in values]
    return {"values": list(different), "codes": codes}
