"""How well the rules reader of maze dialogues reads the hand-labelled ones: prints the tables of its doc.

    python benchmarks/maze_reader_table.py            # the tables
    python benchmarks/maze_reader_table.py --write    # and put them into docs/families/maze-reader.md
    python benchmarks/maze_reader_table.py --misses   # and every dialogue of the development part that it misreads
    python benchmarks/maze_reader_table.py --bars 7   # probes, wordings, and dialogues made afresh from seed 7

The rules were adjusted to the development part only. Which part a dialogue is in follows from its id, so
nobody chooses it.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pytest_collab.families.maze.reading.reader import Cell, Reading, Utterance, read  # noqa: E402

DIALOGUES: Final = ROOT / "tests" / "families" / "maze_dialogues.yaml"
PROBES: Final = ROOT / "tests" / "families" / "maze_probes.jsonl"
DOC: Final = ROOT / "docs" / "families" / "maze-reader.md"
BEGIN, END = "<!-- table begin -->", "<!-- table end -->"
ANSWERS: Final = ("accept", "reject", "open")
_DELTA: Final = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
_COMPASS: Final = str.maketrans("NSWE", "UDLR")
SURE: Final = 0.9
_BANDS: Final = ((0.0, 0.6), (0.6, 0.75), (0.75, 0.85), (0.85, 0.92), (0.92, 1.01))


@dataclass(frozen=True, slots=True)
class Scored:
    """One dialogue beside what the reader made of it.

    Attributes:
        path: what the label says was agreed, start cell first.
        answer: what the last turn does by the label, and by the reader.
    """

    id: str
    style: str
    part: str
    path: tuple[Cell, ...]
    reading: Reading
    answer: tuple[str, str]
    claims: frozenset[tuple[str, int, int, str]]
    found: frozenset[tuple[str, int, int, str]]

    @property
    def right(self) -> bool:
        return self.reading.path == self.path


def part_of(name: str) -> str:
    """`held-out` for about a third of all ids, `development` for the others."""
    return "held-out" if zlib.crc32(name.encode()) % 3 == 0 else "development"


def walk(start: Sequence[int], moves: str) -> tuple[Cell, ...]:
    """The cells that `moves` (letters U D L R) visit, `start` first."""
    path = [(start[0], start[1])]
    for move in moves:
        rows, cols = _DELTA[move]
        path.append((path[-1][0] + rows, path[-1][1] + cols))
    return tuple(path)


def utterances(entry: dict[str, Any]) -> list[Utterance]:
    seats = entry.get("seats", ["a", "b"])
    return [
        Utterance(seat, text, event, tuple(other for other in seats if other != seat))
        for event, (seat, text) in enumerate(entry["turns"])
    ]


def answer_of(reading: Reading, seat: str, event: int) -> str:
    """What the reader says that the message `event` does to the proposals before it."""
    if any((seat, event) in proposal.agreed_by for proposal in reading.proposals if proposal.event != event):
        return "accept"
    return "reject" if (seat, event) in reading.disagreements else "open"


def score(entry: dict[str, Any]) -> Scored:
    turns = utterances(entry)
    start, goal = entry.get("start", [0, 0]), entry.get("goal", [5, 5])
    reading = read(
        turns,
        size=entry.get("size", 6),
        start=(start[0], start[1]),
        goal=(goal[0], goal[1]),
        seats=entry.get("seats", ["a", "b"]),
    )
    last = turns[-1]
    return Scored(
        id=entry["id"],
        style=entry["style"],
        part="out of scope" if entry.get("scope") == "out" else part_of(entry["id"]),
        path=walk(start, entry["moves"]),
        reading=reading,
        answer=(entry["answer"], answer_of(reading, last.seat, last.event)),
        claims=frozenset((seat, row, col, content) for seat, row, col, content in entry.get("claims", [])),
        found=frozenset(
            (claim.seat, *claim.cell, claim.content) for claim in reading.claims if claim.content in ".#"
        ),
    )


def load() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(DIALOGUES.read_text("utf-8"))
    return entries


def rates(scored: Sequence[Scored]) -> dict[str, float]:
    """Shares between 0 and 1: paths read right, precision and recall of agreed paths, of acceptance, of claims.

    An agreed path counts as found only if it is right to the last cell.
    """
    agreed = [one for one in scored if len(one.path) > 1]
    told = [one for one in scored if len(one.reading.path) > 1]
    hits = sum(one.right for one in agreed)
    said, heard = sum(one.answer[0] == "accept" for one in scored), sum(one.answer[1] == "accept" for one in scored)
    both = sum(one.answer == ("accept", "accept") for one in scored)
    claimed, found = sum(len(one.claims) for one in scored), sum(len(one.found) for one in scored)
    shared = sum(len(one.claims & one.found) for one in scored)
    return {
        "path right": _share(sum(one.right for one in scored), len(scored)),
        "path precision": _share(hits, len(told)),
        "path recall": _share(hits, len(agreed)),
        "answer right": _share(sum(one.answer[0] == one.answer[1] for one in scored), len(scored)),
        "acceptance precision": _share(both, heard),
        "acceptance recall": _share(both, said),
        "claim precision": _share(shared, found),
        "claim recall": _share(shared, claimed),
    }


def _share(count: int, of: int) -> float:
    return count / of if of else 1.0


def confusion(scored: Iterable[Scored]) -> Counter[tuple[str, str]]:
    """(label, reader) -> how many last turns."""
    return Counter(one.answer for one in scored)


def tables(scored: Sequence[Scored]) -> str:
    """All tables, as Markdown."""
    parts = {
        part: [one for one in scored if one.part == part] for part in ("development", "held-out", "out of scope")
    }
    lines = ["| | " + " | ".join(f"{part} (n={len(ones)})" for part, ones in parts.items()) + " |"]
    lines.append("|---|" + "---:|" * len(parts))
    by_part = {part: rates(ones) for part, ones in parts.items()}
    for name in by_part["development"]:
        lines.append(f"| {name} | " + " | ".join(f"{by_part[part][name]:.3f}" for part in parts) + " |")
    for part in ("development", "held-out"):
        counts = confusion(parts[part])
        lines += ["", f"What the last message does, {part}: rows are the label, columns the reader.", ""]
        lines += ["| | " + " | ".join(ANSWERS) + " |", "|---|" + "---:|" * len(ANSWERS)]
        lines += [
            f"| {label} | " + " | ".join(str(counts[label, told]) for told in ANSWERS) + " |" for label in ANSWERS
        ]
    lines += ["", "How often the path is right, by the reader's own confidence (its mean in brackets).", ""]
    lines += ["| confidence | development | held-out |", "|---|---:|---:|"]
    for low, high in _BANDS:
        cells = []
        for part in ("development", "held-out"):
            ones = [one for one in parts[part] if low <= one.reading.confidence < high]
            said = sum(one.reading.confidence for one in ones) / max(1, len(ones))
            right = sum(one.right for one in ones)
            cells.append(f"{right} of {len(ones)}: {_share(right, len(ones)):.2f} ({said:.2f})")
        lines.append(f"| {low:.2f} to {min(high, 1.0):.2f} | " + " | ".join(cells) + " |")
    errors = " and ".join(f"{_calibration(parts[part]):.3f}" for part in ("development", "held-out"))
    lines += ["", f"Expected calibration error over these bands, development and held-out: {errors}."]
    return "\n".join(lines)


def _calibration(scored: Sequence[Scored]) -> float:
    """Mean distance between confidence and share of right paths, by band, weighted by how many are in it."""
    total = 0.0
    for low, high in _BANDS:
        ones = [one for one in scored if low <= one.reading.confidence < high]
        total += abs(sum(one.reading.confidence - one.right for one in ones))
    return total / len(scored)


def bars(seed: int) -> str:
    """How the reader does on probes, wordings, and dialogues made afresh in every way of talking, as Markdown."""
    made = [(talk.turns, talk.size, talk.start, talk.goal, talk.agreed) for talk in _made(seed) if not talk.foreign]
    probes = [
        (probe["messages"], probe["size"], tuple(probe["start"]), tuple(probe["goal"]), "".join(probe["agreed"]))
        for probe in map(json.loads, PROBES.read_text("utf-8").splitlines())
    ]
    said = [(one.turns, 6, (0, 0), (5, 5), one.agreed) for one in _scripts().wordings()]
    lines = ["| | n | exact | sure | wrong among the sure |", "|---|---:|---:|---:|---:|"]
    for name, ones in (("probes", probes), ("wordings", said), (f"made from seed {seed}", made)):
        right, sure = [], []
        for turns, size, start, goal, agreed in ones:
            reading = read(utterances({"turns": turns}), size=size, start=start, goal=goal, seats=("a", "b"))
            right.append(reading.path == walk(start, agreed.translate(_COMPASS)))
            sure.append(reading.confidence >= SURE)
        wrong = sum(certain and not exact for certain, exact in zip(sure, right, strict=True))
        lines.append(f"| {name} | {len(ones)} | {sum(right) / len(ones):.3f} | {sum(sure)} | {wrong} |")
    return "\n".join([*lines, "", *_blame()])


def _blame() -> list[str]:
    """Who is named in the wordings' verdicts."""
    judged = [(one, one.failures()) for one in _scripts().wordings()]
    faulty = [(one, failures) for one, failures in judged if one.fault]
    named = sum(one.at_fault(failures[0] if failures else None) for one, failures in faulty)
    nobody = sum(not any(failure.seats for failure in failures) for _, failures in faulty)
    innocent = sum(bool(one.innocents(failures)) for one, failures in judged)
    lines = ["| dialogues | with a planted fault | headline on that seat | nobody named | an innocent seat named |"]
    return [
        *lines,
        "|---:|---:|---:|---:|---:|",
        f"| {len(judged)} | {len(faulty)} | {named} | {nobody} | {innocent} |",
    ]


def _scripts() -> Any:
    sys.path.insert(0, str(DIALOGUES.parent))
    import maze_scripts

    return maze_scripts


def _made(seed: int) -> Sequence[Any]:
    sys.path.insert(0, str(DIALOGUES.parent))
    import maze_talk

    made: Sequence[Any] = maze_talk.talks(20, seed=seed)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into the doc")
    parser.add_argument("--misses", action="store_true", help="list misread dialogues of the development part")
    parser.add_argument("--bars", type=int, metavar="SEED", help="probes and made dialogues, and nothing else")
    options = parser.parse_args()
    if options.bars is not None:
        print(bars(options.bars))
        return
    scored = [score(entry) for entry in load()]
    text = tables(scored)
    print(text)
    if options.misses:
        for one in scored:
            if one.part == "development" and not (
                one.right and one.answer[0] == one.answer[1] and one.claims == one.found
            ):
                print(f"\n{one.id}: {one.answer} confidence {one.reading.confidence}")
                print(f"  label  {one.path}\n  reader {one.reading.path}")
                print(f"  claims missed {sorted(one.claims - one.found)}, invented {sorted(one.found - one.claims)}")
    if options.write:
        doc = DOC.read_text("utf-8")
        head, rest = doc.split(BEGIN)
        DOC.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
