"""What is kept of a command's output: the head, the tail, and how much lay between."""

from __future__ import annotations

from collections import deque


class BoundedOutput:
    """Collects bytes; memory stays within `limit` plus one chunk, however much is fed.

    The first half of the limit is kept from the beginning and the rest from the end, since errors stand at
    either end of a log and hardly ever in its middle.
    """

    __slots__ = ("_head", "_head_limit", "_tail", "_tail_limit", "_tail_size", "total")

    def __init__(self, limit: int) -> None:
        self._head_limit = (limit + 1) // 2
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.total = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.total += len(chunk)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_size += len(chunk)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._tail_limit:
            self._tail_size -= len(self._tail.popleft())
        if len(self._tail) > 1024:  # many tiny writes: joined, so that objects do not outweigh the bytes
            self._tail = deque([b"".join(self._tail)])

    @property
    def left_out(self) -> int:
        """Bytes that `text()` does not show."""
        return max(0, self.total - self._head_limit - self._tail_limit)

    def text(self) -> str:
        """Head and tail as text; bytes that are not UTF-8 become U+FFFD, all else stays as it is."""
        tail = b"".join(self._tail)
        if not self.left_out:
            return (bytes(self._head) + tail).decode("utf-8", "replace")
        tail = tail[len(tail) - self._tail_limit :]
        marker = f"\n[... {self.left_out} bytes left out ...]\n"
        return _whole_end(bytes(self._head)) + marker + _whole_start(tail)


def _whole_end(head: bytes) -> str:
    """Decode bytes whose last character may have been cut."""
    for cut in range(min(3, len(head))):
        lead = head[len(head) - 1 - cut]
        if lead & 0b1100_0000 != 0b1000_0000:
            length = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            if length > cut + 1:
                head = head[: len(head) - 1 - cut]
            break
    return head.decode("utf-8", "replace")


def _whole_start(tail: bytes) -> str:
    """Decode bytes whose first character may have been cut."""
    skip = 0
    while skip < min(3, len(tail)) and tail[skip] & 0b1100_0000 == 0b1000_0000:
        skip += 1
    return tail[skip:].decode("utf-8", "replace")
