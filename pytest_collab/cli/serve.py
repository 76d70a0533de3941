"""`collab serve`: follow a run in the browser while it is played, or let people play one."""

from __future__ import annotations

import argparse
import threading
import webbrowser
from dataclasses import dataclass
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pytest_collab.cli.loopback import HOST, LocalHandler, listen
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import CollabError, UsageError

if TYPE_CHECKING:
    from pytest_collab.report.model import Report

SECONDS_PER_EPISODE = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run",
        type=Path,
        nargs="?",
        help="a run directory, which may still grow; with --play the new one (default .collab/runs/<time>)",
    )
    parser.add_argument(
        "--play", metavar="TASK", help="let people at browsers play this: a family (maze), or a *.collab.yaml file"
    )
    parser.add_argument("--with", dest="partner", metavar="AGENT", help="with --play: one person, beside this agent")
    parser.add_argument("--condition", default="team", help="with --play: team, shared, solo, ... (team)")
    parser.add_argument("--seeds", type=int, metavar="N", help="with --play: how many (default the task's own)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="with --play: the first seed (0)")
    parser.add_argument("--param", action="append", default=[], metavar="KEY=VALUE", help="with --play FAMILY")
    parser.add_argument("--port", type=int, default=0, help="a port of this machine (default: any free one)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if args.play is not None:
        return _play(args)
    if args.run is None:
        raise UsageError("name a run directory, or what people are to play: collab serve --play maze")
    with server(RunDirectory.open(args.run), args.port) as serving:
        url = f"http://{HOST}:{serving.server_address[1]}/"
        print(f"{url}  (this machine only; Ctrl-C ends it)", flush=True)
        if args.open:
            webbrowser.open(url)
        serving.serve_forever()
    return 0


def _play(args: argparse.Namespace) -> int:
    from pytest_collab.cli.people import Asked, Evening, serve
    from pytest_collab.cli.play import parameter
    from pytest_collab.cli.project import project

    params = [parameter(text) for text in args.param]
    asked = Asked(args.play, args.condition, args.seeds, args.seed, params, args.partner)
    registry = project().registry()
    return serve(Evening(asked, RunDirectory.create(args.run), registry), args.port)


def server(directory: RunDirectory, port: int = 0) -> ThreadingHTTPServer:
    """A server of a run's pages on the loopback address, not yet serving.

    Raises:
        UsageError: the port is taken, or no port.
    """
    followed = Followed(directory)

    class Handler(_Handler):
        run = followed

    return listen(Handler, port)


@dataclass(frozen=True, slots=True)
class _State:
    """What decides whether the pages have to be made anew: sizes and times of the run's files."""

    files: tuple[tuple[int, int], ...]
    report: Report
    page: bytes


class Followed:
    """A run that may still grow. Pages are made when its files have changed, one request at a time."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._state: _State | None = None

    def page(self) -> bytes:
        """The page as the run stands. Raises RunError."""
        return self._now().page

    def progress(self) -> dict[str, Any]:
        """How far the run is: what the page polls for. Raises RunError."""
        report = self._now().report
        return {"episodes": len(report.episodes), "planned": report.planned, "finished": report.finished}

    def episode(self, identity: str) -> dict[str, Any] | None:
        """One episode, with its pictures; None where the run has none of that id. Raises RunError."""
        from pytest_collab.report.frames import Clock
        from pytest_collab.report.html import payload

        found = self._now().report.episodes.named(identity)
        return None if found is None else payload(found, self.directory, Clock(SECONDS_PER_EPISODE))

    def _now(self) -> _State:
        from pytest_collab.report.html import render
        from pytest_collab.report.reading import read_report

        with self._lock:
            files = self._stamp()
            if self._state is None or self._state.files != files:
                report = read_report(self.directory)
                page = render(report, self.directory, live=True).text.encode("utf-8")
                self._state = _State(files, report, page)
            return self._state

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        found = []
        for name in ("episodes.jsonl", "run.json", "gates.json"):
            try:
                stat = (self.directory.path / name).stat()
            except OSError:
                found.append((-1, -1))
            else:
                found.append((stat.st_size, stat.st_mtime_ns))
        return tuple(found)


class _Handler(LocalHandler):
    """Answers GET from this machine's own browser, and nobody who came by another host name."""

    run: Followed

    def do_GET(self) -> None:  # noqa: N802
        if not self.is_local():
            self.send(HTTPStatus.FORBIDDEN, b"this page is served to this machine only\n", "text/plain")
            return
        address = urlsplit(self.path)
        try:
            if address.path == "/":
                self.send(HTTPStatus.OK, self.run.page(), "text/html", "")  # the page has a policy of its own
            elif address.path == "/state":
                self._json(self.run.progress())
            elif address.path.startswith("/episode/"):
                self._json(self.run.episode(parse_qs(address.query).get("id", [""])[0]))
            else:
                self.send(HTTPStatus.NOT_FOUND, b"not here\n", "text/plain")
        except CollabError as error:
            self.send(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n".encode(), "text/plain")

    def _json(self, content: Any) -> None:
        from pytest_collab.report.embed import compact

        self.send(HTTPStatus.OK, compact(content), "application/json")
