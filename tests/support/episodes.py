"""Episodes for tests of figures: only what a test is about has to be said."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode, SeatUsage, episode_id


def episode(
    condition: str = "team",
    team: str = "a+b",
    seed: int = 0,
    *,
    ok: bool = True,
    task: str = "t",
    family: str = "maze",
    epoch: int = 0,
    outcome: Outcome | None = None,
    score: float | None = None,
    failures: Iterable[Failure] = (),
    metrics: dict[str, float] | None = None,
    cost: float | None = 0.01,
    task_hash: str = "h1",
    attempt: int = 1,
    settled: bool = True,
) -> Episode:
    """One episode; without `outcome` a success or a coordination failure, as `ok` says."""
    members = tuple(team.split("+"))
    seats = [chr(ord("a") + place) for place in range(max(2, len(members)))]
    return Episode(
        id=episode_id(family, task, task_hash, condition, members, seed, epoch, attempt),
        family=family,
        task=task,
        condition=condition,
        team=members,
        seed=seed,
        epoch=epoch,
        outcome=outcome or (Outcome.SUCCESS if ok else Outcome.COORDINATION),
        score=float(ok) if score is None else score,
        failures=tuple(failures),
        metrics=metrics or {},
        usage={
            seat: SeatUsage(
                agent=members[min(place, len(members) - 1)],
                calls=2,
                input_tokens=100,
                output_tokens=10,
                cost_usd=cost,
            )
            for place, seat in enumerate(seats)
        },
        turns=4,
        duration_s=1.5,
        attempt=attempt,
        settled=settled,
        task_hash=task_hash,
    )


def write_run(path: Path, episodes: Iterable[Episode]) -> Path:
    """A run directory with just these episodes."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "episodes.jsonl").write_text("".join(one.json_line() + "\n" for one in episodes), encoding="utf-8")
    return path
