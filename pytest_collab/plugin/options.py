"""The command line: every option, its ini twin, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_collab.episode.condition import Condition
from pytest_collab.errors import TaskError
from pytest_collab.plugin.values import choice, dollars, names_of, sandbox_named, shard_of, truth, whole

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
    _Option(
        "--collab-in-flight",
        "N",
        "episodes that one process plays at the same time (default 1); of a whole session where players play them",
    ),
    _Option(
        "--collab-executor",
        "local|subprocess|ray|NAME",
        "where episodes are played: in this process (default), by players in processes of this machine, or on a Ray "
        "cluster (NAME: what an installed package adds)",
    ),
    _Option("--collab-players", "N", "players at most, where episodes are played by players"),
    _Option("--collab-max-cost", "USD", "begin an episode only if what is left of this covers its likely cost"),
    _Option("--collab-plan", None, "say what would be played, with calls, tokens, dollars and minutes; play nothing"),
    _Option("--collab-record", "DIR", "keep every model exchange in DIR"),
    _Option("--collab-replay", "DIR", "play model exchanges back from DIR"),
    _Option(
        "--collab-sandbox",
        "auto|docker|bubblewrap|kubernetes|process|NAME",
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


def dests() -> list[str]:
    """Where the options are kept on `config.option`."""
    return [*(option.dest for option in _OPTIONS), "collab_resume_anew"]


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
        tuple(names_of(f"{flag}-pools", texts["-pools"])),
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
    executor: str
    players: int | None
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
            **({"executor": self.executor} if self.executor != "local" else {}),
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
        tuple(names_of("--collab-teams", team, "+")) for team in names_of("--collab-teams", get("--collab-teams"))
    )
    agents = tuple(dict.fromkeys(names_of("--agents", get("--agents"))))
    if not agents:
        agents = tuple(dict.fromkeys(name for team in teams for name in team))
    pairing = choice("--collab-pairing", get("--collab-pairing") or "all", ("self", "cross", "all"))
    if not teams:
        teams = tuple(_pairs(agents, pairing))
    anew = bool(config.getoption("collab_resume_anew")) or get("--collab-resume").lower() == "anew"
    resume = anew or truth("--collab-resume", get("--collab-resume"))
    if resume and not get("--collab-run-dir"):
        raise pytest.UsageError("--collab-resume needs --collab-run-dir=DIR, the run to finish")
    stop = truth("--collab-stop-when-decided", get("--collab-stop-when-decided"))
    if stop and not get("--collab-gate"):
        raise pytest.UsageError("--collab-stop-when-decided needs --collab-gate=FILE: gates are what is decided")
    shard = shard_of(get("--collab-shard"))
    if stop and shard is not None:
        raise pytest.UsageError(
            "--collab-stop-when-decided cannot be used with --collab-shard: shards do not see each other's episodes"
        )
    settle = truth("--collab-settle", get("--collab-settle"))
    if settle and shard is not None:
        raise pytest.UsageError(
            "--collab-settle cannot be used with --collab-shard: a shard does not know what the others play. Join "
            "them with `collab merge`, then finish the whole with --collab-resume --collab-settle"
        )
    return Settings(
        agents=agents,
        teams=teams,
        conditions=_conditions(get("--collab-conditions")),
        epochs=whole("--collab-epochs", get("--collab-epochs") or "1", least=1, most=10_000),
        seeds=whole("--collab-seeds", get("--collab-seeds"), least=1, most=100_000)
        if get("--collab-seeds")
        else None,
        seed=whole("--collab-seed", get("--collab-seed") or "0", least=0, most=2**31 - 1),
        run_dir=path("--collab-run-dir"),
        resume=resume,
        anew=anew,
        gate=path("--collab-gate"),
        baseline=path("--collab-baseline"),
        stand_ins=_stand_ins(get("--collab-as")),
        settle=settle,
        stop_when_decided=stop,
        shard=shard,
        in_flight=whole("--collab-in-flight", get("--collab-in-flight") or "1", least=1, most=4096),
        executor=get("--collab-executor") or "local",
        players=whole("--collab-players", get("--collab-players"), least=1, most=4096)
        if get("--collab-players")
        else None,
        max_cost=dollars(get("--collab-max-cost")),
        plan=truth("--collab-plan", get("--collab-plan")),
        record=path("--collab-record"),
        replay=path("--collab-replay"),
        sandbox=sandbox_named(get("--collab-sandbox") or "auto"),
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
        return parse_stand_ins(names_of("--collab-as", text), "--collab-as")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _shown(checkout: Checkout) -> dict[str, Any]:
    pools = list(checkout.pools)
    return {"dataset": str(checkout.dataset), "pools": pools, "subset": checkout.subset}


def _pairs(agents: tuple[str, ...], pairing: str) -> list[tuple[str, ...]]:
    own = [(agent, agent) for agent in agents] if pairing in ("self", "all") else []
    cross = list(permutations(agents, 2)) if pairing in ("cross", "all") else []
    return [*own, *cross]


def _conditions(text: str) -> tuple[Condition, ...] | None:
    if not text:
        return None
    try:
        return tuple(dict.fromkeys(Condition.parse(name) for name in names_of("--collab-conditions", text)))
    except TaskError as error:
        raise pytest.UsageError(f"--collab-conditions={text}: {error}") from None
