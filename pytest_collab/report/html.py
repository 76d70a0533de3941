"""report.html: one self-contained page of a run, that needs no network and runs no text of an agent."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pytest_collab import __version__
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.text import counted, one_line, plural
from pytest_collab.errors import CollabError, RunError
from pytest_collab.measure.frame import OUTCOMES, UNGRADED
from pytest_collab.measure.metric import terms
from pytest_collab.measure.plan import planned_of
from pytest_collab.measure.records import Records
from pytest_collab.report.embed import Chunk, chunks, coded, compact, packed, source_hash
from pytest_collab.report.frames import Clock, events, frames, proofs, turn_ends
from pytest_collab.report.model import Report
from pytest_collab.report.order import order
from pytest_collab.report.overview import Overview, overview, selection
from pytest_collab.report.pagedata import head
from pytest_collab.report.reading import read_report
from pytest_collab.report.story import PAGE, headline, headline_of
from pytest_collab.report.telling import subjects

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_OF_A_NOTE: Final = 140
EMBED_LIMIT: Final = 24_000_000
"""Characters of packed transcripts in a page, unless everything is asked for."""

RECORDS: Final = 500
MOST_RECORDS: Final = 10_000
"""Episodes whose transcripts are left out: how many of them a chunk and the page have; the list has all."""

_NOTHING: Final[dict[str, list[Any]]] = {"events": [], "ends": [], "at": [], "pictures": []}
_DEFAULTS: Final[dict[str, Any]] = {"failures": [], "usage": {}, "error": None, "settled": True, "transcript": ""}

SECONDS_AT_SESSION_END: Final = 8.0
SECONDS_ON_DEMAND: Final = 240.0
"""How much time of its processors embedding transcripts and drawing pictures may take; pictures half of it."""

_SCRIPTS: Final = ("work.js", "telling.js", "stage.js", "episode.js", "app.js")


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered page.

    Attributes:
        text: the whole file.
        episodes: how many there are; `embedded` of them can be read in the page turn by turn.
        undrawn: embedded episodes whose pictures were left out, wholly or in part, for want of time.
    """

    text: str
    episodes: int
    embedded: int
    undrawn: int


def write_report(
    run: RunDirectory,
    out: Path | None = None,
    *,
    baseline: Path | None = None,
    everything: bool = False,
    seconds: float | None = SECONDS_ON_DEMAND,
) -> Path:
    """Write the page of a run.

    Args:
        run: a run directory, finished or not.
        out: where to; `report.html` in the run directory when left out.
        baseline: an earlier run to compare with.
        everything: embed every transcript and draw every picture, however large the page gets.
        seconds: how long embedding transcripts and drawing pictures may take.

    Raises:
        RunError: the run cannot be read, or the page cannot be written.
    """
    page = render(read_report(run, baseline), run, everything=everything, seconds=seconds)
    if out is None:
        return run.write(PAGE, page.text)
    try:
        out.write_text(page.text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}") from error
    return out


def render(
    report: Report,
    run: RunDirectory,
    *,
    everything: bool = False,
    seconds: float | None = SECONDS_ON_DEMAND,
    live: bool = False,
) -> Page:
    """The page as text.

    Args:
        live: leave transcripts out; the page asks its server (`collab serve`) for them.
    """
    clock = Clock(None if everything else seconds)
    view = overview(report)
    limit = None if everything else EMBED_LIMIT
    packs = [] if live else list(_embedded(report.episodes, run, clock, limit, linked_from(report, view)))
    embedded = sum(len(chunk.rows) for chunk in packs)
    if not live:
        packs += _records(report.episodes, {row for chunk in packs for row in chunk.rows})
    places = {row: (number, at) for number, chunk in enumerate(packs) for at, row in enumerate(chunk.rows)}
    data = head(report) | {
        "live": live,
        "notes": [] if live else _notes(len(report.episodes), embedded, clock.skipped, run.path),
        "run": str(run.path),
    }
    style, script = static("style.css"), "\n".join(map(static, _SCRIPTS))
    text = (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            view=view,
            notes=data["notes"],
            live=live,
            version=__version__,
            style=style,
            script=script,
            policy=policy(style, script, live=live),
            head=packed(compact(data)),
            index=packed(compact(_index(report, places))),
            chunks=[chunk.text for chunk in packs],
        )
    )
    return Page(text, len(report.episodes), embedded, clock.skipped)


def policy(style: str, script: str, *, live: bool = False) -> str:
    """Nothing may be loaded or run but what is written here; no text can become markup, even by our mistake."""
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src {source_hash(style)}",
            f"script-src {source_hash(script)}",
            *(["connect-src 'self'"] if live else []),
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _notes(total: int, embedded: int, skipped: int, path: Path) -> list[str]:
    notes = []
    if embedded < total:
        notes.append(
            f"{embedded} of {counted(total, 'episode')} can be read turn by turn in this page, "
            "unsuccessful ones first; "
            "of the others there are head, seats and failures; "
            f"`collab report {path} --all` writes a page with all of them."
        )
    if skipped:
        notes.append(
            f"{counted(skipped, 'episode')} {plural(skipped, 'has', 'have')} no pictures, or only some: "
            "drawing all would have taken too long; "
            f"`collab report {path} --all` draws them."
        )
    return notes


def _index(report: Report, places: dict[int, tuple[int, int]]) -> dict[str, Any]:
    was, ids = ({}, {}) if report.baseline is None else (report.baseline.outcomes, report.baseline.ids)
    about = subjects(report.info)
    frame = report.episodes.frame
    n = len(frame)
    notes = [""] * n  # what unsuccessful episodes failed of, in a line
    for row, raw in report.episodes.raw(np.flatnonzero(~frame.success).tolist()):
        told = headline_of(OUTCOMES[report.episodes.outcomes[row]], next(iter(raw.get("failures") or ()), None))
        notes[row] = one_line(told, MOST_OF_A_NOTE)
    codes = [""] * n
    for row, faults in frame.faults.items():
        codes[row] = " ".join(dict.fromkeys(fault.code for fault in faults))
    keys = planned_of(frame)
    return {
        "n": n,
        "id": list(frame.id),
        "family": coded(frame.family),
        "task": coded(frame.task),
        "condition": coded(frame.condition),
        "team": coded("+".join(team) for team in frame.team),
        "seed": frame.seed.tolist(),
        "epoch": frame.epoch.tolist(),
        "outcome": coded(str(OUTCOMES[code]) for code in report.episodes.outcomes.tolist()),
        "score": np.round(frame.score, 4).tolist(),
        "codes": coded(codes),
        "turns": frame.turns.astype(int).tolist(),
        "duration_s": np.round(frame.duration_s, 2).tolist(),
        "cost_usd": [None if cost != cost else cost for cost in frame.cost_usd.tolist()],
        "place": [places.get(row, -1) for row in range(n)],
        "note": notes,
        "was": coded(was.get(one, "") for one in keys),
        "was_id": [ids.get(one, "") for one in keys],
        "about": coded(about(one.family, one.task, one.seed) for one in keys),
    }


def _embedded(
    episodes: Records, run: RunDirectory, clock: Clock, limit: int | None, linked: Collection[str]
) -> Iterator[Chunk]:
    """Chunks of transcripts, what matters most first, until the page is large enough or the time is up."""
    written = 0
    in_time = takewhile(lambda row: not clock.over(), order(episodes.frame, episodes.outcomes, linked))
    for chunk in chunks(_payloads(in_time, episodes, run, clock)):
        written += len(chunk.text)
        if limit is not None and written > limit:
            return
        yield chunk


def _records(episodes: Records, taken: Collection[int]) -> Iterator[Chunk]:
    """Chunks of what is known of the other episodes without their transcripts, unsuccessful ones first."""
    rows = (row for row in order(episodes.frame, episodes.outcomes) if row not in taken)
    return chunks(_bare(islice(rows, MOST_RECORDS), episodes), episodes=RECORDS)


def _bare(rows: Iterable[int], episodes: Records) -> Iterator[tuple[int, dict[str, Any]]]:
    for row in rows:
        with contextlib.suppress(RunError):
            yield from ((found, bare(raw, episodes, found)) for found, raw in episodes.raw([row]))


def bare(raw: Mapping[str, Any], episodes: Records, row: int) -> dict[str, Any]:
    """One episode as its page shows it where there is no room for its transcript: head, seats and failures."""
    outcome = OUTCOMES[episodes.outcomes[row]]
    metrics = raw.get("metrics") or {}
    record = _DEFAULTS | dict(raw) | {"outcome": str(outcome)}
    record["metrics"] = {key: metrics[key] for key in (UNGRADED,) if key in metrics}
    told = headline_of(outcome, next(iter(record["failures"]), None))
    return {"episode": record, "bare": True, "headline": told, **_NOTHING}


def linked_from(report: Report, view: Overview) -> set[str]:
    """The ids of the episodes that the first page leads to."""
    examples = {
        example.episode for story in report.agents for complaint in story.complaints for example in complaint.examples
    }
    return examples | {pair.episode.id for pair in view.lost} | {loss.example for loss in report.lost}


def _payloads(
    rows: Iterable[int], episodes: Records, run: RunDirectory, clock: Clock
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Of these rows; a line that has columns and is no episode (of another version's making) is only listed."""
    for row in rows:
        with contextlib.suppress(RunError):
            yield row, payload(episodes[row], run, clock)


def payload(episode: Episode, run: RunDirectory, clock: Clock) -> dict[str, Any]:
    """One episode as its page shows it: record, events, turns, pictures."""
    record = episode.model_dump(mode="json")
    try:
        transcript = run.transcript(episode)
    except CollabError as error:
        return {"episode": record, "missing": str(error), "headline": headline(episode), **_NOTHING}
    rows, left_out = events(episode, transcript)
    return {
        "episode": record,
        "events": rows,
        "spans": proofs(episode, rows),
        "headline": headline(episode),
        "left_out": left_out,
        "ends": turn_ends(transcript),
        **frames(episode, transcript, clock),
    }


@cache
def static(name: str) -> str:
    """The text of a file that pages hold."""
    return (files("pytest_collab.report") / "static" / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Where templates are, with their filters; whatever they are given becomes text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pytest_collab.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": percent, "signed": signed, "usd": usd, "query": query, "terms": terms}
    made.filters |= {"count": count, "counted": counted_apart}
    made.filters["selection"] = selection
    return made


def percent(value: float | None) -> str:
    """A share as whole percent; a dash where there is none."""
    return "–" if value is None or value != value else f"{100 * value:.0f} %"


def signed(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "–" if value is None or value != value else f"{100 * value:+.0f}".replace("-", "−")


def usd(value: float | None) -> str:
    """Dollars; `unknown` where a price is."""
    return "unknown" if value is None else f"${value:,.2f}" if value == 0 or value >= 0.01 else f"${value:.4f}"


def count(value: float) -> str:
    """A number with thousands apart."""
    return f"{value:,.0f}".replace(",", "\u202f")


def counted_apart(value: int, noun: str, many: str = "") -> str:
    """`counted`, with thousands apart."""
    return f"{count(value)} {plural(value, noun, many)}"


def query(values: dict[str, Any]) -> str:
    """A link to the list of episodes, filtered."""
    from urllib.parse import quote, urlencode

    return f"#/episodes?{urlencode({k: v for k, v in values.items() if v is not None}, quote_via=quote)}"
