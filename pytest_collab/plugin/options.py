"""The command line: every option, its ini twin, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_collab.episode.condition import Condition
from pytest_collab.errors import TaskError

NO_AGENTS: Final = "collaboration tasks need agents: pass --agents=NAME[,NAME] (offline: --agents=partner,silent)"


@dataclass(frozen=True, slots=True)
class _Option:
    flag: str
    metavar: str | None
    help: str
    ini_name: str = ""

    @property
    def dest(self) -> str:
        return "collab_" + self.flag.removeprefix("--collab-").removeprefix("--").replace("-", "_")

    @property
    def ini(self) -> str:
        """`collab_teams` for --collab-teams; `agents` for --agents."""
        return self.ini_name or self.flag.removeprefix("--").replace("-", "_")


_OPTIONS: Final = (
    _Option(
        "--agents",
        "A,B",
        "agents under test: an alias (claude, gpt, or one of the agents file), provider/model, builtin/NAME "
        "(bare NAME works where no alias has it), replay/DIR, command/NAME, acp/NAME, a2a/URL, python/MODULE:NAME, "
        "team/MODULE:NAME",
    ),
    _Option("--collab-teams", "A+B,B+A", "exactly these teams, in seat order"),
    _Option(
        "--collab-pairing",
        "self|cross|all",
        "which teams to make of --agents: each with itself, ordered pairs of different ones, or both (default all)",
    ),
    _Option("--collab-conditions", "C,C", "play exactly these conditions, e.g. solo,team"),
    _Option("--collab-epochs", "N", "repeat every episode N times"),
    _Option("--collab-seeds", "N", "how many seeds per task"),
    _Option("--collab-seed", "S", "the root seed: tasks that give a number of seeds start at it (default 0)"),
    _Option("--collab-run-dir", "DIR", "where the run goes (default .collab/runs/<time>)"),
    _Option("--collab-resume", None, "finish the interrupted run in --collab-run-dir: play just what is missing"),
    _Option("--collab-gate", "FILE", "gates decide the exit status; episodes are then evidence"),
    _Option("--collab-baseline", "DIR", "an earlier run to compare with"),
    _Option("--collab-as", "NEW=OLD", "compare with the baseline as if the agent NEW were its agent OLD"),
    _Option(
        "--collab-settle",
        None,
        "at the end, play just the solo episodes that tell of unsettled failures: coordination or competence?",
    ),
    _Option("--collab-stop-when-decided", None, "skip what no gate needs any more"),
    _Option("--collab-shard", "I/N", "play the I-th of N parts of the episodes, e.g. 2/5; `collab merge` joins them"),
    _Option("--collab-in-flight", "N", "episodes that one process plays at the same time (default 1)"),
    _Option("--collab-max-cost", "USD", "begin an episode only if what is left of this covers its likely cost"),
    _Option("--collab-plan", None, "say what would be played, with calls, tokens, dollars and minutes; play nothing"),
    _Option("--collab-record", "DIR", "keep every model exchange in DIR"),
    _Option("--collab-replay", "DIR", "play model exchanges back from DIR"),
    _Option(
        "--collab-sandbox",
        "auto|docker|bubblewrap|process|NAME",
        "where agents' and graders' commands run (default auto; NAME: what an installed package adds)",
    ),
    _Option(
        "--collab-grader",
        "seats|rules|AGENT[:K]",
        "who reads free-form dialogue: the seats, asked apart when it has ended (default), the rules (default for "
        "the built-in cast), or an agent, K times",
    ),
    _Option("--collab-cooperbench", "DIR", "play the pairs of this checkout of CooperBench"),
    _Option("--collab-cooperbench-repos", "DIR", "clones or mirrors of its repositories (default: fetch upstream's)"),
    _Option("--collab-cooperbench-pools", "A,B", "only these of its pools, e.g. click/2068,jinja (default all)"),
    _Option("--collab-cooperbench-subset", "NAME", "only the pairs of this subset of it, e.g. lite"),
    _Option(
        "--collab-agents-file",
        "FILE",
        "the agents file (default collab-agents.yaml, where there is one)",
        ini_name="collab_agents",
    ),
)


def add(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    group = parser.getgroup("collab", "collaboration of agents (pytest-collab)")
    for option in _OPTIONS:
        if option.metavar is None:
            group.addoption(option.flag, dest=option.dest, action="store_true", default=None, help=option.help)
        else:
            group.addoption(option.flag, dest=option.dest, metavar=option.metavar, default=None, help=option.help)
        parser.addini(option.ini, f"default of {option.flag}", type="string", default="")
    # A flag that may have a value, and never takes the next argument for it.
    group.addoption(
        "--collab-resume=anew",
        dest="collab_resume_anew",
        action="store_true",
        default=None,
        help="the same; what was played with tasks or agents that have changed since is played anew",
    )


def _raw(config: pytest.Config, flag: str) -> str:
    option = next(o for o in _OPTIONS if o.flag == flag)
    value = config.getoption(option.dest)
    return str(config.getini(option.ini) if value is None else value).strip()


def has_agents(config: pytest.Config) -> bool:
    """Did the user name agents or teams?"""
    return bool(_raw(config, "--agents") or _raw(config, "--collab-teams"))


def asked_on_the_command_line(config: pytest.Config) -> bool:
    """Did the user ask for episodes just now, rather than once and for all in the ini file?"""
    return any(config.getoption(option.dest) for option in _OPTIONS) or bool(config.getoption("collab_resume_anew"))


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout of CooperBench whose pairs are to be played.

    Attributes:
        repos: None to fetch upstream's repositories.
        pools: names of pools; empty for all.
    """

    dataset: Path
    repos: Path | None
    pools: tuple[str, ...]
    subset: str | None


def cooperbench(config: pytest.Config) -> Checkout | None:
    """What `--collab-cooperbench` and its companions ask for.

    Raises:
        pytest.UsageError: a companion is given without it.
    """
    flag = "--collab-cooperbench"
    texts = {name: _raw(config, f"{flag}{name}") for name in ("", "-repos", "-pools", "-subset")}
    if not texts[""]:
        for name, text in texts.items():
            if text:
                raise pytest.UsageError(f"{flag}{name}={text} needs {flag}=DIR, a checkout of CooperBench")
        return None
    folder = config.invocation_params.dir
    return Checkout(
        folder / texts[""],
        folder / texts["-repos"] if texts["-repos"] else None,
        tuple(_names(f"{flag}-pools", texts["-pools"])),
        texts["-subset"] or None,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options come to.

    Attributes:
        agents: agents under test, each once.
        teams: teams to play, in seat order.
        conditions: None for each task's own.
        seeds: None for each task's own.
        anew: where what a resumed run was played with has changed, play it again instead of refusing.
        shard: which part (from 1) of how many to play; None for all.
    """

    agents: tuple[str, ...]
    teams: tuple[tuple[str, ...], ...]
    conditions: tuple[Condition, ...] | None
    epochs: int
    seeds: int | None
    seed: int
    run_dir: Path | None
    resume: bool
    anew: bool
    gate: Path | None
    baseline: Path | None
    stand_ins: dict[str, str]
    settle: bool
    stop_when_decided: bool
    shard: tuple[int, int] | None
    in_flight: int
    max_cost: float | None
    plan: bool
    record: Path | None
    replay: Path | None
    sandbox: str
    grader: str
    agents_file: Path | None
    cooperbench: Checkout | None

    def as_options(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "agents": list(self.agents),
            "teams": ["+".join(team) for team in self.teams],
            "conditions": None if self.conditions is None else [str(c) for c in self.conditions],
            "epochs": self.epochs,
            "seeds": self.seeds,
            "seed": self.seed,
            "in_flight": self.in_flight,
            "max_cost": self.max_cost,
            "sandbox": self.sandbox,
            "grader": self.grader,
            "gate": str(self.gate) if self.gate else None,
            "baseline": str(self.baseline) if self.baseline else None,
            **({"as": self.stand_ins} if self.stand_ins else {}),
            "settle": self.settle,
            "stop_when_decided": self.stop_when_decided,
            "shard": None if self.shard is None else f"{self.shard[0]}/{self.shard[1]}",
            "record": str(self.record) if self.record else None,
            "replay": str(self.replay) if self.replay else None,
            **({"cooperbench": _shown(self.cooperbench)} if self.cooperbench else {}),
        }


def settings(config: pytest.Config) -> Settings:
    """Read and check all options.

    Raises:
        pytest.UsageError: names the option, the value and the remedy.
    """

    def get(flag: str) -> str:
        return _raw(config, flag)

    def path(flag: str) -> Path | None:
        text = get(flag)
        if "://" in text:
            raise pytest.UsageError(f"{flag} is a path, not an address")
        return config.invocation_params.dir / text if text else None

    teams = tuple(
        tuple(_names("--collab-teams", team, "+")) for team in _names("--collab-teams", get("--collab-teams"))
    )
    agents = tuple(dict.fromkeys(_names("--agents", get("--agents"))))
    if not agents:
        agents = tuple(dict.fromkeys(name for team in teams for name in team))
    pairing = _choice("--collab-pairing", get("--collab-pairing") or "all", ("self", "cross", "all"))
    if not teams:
        teams = tuple(_pairs(agents, pairing))
    anew = bool(config.getoption("collab_resume_anew")) or get("--collab-resume").lower() == "anew"
    resume = anew or _flag("--collab-resume", get("--collab-resume"))
    if resume and not get("--collab-run-dir"):
        raise pytest.UsageError("--collab-resume needs --collab-run-dir=DIR, the run to finish")
    stop = _flag("--collab-stop-when-decided", get("--collab-stop-when-decided"))
    if stop and not get("--collab-gate"):
        raise pytest.UsageError("--collab-stop-when-decided needs --collab-gate=FILE: gates are what is decided")
    shard = _shard(get("--collab-shard"))
    if stop and shard is not None:
        raise pytest.UsageError(
            "--collab-stop-when-decided cannot be used with --collab-shard: shards do not see each other's episodes"
        )
    settle = _flag("--collab-settle", get("--collab-settle"))
    if settle and shard is not None:
        raise pytest.UsageError(
            "--collab-settle cannot be used with --collab-shard: a shard does not know what the others play. Join "
            "them with `collab merge`, then finish the whole with --collab-resume --collab-settle"
        )
    return Settings(
        agents=agents,
        teams=teams,
        conditions=_conditions(get("--collab-conditions")),
        epochs=_whole("--collab-epochs", get("--collab-epochs") or "1", least=1, most=10_000),
        seeds=_whole("--collab-seeds", get("--collab-seeds"), least=1, most=100_000)
        if get("--collab-seeds")
        else None,
        seed=_whole("--collab-seed", get("--collab-seed") or "0", least=0, most=2**31 - 1),
        run_dir=path("--collab-run-dir"),
        resume=resume,
        anew=anew,
        gate=path("--collab-gate"),
        baseline=path("--collab-baseline"),
        stand_ins=_stand_ins(get("--collab-as")),
        settle=settle,
        stop_when_decided=stop,
        shard=shard,
        in_flight=_whole("--collab-in-flight", get("--collab-in-flight") or "1", least=1, most=4096),
        max_cost=_dollars(get("--collab-max-cost")),
        plan=_flag("--collab-plan", get("--collab-plan")),
        record=path("--collab-record"),
        replay=path("--collab-replay"),
        sandbox=_sandbox(get("--collab-sandbox") or "auto"),
        grader=get("--collab-grader") or "",
        agents_file=path("--collab-agents-file"),
        cooperbench=cooperbench(config),
    )


def _stand_ins(text: str) -> dict[str, str]:
    if not text:
        return {}
    from pytest_collab.errors import UsageError
    from pytest_collab.measure.standin import parse_stand_ins

    try:
        return parse_stand_ins(_names("--collab-as", text), "--collab-as")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _shown(checkout: Checkout) -> dict[str, Any]:
    pools = list(checkout.pools)
    return {"dataset": str(checkout.dataset), "pools": pools, "subset": checkout.subset}


def _pairs(agents: tuple[str, ...], pairing: str) -> list[tuple[str, ...]]:
    own = [(agent, agent) for agent in agents] if pairing in ("self", "all") else []
    cross = list(permutations(agents, 2)) if pairing in ("cross", "all") else []
    return [*own, *cross]


def _names(flag: str, text: str, separator: str = ",") -> list[str]:
    names = [name.strip() for name in text.split(separator)] if text else []
    if any(not name for name in names):
        raise pytest.UsageError(f"{flag}={text}: there is an empty name; write NAME{separator}NAME")
    return names


def _conditions(text: str) -> tuple[Condition, ...] | None:
    if not text:
        return None
    try:
        return tuple(dict.fromkeys(Condition.parse(name) for name in _names("--collab-conditions", text)))
    except TaskError as error:
        raise pytest.UsageError(f"--collab-conditions={text}: {error}") from None


def _choice(flag: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise pytest.UsageError(f"{flag}={text}: choose from {', '.join(choices)}")
    return text


def _sandbox(name: str) -> str:
    if name not in ("auto", "docker", "bubblewrap", "process"):
        from pytest_collab.errors import UsageError
        from pytest_collab.sandbox.choose import check_name

        try:
            check_name(name)
        except UsageError as error:
            raise pytest.UsageError(f"--collab-sandbox={name}: {error}") from None
    return name


def _flag(flag: str, text: str) -> bool:
    if text.lower() in ("", "false", "no", "0"):
        return False
    if text.lower() in ("true", "yes", "1"):
        return True
    more = ", nor anew" if flag == "--collab-resume" else ""
    raise pytest.UsageError(f"{flag}: {text!r} is neither true nor false{more}")


def _whole(flag: str, text: str, *, least: int, most: int) -> int:
    if not text.lstrip("-").isdecimal() or not least <= int(text) <= most:
        raise pytest.UsageError(f"{flag}={text}: give a whole number from {least} to {most}")
    return int(text)


def _shard(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    place, _, parts = text.partition("/")
    if not (place.isdecimal() and parts.isdecimal() and 1 <= int(place) <= int(parts) <= 10_000):
        raise pytest.UsageError(f"--collab-shard={text}: give I/N with I from 1 to N, e.g. 2/5")
    return int(place), int(parts)


def _dollars(text: str) -> float | None:
    if not text:
        return None
    read: Callable[[str], float] = float
    try:
        value = read(text.lstrip("$"))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise pytest.UsageError(f"--collab-max-cost={text}: give a positive number of US dollars, e.g. 2.50")
    return value
