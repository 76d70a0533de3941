"""Coding CLIs at their desks: what they are told, how they talk, and what becomes of their failures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents import printed
from pytest_collab.agents.command import CommandAgent
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.testing import Played, play_episode
from tests.coding import small

pytestmark = [
    pytest.mark.slow,  # most of them play an episode in a real tree
    pytest.mark.usefixtures("own_cache"),
]

DOUBLE = 'git apply --whitespace=nowarn "$PATCHES/double.patch"'
SHOUT = 'git apply --whitespace=nowarn "$PATCHES/shout.patch"'
TRIPLE = 'git apply --whitespace=nowarn "$PATCHES/triple.patch"'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = small.lay_out(tmp_path_factory.mktemp("pool"))
    patches = root / "patches"
    patches.mkdir()
    for name, (after, _) in small.FEATURES.items():
        (patches / f"{name}.patch").write_text(small.patch(after))
    return root


@pytest.fixture(autouse=True)
def _patches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHES", str(root / "patches"))
    monkeypatch.setattr("pytest_collab.agents.retry.FIRST_PAUSE_S", 0.005)


def cli(script: str, name: str = "cli", **more: Any) -> CommandAgent:
    command = ("sh", "-ec", script)
    return CommandAgent(name, AgentSettings(provider="command", command=command, mode="work", **more))


def play(root: Path, *team: Any, condition: str = "team", seed: int = small.CLEAN, **more: Any) -> Played:
    return play_episode(small.params(root), team, condition, seed, **more)


def said(played: Played, seat: str) -> str:
    return str(played.transcript.of("reply", seat=seat)[0].data["text"])


# What they are told.

TOOLS = re.compile(r"send_message|receive_messages|`finish`|`integrate`|`partner_diff`|`run`|tools you are given")


@pytest.mark.parametrize("condition", ["solo", "team", "mute", "shared", "git", "lead", "sequential"])
def test_a_program_is_told_how_to_do_each_thing_and_of_no_tool_that_it_has_not(root: Path, condition: str) -> None:
    team = [cli("cat")] if condition == "solo" else [cli("cat"), cli("cat")]
    played = play(root, *team, condition=condition)
    for prompt in played.transcript.of("prompt"):
        told = prompt.data["text"]
        assert not TOOLS.search(told), TOOLS.search(told)
        talks = condition not in ("solo", "mute")
        assert ("collab-send" in told) is talks
        assert ("collab-recv" in told) is talks
        assert "collab-run" in told
        assert ("collab-partner-diff" in told) is (condition == "shared")
        assert ("collab-integrate" in told) is (condition == "lead" and prompt.seat == "a")
        assert ("collab-finish" in told) is (condition == "lead" and prompt.seat == "b")
        assert "your work is taken" in told
        assert "Limits: 1 h in all." in told
        assert told.strip() == said(played, str(prompt.seat)).strip()  # all of it reached the program
    for brief in played.transcript.of("brief"):
        assert not TOOLS.search(brief.data["text"])


def test_commands_run_in_the_sandbox_of_the_task(root: Path) -> None:
    script = """
collab-run 'pwd; cat calc.py > copied.txt; echo "$HOME"; exit 3' || echo "status $?"
collab-run sh check.sh tests/test_base.py
cmp calc.py copied.txt && rm copied.txt
"""
    played = play(root, cli(script), cli("true"))
    lines = said(played, "a").splitlines()
    assert lines[0] != str(Path.cwd())
    assert lines[1] == "/home/agent"
    assert lines[2:4] == ["[exit status 3]", "status 3"]
    assert "ok 1 - tests/test_base.py" in said(played, "a")


def test_two_programs_talk_and_build_their_features(root: Path) -> None:
    first = f"""
collab-send --to b 'I change calc.py only'
{DOUBLE}
collab-recv --wait 60
"""
    second = f"""
collab-recv --wait 60
{SHOUT}
collab-send 'I change words.py only'
"""
    played = play(root, cli(first, "one"), cli(second, "two"))
    assert played.episode.outcome is Outcome.SUCCESS, played.episode
    assert "a: I change calc.py only" in said(played, "b")
    assert "b: I change words.py only" in said(played, "a")


def test_the_shared_remote_is_within_a_programs_reach(root: Path) -> None:
    first = f"""
{DOUBLE}
git commit -qam 'double' && git push -q origin HEAD
git log -1 --format=%an
collab-send pushed
"""
    second = """
collab-recv --wait 60
git fetch -q origin && git merge -q --no-edit origin/a && git log --format=%s
"""
    played = play(root, cli(first), cli(second + SHOUT), condition="git")
    assert said(played, "a").splitlines()[0] == "a"
    assert "double" in said(played, "b").splitlines()
    assert played.episode.outcome is Outcome.SUCCESS, played.episode


def test_work_that_conflicts_comes_back_to_the_program_that_handed_it_in(root: Path) -> None:
    lead = f"""
{DOUBLE}
collab-integrate b --wait 60 || echo "status $?"
collab-integrate --seat b --wait 60
"""
    member = f"""
{TRIPLE}
collab-finish || true
grep -c '<<<<<<<' calc.py
cat > calc.py <<'END'
{small.BOTH}
END
collab-finish --summary resolved
"""
    played = play(root, cli(lead), cli(member), condition="lead", seed=small.CONFLICTING)
    assert "it conflicts in calc.py and went back to b" in said(played, "a")
    assert "status 1" in said(played, "a")
    assert "integrated b's work" in said(played, "a")
    assert "Not finished: your work conflicts" in said(played, "b")
    assert played.episode.outcome is Outcome.SUCCESS, played.episode


def test_a_program_in_sequence_finds_what_the_one_before_has_left(root: Path) -> None:
    played = play(root, cli(DOUBLE), cli(f"git log -1 --format=%s; {SHOUT}"), condition="sequential")
    assert said(played, "b").strip() == "what the team has so far"
    assert played.episode.outcome is Outcome.SUCCESS, played.episode


def test_a_program_that_believes_its_environment_finds_its_tree_too(root: Path) -> None:
    played = play(root, cli("printenv PWD; readlink /proc/self/cwd"), "nop")
    told, real = said(played, "a").split()
    assert told == real


def test_the_programs_of_a_desk_need_no_environment(root: Path) -> None:
    played = play(root, cli('env -i "$(command -v collab-send)" hello'), cli("collab-recv --wait 60"))
    assert "delivered to b" in said(played, "a")
    assert "a: hello" in said(played, "b")


def test_wrong_words_are_answered_with_the_right_ones(root: Path) -> None:
    script = (
        "collab-integrate b --wait soon || collab-integrate b c d || collab-integrate --seat || collab-sendd || :"
    )
    played = play(root, cli(script), cli("true"), condition="lead")
    assert "wait 'soon' is no whole number; write: collab-integrate SEAT [--wait WAIT]" in said(played, "a")
    assert "one word too many" in said(played, "a")
    assert "--seat needs a value" in said(played, "a")


# The task on standard input, among the arguments, or in a file.


@pytest.mark.parametrize(
    ("more", "command", "told"),
    [
        ({}, ("sh", "-c", 'cat > /dev/null; echo "stdin $(cat "$COLLAB_PROMPT_FILE" | wc -c)"'), "stdin"),
        ({}, ("sh", "-c", 'echo "$(wc -c) $(printf %s "$1" | wc -c)"', "sh", "{prompt}"), "0 TASK"),
        ({}, ("sh", "-c", 'echo "$(wc -c) $(wc -c < "$1")"', "sh", "{prompt_file}"), "0 TASK"),
        (
            {"stdin": "prompt"},
            ("sh", "-c", 'echo "$(wc -c) $(printf %s "$1" | wc -c)"', "sh", "{prompt}"),
            "TASK TASK",
        ),
        ({"stdin": "empty"}, ("sh", "-c", 'echo "$(wc -c) $(wc -c < "$COLLAB_PROMPT_FILE")"'), "0 TASK"),
    ],
)
def test_the_task_is_told_once_unless_both_ways_are_asked_for(
    root: Path, more: dict[str, Any], command: tuple[str, ...], told: str
) -> None:
    agent = CommandAgent("cli", AgentSettings(provider="command", command=command, mode="work", **more))
    played = play(root, agent, "nop")
    task = played.transcript.of("prompt", seat="a")[0].data["text"]
    assert said(played, "a").split()[: len(told.split())] == told.replace("TASK", str(len(task.encode()))).split()


def test_the_mcp_server_is_offered_in_the_form_that_clients_take(root: Path) -> None:
    pytest.importorskip("mcp", reason="pip install 'pytest-collab[mcp]'")
    command = ("sh", "-c", 'cat "$1"', "sh", "{mcp_config}")
    agent = CommandAgent("cli", AgentSettings(provider="command", command=command, mode="work"))
    played = play(root, agent, "nop")
    server = json.loads(said(played, "a"))["mcpServers"]["collab"]
    assert Path(server["command"]).name == "collab-mcp"
    assert "MCP server `collab`: `send_message`" in played.transcript.of("prompt", seat="a")[0].data["text"]


# Failures.


def test_not_me_try_again_is_tried_again_and_booked_as_a_retry(root: Path, tmp_path: Path) -> None:
    script = f"""
if [ ! -e {tmp_path}/tried ]; then touch {tmp_path}/tried; echo busy >&2; exit 75; fi
{DOUBLE}
"""
    played = play(root, cli(script), cli(SHOUT))
    assert played.episode.outcome is Outcome.SUCCESS, played.episode
    assert played.episode.usage["a"].retries == 1


@pytest.mark.parametrize(
    "script",
    [
        "echo 'rate limited' >&2; exit 75",
        "collab-send hello; exit 75",
        "echo half > half.txt; exit 75",
        "collab-send 'I begin'; echo 'API Error: 529 overloaded'; exit 1",
        'echo \'{"error": "no quota", "retry": true}\'',
        """echo '{"type":"result","is_error":true,"result":"API Error: 529","total_cost_usd":0}' """,
        """echo '{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Overloaded"}}}' """,
        """echo half > half.txt; echo '{"type":"turn.failed","error":{"message":"503"}}' """,
    ],
)
def test_a_bad_day_of_the_provider_is_no_evidence(root: Path, script: str) -> None:
    played = play(root, cli(script, max_retries=1), "partner")
    assert played.episode.outcome is Outcome.INFRASTRUCTURE, played.episode
    assert played.episode.failures[0].code == "provider_error"


def test_a_failure_after_work_was_done_is_told_and_judged_by_the_work(root: Path) -> None:
    played = play(root, cli(f"{DOUBLE}; exit 1"), cli(SHOUT))
    assert said(played, "a").endswith("[ended with status 1]")
    assert played.episode.outcome is Outcome.SUCCESS


def test_a_job_has_a_time_of_its_own(root: Path) -> None:
    played = play(root, cli(f"{DOUBLE}; echo done; sleep 600", job_seconds=5), cli(SHOUT))
    assert "done\n\n[ended after 5 s, its time]" in said(played, "a")
    assert played.episode.outcome is Outcome.SUCCESS, played.episode


def test_the_time_limit_names_who_was_still_at_work_and_keeps_what_they_said(root: Path) -> None:
    hung = cli('echo "I think"; echo \'{"input_tokens": 7, "output_tokens": 1}\' > "$COLLAB_USAGE_FILE"; sleep 600')
    played = play(root, cli(DOUBLE), hung, limits=Limits(seconds=8))
    assert played.episode.outcome is Outcome.LIMIT
    assert played.episode.failures[0].seats == ("b",)
    assert "I think" in played.transcript.of("failed_call", seat="b")[0].data["text"]
    assert played.episode.usage["b"].input_tokens == 7
    assert played.episode.usage["b"].cost_usd is None


# What they print.

CLAUDE = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 3,
    "result": "All done.",
    "total_cost_usd": 0.0123,
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "output_tokens": 50,
    },
}
CODEX = [
    {"type": "thread.started", "thread_id": "t"},
    {"type": "turn.started"},
    {"type": "item.completed", "item": {"id": "i", "type": "agent_message", "text": "All done."}},
    {"type": "turn.completed", "usage": {"input_tokens": 1110, "cached_input_tokens": 1000, "output_tokens": 50}},
]
GEMINI = {
    "response": "All done.",
    "stats": {
        "models": {
            "gemini-x": {
                "api": {"totalRequests": 3, "totalErrors": 0},
                "tokens": {"prompt": 1110, "candidates": 40, "thoughts": 10, "cached": 1000, "total": 1160},
            }
        }
    },
}
OPENCODE = [
    {"type": "step_start", "sessionID": "s", "part": {}},
    {"type": "text", "sessionID": "s", "part": {"text": "All done."}},
    {
        "type": "step_finish",
        "sessionID": "s",
        "part": {
            "cost": 0.0123,
            "tokens": {"input": 10, "output": 40, "reasoning": 10, "cache": {"read": 1000, "write": 100}},
        },
    },
]


def lines(objects: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(one) for one in objects)


@pytest.mark.parametrize(
    ("output", "cost"),
    [
        (json.dumps(CLAUDE), 0.0123),
        (lines([{"type": "system"}, CLAUDE]), 0.0123),
        (json.dumps([{"type": "system"}, CLAUDE]), 0.0123),
        ("warning: old node\n" + json.dumps(CLAUDE, indent=2) + "\nbye\n", 0.0123),
        (lines(CODEX), None),
        (json.dumps(GEMINI, indent=2), None),
        (lines(OPENCODE), 0.0123),
    ],
    ids=["claude", "claude-stream", "claude-array", "claude-amid-warnings", "codex", "gemini", "opencode"],
)
def test_tokens_and_cost_are_read_from_what_a_cli_prints(output: str, cost: float | None) -> None:
    found = printed.read(output)
    assert found is not None
    assert (found.text, found.error) == ("All done.", "")
    assert found.usage is not None
    tokens = (found.usage.input_tokens, found.usage.output_tokens, found.usage.cached_tokens)
    assert tokens == (1110, 50, 1000)
    assert found.usage.cost_usd == cost


@pytest.mark.parametrize(
    "output", ["", "All done.", "{", "[1, 2]", '{"a": 1}', "null", '{"type": "result"}', "{}\n{}"]
)
def test_what_is_no_known_format_is_left_as_it_is(output: str) -> None:
    assert printed.read(output) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [("API Error: 529 overloaded", True), ("429 Too Many Requests", True), ("Invalid API key", False)],
)
def test_a_failure_that_passes_is_told_from_one_that_does_not(error: str, again: bool) -> None:
    found = printed.read(json.dumps({**CLAUDE, "is_error": True, "result": error}))
    assert found is not None
    assert (found.error, found.again) == (error, again)


def test_what_a_cli_printed_is_booked(root: Path) -> None:
    script = f"{DOUBLE}; echo '{json.dumps(CLAUDE)}'"
    played = play(root, cli(script), cli(SHOUT))
    assert said(played, "a") == "All done."
    assert played.episode.usage["a"].cost_usd == 0.0123
    assert played.episode.usage["a"].calls == 3
    assert played.episode.usage["b"].cost_usd is None
