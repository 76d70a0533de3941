"""A replication as text, Markdown, a page or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pytest_collab.episode.text import counted
from pytest_collab.replications.table import Cell, Kind, Replication, Row, Section

KINDS: Final[Mapping[Kind, str]] = {
    "published": "as published",
    "cast": "our cast, no model",
    "agents": "agents under test",
}
_NONE: Final = "-"


def figure(cell: Cell | None, digits: int) -> str:
    """A figure with its interval, where there is one."""
    if cell is None:
        return _NONE
    told = f"{cell.value:.{digits}f}"
    if cell.low is None or cell.high is None:
        return told
    return f"{told} [{cell.low:.{digits}f}, {cell.high:.{digits}f}]"


def count(row: Row) -> str:
    """Episodes behind a row: one number, or the least and the most of its cells."""
    known = [cell.n for cell in row.cells if cell is not None and cell.n is not None]
    if not known:
        return _NONE
    return str(known[0]) if len(set(known)) == 1 else f"{min(known)}..{max(known)}"


def cells(section: Section) -> Iterator[tuple[Kind | None, tuple[str, ...]]]:
    """Lines of a section as texts, the heads first (under no kind)."""
    yield None, ("", "n", *section.columns)
    for row in section.rows:
        told = [figure(cell, digits) for cell, digits in zip(row.cells, section.digits, strict=True)]
        yield row.kind, (row.who, count(row), *told)


def head(found: Replication) -> Iterator[str]:
    """What this is, in lines."""
    yield f"{found.title} ({found.arxiv}), at {found.scale} scale"
    played = "; rows of ours were played by this command" if found.run else "; nothing was played"
    yield f"95 % intervals in brackets{played}{f', run {found.run}' if found.run else ''}"
    yield "no interval: one episode, all episodes alike, or none printed"
    if found.lost:
        yield f"lost to infrastructure, and counted nowhere: {counted(found.lost, 'episode')}"
    if any(not section.rows for section in found.sections):
        yield "no rows: " + ", ".join(section.title for section in found.sections if not section.rows)
    if found.absent:
        yield f"not in this run: {', '.join(found.absent)}"


def _filled(found: Replication) -> list[Section]:
    return [section for section in found.sections if section.rows]


def remarks(found: Replication) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What has to be said beside the tables, by heading; empty ones are left out."""
    said = (
        ("What is played otherwise than in the study", found.differs),
        ("Read beside the study's prompts", found.read),
        ("Caveats of the study's own figures", found.caveats),
        ("Not played", found.not_played),
        (f"Played at {'paper' if found.scale == 'quick' else 'quick'} scale", found.elsewhere),
    )
    yield from ((heading, lines) for heading, lines in said if lines)


def terminal(found: Replication) -> str:
    """Aligned text."""
    lines = [*head(found)]
    named: tuple[str, ...] = ()
    for section in _filled(found):
        lines += ["", section.title]
        rows = list(cells(section))
        wide = [max(len(texts[place]) for _, texts in rows) for place in range(len(section.columns) + 2)]
        before: Kind | None = None
        for kind, texts in rows:
            if kind is not None and kind != before:
                lines.append(f"  {KINDS[kind]}")
            before = kind
            first, *rest = texts
            right = "  ".join(f"{text:>{width}}" for text, width in zip(rest, wide[1:], strict=True))
            lines.append(f"    {first:<{wide[0]}}  {right}".rstrip())
        lines += [f"  source: {source}" for source in section.sources if source not in named]
        named += section.sources
        lines += [f"  {note}" for note in section.notes]
    for heading, said in remarks(found):
        lines += ["", heading, *(f"  - {line}" for line in said)]
    return "\n".join(lines) + "\n"


def markdown(found: Replication) -> str:
    """Markdown tables, one a section."""
    lines = [f"{line}." if not line.endswith(".") else line for line in head(found)]
    named: tuple[str, ...] = ()
    for section in _filled(found):
        lines += ["", f"**{section.title}**", ""]
        for kind, texts in cells(section):
            first, *rest = texts
            if kind is None:
                lines += [_row(["", "rows", *rest]), "|---" * (len(rest) + 2) + "|"]
            else:
                lines.append(_row([first, KINDS[kind], *rest]))
        told = [*(f"Source: {source}" for source in section.sources if source not in named), *section.notes]
        named += section.sources
        lines += ["", *(f"{line}.  " if not line.endswith(".") else f"{line}  " for line in told)] if told else []
    for heading, said in remarks(found):
        lines += ["", f"{heading}:", "", *(f"- {line}" for line in said)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def page(found: Replication) -> str:
    """One self-contained page of HTML, without a script."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("pytest_collab.replications", "templates"), autoescape=True)
    return environment.get_template("replication.html.j2").render(
        found=found,
        head=list(head(found)),
        sections=[(section, list(cells(section))) for section in _filled(found)],
        remarks=list(remarks(found)),
        kinds=KINDS,
    )


def as_json(found: Replication) -> str:
    """JSON by the schema docs/schemas/replication.json."""
    return found.model_dump_json(indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[Replication], str]]] = {
    "terminal": terminal,
    "markdown": markdown,
    "json": as_json,
    "html": page,
}
