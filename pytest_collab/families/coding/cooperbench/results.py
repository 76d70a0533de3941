"""Results in CooperBench's own layout: `<run>/<setting>/<repository>_task/<id>/f1_f2/{result,eval}.json` and patches.

Its evaluator finds these folders as it finds its own, and reads the same fields. All of it comes from transcripts.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode, SeatUsage
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError

Setting = Literal["coop", "solo"]

_DIFF_LIMIT: Final = 5000
_TESTS = re.compile(r"(?:^|/)([A-Za-z0-9_]+_task)/task(\d+)/feature(\d+)/tests\.patch$")
_NAME = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True, slots=True)
class AgentResult:
    """One agent of a pair.

    Attributes:
        features: numbers of its features in CooperBench.
        patch: its work, byte for byte; None where the transcript does not hold it whole.
        status: `Submitted`, `LimitsExceeded` or `Error`.
    """

    features: tuple[int, ...]
    patch: bytes | None
    status: str = "Submitted"
    model: str = ""
    usage: SeatUsage = field(default_factory=SeatUsage)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FeatureResult:
    """How a feature's tests did on the joined tree."""

    number: int
    passed: bool = False
    exit_code: int | None = None
    tests_passed: int = 0
    tests_failed: int = 0
    output: str = ""


@dataclass(frozen=True, slots=True)
class PairResult:
    """One episode, as CooperBench tells it.

    Attributes:
        group: `pallets_click_task`.
        task: 2068.
        agents: in order of seats.
        features: in ascending order of their numbers.
        conflicts: the plain merge has conflicts.
        strategy: what gave the tree that was tested: `naive` or `union`; None where nothing did.
        messages: who told whom what, and when (seconds since the start).
        error: of the infrastructure; then nothing is evaluated.
    """

    group: str
    task: int
    setting: Setting
    agents: Sequence[AgentResult]
    features: Sequence[FeatureResult]
    conflicts: bool = False
    strategy: str | None = None
    merged_patch: str = ""
    messages: Sequence[Mapping[str, Any]] = ()
    error: str | None = None
    run_id: str = ""
    duration_s: float = 0.0

    @property
    def folder(self) -> Path:
        """Where it lies below the folder of its run."""
        pair = "_".join(f"f{one.number}" for one in self.features)
        return Path(self.setting, self.group, str(self.task), pair)


def pair_of(episode: Episode, transcript: Transcript) -> PairResult | str:
    """What an episode comes to; a sentence where CooperBench's layout has no place for it."""
    if episode.family != "coding":
        return f"family {episode.family} is not CooperBench's"
    params: dict[str, Any] = next((event.data["params"] for event in transcript.of("start")), {})
    places = {feature["id"]: _TESTS.search(feature.get("tests") or "") for feature in params.get("features", ())}
    if not places or not all(places.values()):
        return f"task {episode.task} is none of CooperBench's"
    condition = Condition.parse(episode.condition)
    if condition.kind in ("lead", "sequential"):
        return f"condition {condition.kind} merges no branches; the layout knows solo and coop"
    owned: dict[str, list[str]] = next(
        (event.data["features"] for event in transcript.of("state") if "features" in event.data), {}
    )
    if not owned:
        return "it ended before anyone was seated"
    numbers = {name: int(match[3]) for name, match in places.items() if match}
    found = next(match for match in places.values() if match)
    grades = transcript.of("grade")
    merges = {event.data["strategy"]: event.data for event in grades if event.data.get("what") == "merge"}
    strategy = next((name for name, merge in merges.items() if merge["status"] == "clean"), None)
    broken = episode.error if episode.outcome is Outcome.INFRASTRUCTURE else None
    seats = list(owned)
    return PairResult(
        group=found[1],
        task=int(found[2]),
        setting="solo" if condition.solo else "coop",
        agents=[
            _agent(episode, transcript, seat, tuple(numbers[name] for name in owned[seat]), broken) for seat in seats
        ],
        features=sorted(_features(grades, owned, numbers), key=lambda one: one.number),
        conflicts=merges.get("naive", {}).get("status") == "conflicts",
        strategy=strategy,
        merged_patch=merges[strategy].get("diff", "") if strategy else "",
        messages=[
            {
                "from": f"agent{seats.index(event.seat) + 1}",
                "to": f"agent{seats.index(to) + 1}",
                "message": event.data["text"],
                "timestamp": round(event.t, 3),
                "feature_id": numbers[owned[event.seat][0]],
            }
            for event in transcript.of("message")
            if event.seat in owned
            for to in event.data["to"]
            if to in owned
        ],
        error=broken,
        run_id=episode.id,
        duration_s=episode.duration_s,
    )


def _agent(
    episode: Episode, transcript: Transcript, seat: str, features: tuple[int, ...], broken: str | None
) -> AgentResult:
    work = next((e.data for e in transcript.of("grade", seat=seat) if e.data.get("what") == "work"), None)
    patch, error = None, broken
    if work is not None:
        if "patch_base64" in work:
            patch = base64.b64decode(work["patch_base64"])
        elif work.get("whole"):
            patch = work["diff"].encode()
        else:
            error = error or "the transcript does not hold the whole patch"
    limited = any(event.seat in (seat, None) for event in transcript.of("limit"))
    models = [event.data.get("model", "") for event in transcript.of("seated", seat=seat)]
    return AgentResult(
        features,
        patch,
        "Error" if broken else "LimitsExceeded" if limited else "Submitted",
        models[-1] if models else "",
        episode.usage.get(seat, SeatUsage()),
        error,
    )


def _features(
    grades: Iterable[Any], owned: Mapping[str, Sequence[str]], numbers: Mapping[str, int]
) -> Iterable[FeatureResult]:
    joined = {
        event.data["feature"]: event.data
        for event in grades
        if event.data.get("what") == "tests" and event.data["on"] != "own"
    }
    for name in (name for names in owned.values() for name in names):
        data = joined.get(name)
        if data is None:
            yield FeatureResult(numbers[name])
            continue
        counts = data.get("counts") or {}
        yield FeatureResult(
            numbers[name],
            data["passed"],
            data["exit_code"],
            counts.get("passed", 0),
            counts.get("failed", 0) + counts.get("error", 0),
            data["tail"],
        )


def evaluation(pair: PairResult, when: str) -> dict[str, Any]:
    """The content of eval.json."""
    coop = pair.setting == "coop"
    features = {}
    for place, one in enumerate(pair.features, 1):
        more = {
            "feature_id": one.number,
            "exit_code": one.exit_code,
            "tests_passed": one.tests_passed,
            "tests_failed": one.tests_failed,
        }
        features[f"feature{place}"] = {"passed": one.passed, "test_output": one.output, **(more if coop else {})}
    told: dict[str, Any] = {}
    if coop:
        told["apply_status"] = {f"agent{n}": _applied(agent) for n, agent in enumerate(pair.agents, 1)}
        told["merge"] = {
            "status": "conflicts" if pair.conflicts else "clean" if pair.strategy else "missing_input",
            "strategy": pair.strategy,
            "diff": pair.merged_patch[:_DIFF_LIMIT],
        }
    return {
        "repo": pair.group,
        "task_id": pair.task,
        "features": [one.number for one in pair.features],
        "setting": pair.setting,
        **({"merge": None} if not coop else told),
        **features,
        "both_passed": bool(pair.features) and all(one.passed for one in pair.features),
        "error": pair.error,
        "evaluated_at": when,
    }


def _applied(agent: AgentResult) -> str:
    return "unknown" if agent.patch is None else "applied" if agent.patch.strip() else "skipped"


def result(pair: PairResult, run_name: str, started: datetime, log_dir: Path) -> dict[str, Any]:
    """The content of result.json."""
    agents = {f"agent{place}": _told(agent, pair.setting) for place, agent in enumerate(pair.agents, 1)}
    costs = [agent["cost"] for agent in agents.values()]
    told: dict[str, Any] = {"agents": agents} if pair.setting == "coop" else {"agent": agents["agent1"]}
    return {
        "repo": pair.group,
        "task_id": pair.task,
        "features": [one.number for one in pair.features],
        "setting": pair.setting,
        "run_id": pair.run_id,
        "run_name": run_name,
        "agent_framework": "pytest-collab",
        "model": "+".join(dict.fromkeys(agent.model for agent in pair.agents)),
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(seconds=pair.duration_s)).isoformat(),
        "duration_seconds": pair.duration_s,
        **told,
        "total_cost": None if None in costs else sum(costs),
        "total_steps": sum(agent["steps"] for agent in agents.values()),
        **({"messages_sent": len(pair.messages)} if pair.setting == "coop" else {}),
        "log_dir": str(log_dir),
    }


def _told(agent: AgentResult, setting: Setting) -> dict[str, Any]:
    return {
        **({"feature_id": agent.features[0]} if setting == "coop" else {}),
        "status": agent.status,
        "cost": agent.usage.cost_usd,
        "steps": agent.usage.calls,
        "input_tokens": agent.usage.input_tokens,
        "output_tokens": agent.usage.output_tokens,
        "cache_read_tokens": agent.usage.cached_tokens,
        "cache_write_tokens": 0,
        "patch_lines": len((agent.patch or b"").splitlines()),
        "error": agent.error,
    }


def write_pair(root: Path, run_name: str, pair: PairResult, started: datetime) -> Path:
    """Write one pair's folder below `root / run_name`; an episode lost to infrastructure gets no eval.json.

    Raises:
        OSError: it cannot be written.
    """
    folder = root / run_name / pair.folder
    folder.mkdir(parents=True, exist_ok=True)
    if pair.setting == "solo":
        patches = {"solo.patch": pair.agents[0].patch}
    else:
        patches = {f"agent{agent.features[0]}.patch": agent.patch for agent in pair.agents}
        _write(folder / "conversation.json", list(pair.messages))
    for name, patch in patches.items():
        if patch is not None:
            (folder / name).write_bytes(patch)
    _write(folder / "result.json", result(pair, run_name, started, folder))
    if pair.error is None:
        ended = started + timedelta(seconds=pair.duration_s)
        _write(folder / "eval.json", evaluation(pair, ended.isoformat()))
    return folder


def write_run(
    episodes: Iterable[Episode], read: Callable[[Episode], Transcript], name: str, started: str, root: Path
) -> tuple[dict[str, int], dict[str, int]]:
    """Write a run below `root`: a folder for each condition, team and epoch, as CooperBench keeps its runs.

    Args:
        read: an episode's transcript.
        name: of the run; what its folders' names begin with.
        started: when it began, in ISO 8601.

    Returns:
        Pairs by folder, and left-out episodes by why.

    Raises:
        OSError: a file cannot be written.
    """
    written: dict[str, list[PairResult]] = {}
    left_out: dict[str, int] = {}
    began = datetime.fromisoformat(started) if started else datetime.fromtimestamp(0, UTC)
    for episode in episodes:
        try:
            pair = pair_of(episode, read(episode))
        except RunError as error:
            pair = f"its transcript cannot be read: {error}"
        if isinstance(pair, str):
            left_out[pair] = left_out.get(pair, 0) + 1
            continue
        words = [name, episode.condition, "+".join(episode.team), *([f"e{episode.epoch}"] if episode.epoch else [])]
        folder = _NAME.sub("-", "-".join(words)).strip(".-") or "run"
        write_pair(root, folder, pair, began)
        written.setdefault(folder, []).append(pair)
    for folder, pairs in written.items():
        _write(root / folder / "eval_summary.json", _summary(folder, pairs, began))
    return {folder: len(pairs) for folder, pairs in written.items()}, left_out


def _summary(run_name: str, pairs: Sequence[PairResult], began: datetime) -> dict[str, Any]:
    def status(pair: PairResult) -> str:
        if pair.error is not None:
            return "error"
        return "pass" if pair.features and all(one.passed for one in pair.features) else "fail"

    results = [
        {
            "run": f"{pair.group}/{pair.task}/{','.join(str(one.number) for one in pair.features)}",
            "status": status(pair),
        }
        for pair in pairs
    ]
    count = {name: sum(one["status"] == name for one in results) for name in ("pass", "fail", "error")}
    return {
        "run_name": run_name,
        "evaluated_at": began.isoformat(),
        "total_runs": len(pairs),
        "passed": count["pass"],
        "failed": count["fail"],
        "errors": count["error"],
        "skipped": 0,
        "pass_rate": count["pass"] / max(count["pass"] + count["fail"], 1),
        "results": results,
    }


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n")
