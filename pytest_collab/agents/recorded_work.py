"""What an autonomous agent did in its working tree, kept so that it can be done again without the agent.

The tree's files before and after the job are compared; what changed, what went, what was said to whom and which other
things of the desk were used is the job. Played back, the tree is brought to where it was, the messages are sent and
the tools called in the same order. What any agent told beside its answers (its activity, and messages by a channel of
its own) is kept and told again likewise.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_collab.episode.agent import Desk, Seat, ToolCall, ToolResult
from pytest_collab.errors import RunError

LARGEST_FILE: Final = 4 * 2**20
LARGEST_JOB: Final = 32 * 2**20
"""Bytes of the changes of one job that a recording holds."""

_NOT_KEPT: Final = frozenset({".git", "__pycache__", ".pytest_cache", "node_modules", ".venv", ".mypy_cache"})


@dataclass(frozen=True, slots=True)
class Work:
    """A finished job.

    Attributes:
        files: path from the root of the tree -> contents and mode, of files that were made or changed.
        links: path -> target, of symbolic links that were made or changed.
        gone: paths of files that were deleted.
        done: what was sent (`["send", to, text]`), which tools of the desk were called (`["call", name, {...}]`), and
            what was told beside it (`Beside`), in order.
    """

    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    done: tuple[Sequence[Any], ...] = ()


class Beside:
    """Watches what an agent tells beside its answers: give it `seat` in the place of its own, then `take`.

    Each is `["note", what, {...}]` or `["overheard", text, to]`.
    """

    def __init__(self, seat: Seat) -> None:
        self.done: list[Sequence[Any]] = []

        def note(what: str, **data: Any) -> None:
            self.done.append(["note", what, data])
            seat.note(what, **data)

        def overheard(text: str, to: Iterable[str] | None = None) -> None:
            named = None if to is None else list(to)
            self.done.append(["overheard", text, named])
            seat.overheard(text, named)

        self.seat = replace(seat, note=note, overheard=overheard)

    def take(self) -> tuple[Sequence[Any], ...]:
        """What has been told since the last time."""
        taken, self.done[:] = tuple(self.done), []
        return taken


def tell_again(done: Iterable[Sequence[Any]], seat: Seat) -> None:
    """Tell again what was told beside an answer."""
    for kind, *what in done:
        if kind == "note":
            seat.note(what[0], **what[1])
        elif kind == "overheard":
            seat.overheard(*what)


class Log:
    """Watches a job: hand `desk` to the agent, then ask for `work`.

    Args:
        done: where what is done is written down.
    """

    def __init__(self, desk: Desk, done: list[Sequence[Any]] | None = None) -> None:
        self._folder = desk.folder
        self._before = _state(desk.folder)
        self._done: list[Sequence[Any]] = [] if done is None else done

        async def send(to: str | None, text: str) -> str:
            self._done.append(["send", to, text])
            return await desk.send(to, text)

        async def call(wish: ToolCall) -> ToolResult:
            assert desk.call is not None
            self._done.append(["call", wish.name, dict(wish.arguments)])
            return await desk.call(wish)

        self.desk = replace(desk, send=send, call=call if desk.call is not None else None)

    def work(self) -> Work:
        """What was done since.

        Raises:
            RunError: it is more than a recording holds.
        """
        after = _state(self._folder)
        files: dict[str, tuple[bytes, int]] = {}
        links: dict[str, str] = {}
        for path, state in after.items():
            if self._before.get(path) == state:
                continue
            where = self._folder / path
            if where.is_symlink():
                links[path] = str(where.readlink())
                continue
            size = where.stat().st_size
            if size > LARGEST_FILE or sum(len(one) for one, _ in files.values()) + size > LARGEST_JOB:
                raise RunError(
                    f"the job cannot be recorded: {path} has {size} bytes, and a recording holds {LARGEST_FILE} of a "
                    f"file and {LARGEST_JOB} of a job. Leave --collab-record out, or keep such files out of the tree."
                )
            files[path] = (where.read_bytes(), where.stat().st_mode & 0o777)
        gone = tuple(path for path in self._before if path not in after)
        return Work(files, links, gone, tuple(self._done))


async def do_again(work: Work, desk: Desk) -> None:
    """Do a recorded job at a desk: say what was said, use what was used, and leave the tree as it was left."""
    root = desk.folder.resolve()
    for path in work.gone:
        place = _inside(root, path)
        place.unlink(missing_ok=True)
    for path, (contents, mode) in work.files.items():
        place = _inside(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(contents)
        place.chmod(mode)
    for path, target in work.links.items():
        place = _inside(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)
    for number, (kind, *what) in enumerate(work.done):
        if kind == "send":
            await desk.send(*what)
        elif kind != "call":
            tell_again([[kind, *what]], desk.seat)
        elif desk.call is not None:
            await desk.call(ToolCall(f"again{number}", what[0], what[1]))


def as_json(work: Work) -> dict[str, Any]:
    """JSON-ready; text as lines, anything else in base64."""
    files: dict[str, Any] = {}
    for path, (contents, mode) in work.files.items():
        try:
            told: dict[str, Any] = {"text": contents.decode("utf-8").split("\n")}
        except UnicodeDecodeError:
            told = {"base64": base64.b64encode(contents).decode("ascii")}
        files[path] = told | {"mode": mode}
    return {"files": files, "links": dict(work.links), "gone": list(work.gone), "done": [list(x) for x in work.done]}


def from_json(raw: Mapping[str, Any]) -> Work:
    """The other way round."""
    files = {}
    for path, told in raw["files"].items():
        contents = "\n".join(told["text"]).encode() if "text" in told else base64.b64decode(told["base64"])
        files[path] = (contents, int(told["mode"]))
    return Work(files, raw["links"], tuple(raw["gone"]), tuple(raw["done"]))


def _state(folder: Path) -> dict[str, tuple[str, int]]:
    found = {}
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if name not in _NOT_KEPT and not (here / name).is_symlink()]
        for name in names:
            path = here / name
            try:
                if path.is_symlink():
                    found[str(path.relative_to(folder))] = (f"-> {path.readlink()}", 0)
                elif path.is_file():
                    digest = sha256(path.read_bytes()).hexdigest()
                    found[str(path.relative_to(folder))] = (digest, path.stat().st_mode & 0o777)
            except OSError:  # it went away while it was looked at
                continue
    return found


def _inside(root: Path, path: str) -> Path:
    """A recording may come from anywhere: none of its paths leads out of the tree, links included."""
    place = root / path
    if not place.parent.resolve().is_relative_to(root):
        raise RunError(f"the recording names {path!r}, which lies outside the working tree")
    return place
