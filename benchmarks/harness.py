"""What the harness itself costs: per turn, per episode, at collection, and with many episodes in flight.

    python benchmarks/harness.py

Everything is measured in one run on this machine. Where inspect_ai is installed (`pip install inspect-ai`), the same
simulated work is played by it too, and the ratio is printed; the bars are those of the project's own promises.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import ClassVar

from pytest_collab.episode.agent import Agent, Reply, Request
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import LocalExecutor
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt, Speech
from pytest_collab.episode.outcome import Outcome, Verdict
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Transcript

TURNS = 10
EPISODES = 64
DELAY = 0.2


class Chat(Params):
    """Two seats talk for a number of turns."""

    family: ClassVar[str] = "chat"
    turns: int = TURNS


class ChatGame(Game):
    seats = ("a", "b")

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.done = 0

    def brief(self, seat: str) -> str:
        return "Talk."

    def ask(self) -> Ask | None:
        return Ask((self.seats[self.done % 2],)) if self.done < self.turns else None

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        return Prompt("\n".join(message.text for message in inbox))

    def parse(self, seat: str, reply: Reply) -> Move:
        return Move("said", (Speech(reply.text),))

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        self.done += 1
        return []


class ChatFamily(Family[Chat]):
    name = "chat"
    params_type = Chat

    def seats(self, params: Chat) -> tuple[str, ...]:
        return ("a", "b")

    def deal(self, params: Chat, seed: int, condition: Condition) -> Game:
        return ChatGame(params.turns)

    def verdict(self, params: Chat, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return Verdict(Outcome.SUCCESS, 1.0)


class Echo(Agent):
    def __init__(self, delay: float) -> None:
        self.name = "echo"
        self.delay = delay

    async def reply(self, request: Request) -> Reply:
        if self.delay:
            await asyncio.sleep(self.delay)
        return Reply("Let us go on with the next step of our plan.")


def play(episodes: int, turns: int, delay: float, in_flight: int, folder: Path) -> float:
    """Seconds for so many episodes, transcripts and records written as in a session."""
    family, agent = ChatFamily(), Echo(delay)
    run = RunDirectory.create(folder)
    executor = LocalExecutor(in_flight, keep=run.add)
    plans = [
        Plan(family, Chat(turns=turns), "chat", "", Condition("team"), ("echo", "echo"), (agent, agent), seed)
        for seed in range(episodes)
    ]
    began = time.perf_counter()
    executor.start(plans)
    for plan in plans:
        executor.result(plan)
    seconds = time.perf_counter() - began
    executor.close()
    return seconds


def collect(episodes: int) -> tuple[float, float]:
    """Seconds of `pytest --co` for so many episodes, and for an empty session."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        task = "family: maze\nparams: {size: 6}\nconditions: [team]\nseeds: "
        (path / "many.collab.yaml").write_text(f"{task}{episodes}\n")
        command = [sys.executable, "-m", "pytest", "--co", "-q", "--agents=partner", "-p", "no:cacheprovider"]

        def seconds(*more: str) -> float:
            began = time.perf_counter()
            subprocess.run([*command, *more], cwd=path, stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - began

        return seconds(), seconds("--collab-seeds=1")


def idle() -> tuple[float, float]:
    """Median seconds of `pytest --version` with the plugin and without."""

    def seconds(*more: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pytest", "--version", *more], capture_output=True, check=True)
        return time.perf_counter() - began

    times = [(seconds(), seconds("-p", "no:collab")) for _ in range(12)]
    return median(a for a, _ in times), median(b for _, b in times)


INSPECT = """
import sys, time, asyncio
from inspect_ai import Task, eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import solver, generate
from inspect_ai.scorer import match

turns, samples, delay = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

@solver
def talk():
    async def solve(state, generate):
        for _ in range(turns):
            if delay:
                await asyncio.sleep(delay)
            state = await generate(state)
        return state
    return solve

def output(input, tools, tool_choice, config):
    made = ModelOutput.from_content("mockllm/model", "Let us go on with the next step of our plan.")
    made.usage = ModelUsage(input_tokens=10, output_tokens=10, total_tokens=20)  # or it would count them itself
    return made

task = Task(dataset=[Sample(input="Talk.", target="plan") for _ in range(samples)], solver=talk(), scorer=match())
model = get_model("mockllm/model", custom_outputs=output)
began = time.perf_counter()
at_once = dict(max_samples=samples, max_connections=samples)
logs = inspect_eval(task, model=model, display="none", log_dir=sys.argv[4], **at_once)
print(logs[0].status, time.perf_counter() - began)
"""


def inspect_ai(turns: int, samples: int, delay: float) -> float | None:
    """Seconds that inspect_ai takes for the same simulated work; None where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, "-c", INSPECT, str(turns), str(samples), str(delay), folder]
        done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        print(f"inspect_ai was not measured ({done.stderr.strip().splitlines()[-1] if done.stderr else 'failed'});")
        print("  pip install inspect-ai")
        return None
    status, seconds = done.stdout.split()[-2:]
    assert status == "success", done.stdout[-300:]
    return float(seconds)


def show(what: str, figure: str, bar: str) -> None:
    print(f"{what:<62} {figure:>12}   {bar}")


def main() -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        few, many = 2, 202
        short = median(play(50, few, 0, 1, folder / f"s{i}") for i in range(3)) / 50
        long = median(play(50, many, 0, 1, folder / f"l{i}") for i in range(3)) / 50
        turn = (long - short) / (many - few)
        show("per turn, agents that answer at once", f"{turn * 1e3:.3f} ms", "bar 1 ms")
        show("per episode (what is left at no turns)", f"{(short - few * turn) * 1e3:.2f} ms", "bar 10 ms")
        whole, empty = collect(10_000)
        show("collecting 10,000 episodes (whole process)", f"{whole:.2f} s", "bar 5 s")
        show("  the same for one episode", f"{empty:.2f} s", "")
        with_plugin, without = idle()
        more = (with_plugin - without) * 1e3
        show("pytest --version, more with the plugin than without", f"{more:.1f} ms", "bar 30 ms")
        flight = play(EPISODES, TURNS, DELAY, EPISODES, folder / "flight")
        ideal = TURNS * DELAY
        show(f"{EPISODES} episodes x {TURNS} turns x {DELAY:g} s, {EPISODES} in flight", f"{flight:.2f} s", "")
        show("  over the ideal time", f"{flight / ideal:.2f} x", "bar 1.5 x")
        theirs = inspect_ai(TURNS, EPISODES, DELAY)
        if theirs is not None:
            ratio = f"ours / theirs {flight / theirs:.2f}"
            show("  inspect_ai over the ideal time", f"{theirs / ideal:.2f} x", ratio)
        busy = play(EPISODES * 10, TURNS, 0, EPISODES, folder / "busy")
        show(f"{EPISODES * 10} episodes x {TURNS} turns, no delay", f"{busy:.2f} s", "")
        theirs = inspect_ai(TURNS, EPISODES * 10, 0)
        if theirs is not None:
            show("  inspect_ai", f"{theirs:.2f} s", f"ours / theirs {busy / theirs:.2f}")


if __name__ == "__main__":
    main()
