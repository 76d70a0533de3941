"""A program that does a whole job at its own pace: started in its working tree, heard out, booked.

It is told the task and how to talk (`Phone`), on its standard input, in a file, or among its arguments.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread

from pytest_collab.agents import printed, program
from pytest_collab.agents.phone import Phone
from pytest_collab.agents.program import TEMPFAIL
from pytest_collab.agents.retry import pause
from pytest_collab.agents.secrets import redact
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Desk, Reply, Usage
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.episode.text import REPLY_LIMIT, bounded, counted, one_line
from pytest_collab.errors import ProviderError

_UNCOUNTED: Final = frozenset(
    {".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "node_modules", "target", ".venv"}
)
"""Folders that change without anybody having worked."""

_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class _Ended:
    """What one start of the program came to.

    Attributes:
        code: its exit status; None when its time was up.
        talked: it has sent a message, or taken one: another start would not find the episode as it was.
        worked: its tree is not as it was.
    """

    code: int | None
    said: str
    found: printed.Printed
    usage: Usage
    talked: bool
    worked: bool

    @property
    def trouble(self) -> str:
        """How the program failed; empty if it did not."""
        if self.code == 0 or self.code is None:
            return one_line(redact(self.found.error), _SHOWN)
        last = one_line(redact(self.found.error) or self.said.strip()[-_SHOWN:], _SHOWN)
        return f"ended with status {self.code}" + (f"; its last words: {last}" if last else "")

    @property
    def not_me(self) -> bool:
        """It says that something outside it failed."""
        return self.code == TEMPFAIL or self.found.again

    def reply(self, model: str, seconds: float | None) -> Reply:
        note = ""
        if self.code is None:
            note = f"\n[ended after {seconds:g} s, its time]"
        elif self.code:
            note = f"\n[ended with status {self.code}]"
        return Reply(bounded(self.said, REPLY_LIMIT - 100) + note, usage=self.usage, model=model)


def told(desk: Desk, settings: AgentSettings) -> str:
    """All that the program is told: the task, then how to do what its own tools cannot."""
    return f"{desk.prompt}\n\n{Phone.explain(desk, mcp=_names(settings.command, '{mcp_config}'))}".strip()


async def work(name: str, model: str, settings: AgentSettings, desk: Desk) -> Reply:
    """Let the program do the job.

    Where it says that something outside it failed (exit status 75, `{"error": ..., "retry": true}`, or an error of
    its provider in what it prints), it is started again as long as nothing has come of it: its tree is as it was
    and it has not talked.

    Raises:
        ProviderError: it failed for reasons outside it, or failed and left its tree as it was. Its usage goes along.
    """
    spent = Usage(calls=0)
    attempt = 0
    while True:
        began = anyio.current_time()
        try:
            ended = await _once(name, settings, desk)
        except BaseException as error:
            now = getattr(error, "usage", None)
            error.usage = spent + now if isinstance(now, Usage) else spent  # type: ignore[attr-defined]
            raise
        spent += ended.usage
        trouble = ended.trouble
        if trouble and (ended.not_me or not ended.worked):
            give_back(began, anyio.current_time())
            if ended.not_me and not ended.worked and not ended.talked and attempt < settings.max_retries:
                attempt += 1
                with excused():
                    await anyio.sleep(pause(attempt))
                continue
            times = f" (started {counted(attempt + 1, 'time')})" if attempt else ""
            failed = ProviderError(f"agent {name!r}: the program {trouble}{times}")
            failed.usage = replace(spent, retries=attempt)  # type: ignore[attr-defined]
            raise failed
        return replace(ended, usage=replace(spent, retries=attempt)).reply(model, settings.job_seconds)


async def _once(name: str, settings: AgentSettings, desk: Desk) -> _Ended:
    before = await anyio.to_thread.run_sync(state_of, desk.folder)
    with tempfile.TemporaryDirectory(prefix="collab-desk-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        task = told(desk, settings)
        files = {key: folder / file for key, file in _FILES.items()}
        files["prompt_file"].write_text(task, encoding="utf-8")
        files["mcp_config"].write_text(json.dumps(Phone.mcp_config(folder)), encoding="utf-8")
        out = folder / "output.txt"
        code: int | None = None
        async with Phone(desk, folder) as phone:
            env = {**os.environ, **desk.env, **settings.env, **phone.env}
            env["PWD"] = str(desk.folder)  # some programs believe it rather than the system
            env |= {"COLLAB_PROMPT_FILE": str(files["prompt_file"]), "COLLAB_USAGE_FILE": str(files["usage_file"])}
            command = [_filled(part, files, task) for part in settings.command]
            source = files["prompt_file"] if settings.reads_prompt else Path(os.devnull)
            with source.open("rb") as stdin, out.open("wb") as stdout:
                process = await program.spawn(
                    command, env=env, cwd=desk.folder, stdin=stdin, stdout=stdout, stderr=stdout, name=name
                )
                try:
                    with anyio.move_on_after(settings.job_seconds):
                        code = await process.wait()
                except BaseException as error:
                    said, _, usage = _heard(out, files["usage_file"])
                    error.said, error.usage = said, usage  # type: ignore[attr-defined]
                    raise
                finally:
                    with anyio.CancelScope(shield=True):
                        await program.end(process)
        said, found, usage = _heard(out, files["usage_file"])
        after = await anyio.to_thread.run_sync(state_of, desk.folder)
        return _Ended(code, said, found, usage, phone.used, after != before)


_FILES: Final = {"prompt_file": "prompt.md", "usage_file": "usage.json", "mcp_config": "mcp.json"}


def _filled(part: str, files: dict[str, Path], task: str) -> str:
    for key, path in files.items():
        part = part.replace(f"{{{key}}}", str(path))
    return part.replace("{prompt}", task)


def _names(command: Sequence[str], placeholder: str) -> bool:
    return any(placeholder in part for part in command)


def _heard(out: Path, usage_file: Path) -> tuple[str, printed.Printed, Usage]:
    """What the program said, what of it is understood, and what it consumed.

    A coding agent calls models that we do not see: what it does not tell is not known.
    """
    output = _text(out)
    told = printed.read(output)
    filed = printed.read(_text(usage_file)) if usage_file.is_file() else None
    found = told or filed or printed.Printed()
    if filed is not None and filed.error and not found.error:
        found = replace(found, error=filed.error, again=filed.again)
    usage = next((one.usage for one in (filed, told) if one is not None and one.usage is not None), None)
    words = found.text if told is not None and told.text else output
    return redact(words), found, usage or Usage(cost_usd=None)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def state_of(folder: Path) -> frozenset[tuple[Any, ...]]:
    """Names, kinds, sizes and times of the files of a tree; two that differ hold other work."""
    found = set()
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _UNCOUNTED]
        for name in files:
            path = os.path.join(place, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            found.add((path, stat.S_IFMT(status.st_mode), status.st_mode & 0o100, status.st_size, status.st_mtime_ns))
    return frozenset(found)
