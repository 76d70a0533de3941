"""`collab serve --play`: people at browsers play a task, seed by seed, into a run directory."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pytest_collab import __version__, families
from pytest_collab.agents.browser import BrowserAgent, Chair
from pytest_collab.agents.registry import Registry
from pytest_collab.cli.loopback import HOST, LocalHandler, listen
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import Finished, LocalExecutor
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo, TaskInfo
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.families.task import Task, make_task
from pytest_collab.families.taskfile import read_task

MOST_BYTES: Final = 200_000
"""Of a message that a page sends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be played.

    Attributes:
        what: a family, or a `*.collab.yaml` file.
        params: `KEY=VALUE` for a family.
        partner: who takes the seats after the first; None for people.
    """

    what: str
    condition: str = "team"
    seeds: int | None = None
    seed: int = 0
    params: Sequence[tuple[str, Any]] = ()
    partner: str | None = None


def task_of(asked: Asked) -> Task:
    """The task: the file's own, so that the run can be held beside those of models; or one of a family.

    Raises:
        UsageError, TaskError: there is no such family or file, or it has a mistake.
    """
    if asked.what.endswith((".yaml", ".yml")):
        if asked.params:
            raise UsageError("--param goes with a family; a task file has its own params")
        return read_task(Path(asked.what))
    family = families.get(asked.what)
    params = family.params_type(**dict(asked.params))
    return make_task(asked.what, params, 1, [asked.condition])


class Evening:
    """People who play one task's seeds, one after the other.

    Args:
        run: where episodes are kept.
        registry: who else may play.

    Attributes:
        keys: by seat, what a page has to know to sit there.
        results: what the finished episodes came to.
    """

    def __init__(self, asked: Asked, run: RunDirectory, registry: Registry | None = None) -> None:
        self.task = task_of(asked)
        self.condition = Condition.parse(asked.condition)
        self.run = run
        family, params = self.task.family, self.task.params
        refusal = family.refuses(self.condition, params) or family.missing(params)
        if refusal is not None:
            raise UsageError(refusal)
        seats = family.seats(params)
        taken = seats[:1] if self.condition.solo or asked.partner is not None else seats
        self.chairs = {seat: Chair(seat) for seat in taken}
        self.keys = {seat: secrets.token_urlsafe(12) for seat in taken}
        self.seeds = self.task.seed_list(asked.seeds, asked.seed)
        self.results: list[Episode] = []
        people = BrowserAgent(self.chairs)
        partner = None if asked.partner is None else (registry or Registry()).get(asked.partner)
        self._agents = [people] if self.condition.solo else [people, *([partner or people] * (len(seats) - 1))]
        self._executor = LocalExecutor(keep=self._keep)
        self._describe(people, partner)

    def _describe(self, *agents: Any) -> None:
        task = self.task
        self.run.write(
            "run.json",
            RunInfo(
                versions={"pytest-collab": __version__},
                options={"played": "people at browsers", "conditions": [str(self.condition)]},
                agents=[agent.describe() for agent in agents if agent is not None],
                tasks=[
                    TaskInfo(
                        name=task.name,
                        family=task.family.name,
                        hash=task.hash,
                        params=task.params.model_dump(mode="json"),
                        file=task.file,
                    )
                ],
                started=_now(),
            ),
        )

    def begin(self) -> None:
        """Let the first episode begin, and each next one when the last is over."""
        self.task.family.prepare([(self.task.params, list(self.seeds))])
        self._executor.start(self._plan(seed) for seed in self.seeds)

    def _plan(self, seed: int) -> Plan:
        task = self.task
        limits = task.limits or task.family.limits(task.params)
        return Plan(
            family=task.family,
            params=task.params,
            task=task.name,
            task_hash=task.hash,
            condition=self.condition,
            team=tuple(agent.name for agent in self._agents),
            agents=tuple(self._agents),
            seed=seed,
            limits=_unhurried(limits),
        )

    def _keep(self, episode: Episode, transcript: Any) -> Episode:
        episode = self.run.add(episode, transcript)
        self.results.append(episode)
        words = str(episode.outcome).replace("_", " ")
        for chair in self.chairs.values():
            chair.tell(f"Over: {words}, score {episode.score:.2f}.")
        if self.over:
            self.run.write("run.json", self.run.info().model_copy(update={"finished": _now(), "exit_status": 0}))
        return episode

    @property
    def over(self) -> bool:
        """All seeds are played."""
        return len(self.results) == len(self.seeds)

    def shown(self, seat: str) -> dict[str, Any]:
        """What a seat's page shows."""
        return {
            **self.chairs[seat].shown(),
            "task": self.task.name,
            "played": len(self.results),
            "episodes": len(self.seeds),
            "over": self.over,
        }

    def wait(self, timeout: float | None = None) -> list[Finished]:
        """Wait until all seeds are played."""
        futures: list[Future[Finished]] = [self._executor.future(self._plan(seed)) for seed in self.seeds]
        return [future.result(timeout) for future in futures]

    def close(self) -> None:
        """Stop; an episode in play is not kept."""
        for chair in self.chairs.values():
            chair.stop()
        self._executor.close()


def _unhurried(limits: Limits) -> Limits:
    """Without limits of time: people think as long as they like."""
    seat = limits.seat.model_copy(update={"answer_seconds": None})
    return limits.model_copy(update={"seconds": None, "answer_seconds": None, "seat": seat})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def server(evening: Evening, port: int = 0) -> ThreadingHTTPServer:
    """A server of the seats' pages on the loopback address, not yet serving.

    Raises:
        UsageError: the port is taken, or no port.
    """

    class Handler(_Handler):
        table = evening

    return listen(Handler, port)


def addresses(evening: Evening, port: int) -> dict[str, str]:
    """Where each seat's page is."""
    return {seat: f"http://{HOST}:{port}/{seat}?key={key}" for seat, key in evening.keys.items()}


def serve(evening: Evening, port: int = 0) -> int:
    """Serve until all is played or the user interrupts; prints where to sit."""
    with server(evening, port) as serving:
        print(f"{evening.task.name}: {counted(len(evening.seeds), 'episode')}, run {evening.run.path}")
        for seat, address in addresses(evening, serving.server_address[1]).items():
            print(f"seat {seat}: {address}", flush=True)
        print("(this machine only: for another one, forward the port, as with ssh -L; Ctrl-C ends it)", flush=True)
        Thread(target=serving.serve_forever, daemon=True).start()
        try:
            evening.begin()
            evening.wait()
        except KeyboardInterrupt:
            print(f"\nended after {len(evening.results)} of {counted(len(evening.seeds), 'episode')}")
        finally:
            evening.close()
            serving.shutdown()
    for episode in evening.results:
        print(f"seed {episode.seed}: {episode.outcome}, score {episode.score:.2f}")
    print(f"look closer: collab show {evening.run.path}")
    return 0


class _Handler(LocalHandler):
    """Answers the pages of this machine's own browsers; a seat's key keeps the other seat, and other sites, out."""

    table: Evening

    def do_GET(self) -> None:  # noqa: N802
        address = urlsplit(self.path)
        seat, _, what = address.path.strip("/").partition("/")
        if not self._may_sit(seat, parse_qs(address.query).get("key", [""])[0]):
            return
        if what == "state":
            self.send(HTTPStatus.OK, json.dumps(self.table.shown(seat)).encode(), "application/json")
        elif not what:
            page, policy = _page()
            self.send(HTTPStatus.OK, page.encode(), "text/html", policy)
        else:
            self.send(HTTPStatus.NOT_FOUND, b"not here\n", "text/plain")

    def do_POST(self) -> None:  # noqa: N802
        address = urlsplit(self.path)
        seat, _, what = address.path.strip("/").partition("/")
        length = self.headers.get("Content-Length") or ""
        body = self.rfile.read(min(int(length), MOST_BYTES)) if length.isdecimal() else b""
        if not self._may_sit(seat, parse_qs(address.query).get("key", [""])[0]):
            return
        try:
            said = json.loads(body)
            text, version = str(said["text"]), int(said["version"])
        except (ValueError, KeyError, TypeError):
            self.send(HTTPStatus.BAD_REQUEST, b"send {text, version}\n", "text/plain")
            return
        taken = what == "say" and text.strip() and self.table.chairs[seat].answer(text, version)
        self.send(HTTPStatus.OK if taken else HTTPStatus.CONFLICT, b"{}", "application/json")

    def _may_sit(self, seat: str, key: str) -> bool:
        known = self.table.keys.get(seat, "")
        if self.is_local() and known and secrets.compare_digest(known.encode(), key.encode()):
            return True
        self.send(HTTPStatus.FORBIDDEN, b"take the address that the server printed for your seat\n", "text/plain")
        return False


def _page() -> tuple[str, str]:
    """The page, and what alone it may load and run: nothing but what stands in it."""
    from pytest_collab.report.embed import source_hash

    folder = files("pytest_collab.cli") / "static"
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("seat.css", "seat.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {source_hash(style)}; script-src {source_hash(script)}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (folder / "seat.html").read_text(encoding="utf-8").format(style=style, script=script), policy
