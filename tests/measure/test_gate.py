from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_collab.errors import TaskError, UsageError
from pytest_collab.measure.decision import Rule
from pytest_collab.measure.gate import Gate, GateFile, Where, read_gates
from pytest_collab.measure.metric import GAPS, PLAIN, parse_metric

GOOD = """\
schema_version: 1
infrastructure: {at_most: 0.1}
undecided: warn
confidence: 0.9
gates:
  - name: pairs solve mazes
    where: {family: maze, condition: [team, "relay:2"], agent: claude}
    metric: success_rate
    at_least: 0.8
  - metric: collaboration_gap
    at_most: 0.2
    confidence: 0.99
  - metric: score
    not_worse_than: baseline
    margin: 0.05
  - metric: cost_usd
    not_worse_than: .collab/runs/nightly
    margin: 0.10
    undecided: pass
  - metric: metrics.meals_per_step
    better: higher
    better_than: baseline
  - metric: failure_rate.deadlock
    at_most: 0.05
"""


@pytest.fixture
def gates(tmp_path):
    def write(text):
        path = tmp_path / "gates.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def test_a_gates_file_is_read(gates):
    found = read_gates(gates(GOOD))
    assert (found.infrastructure.at_most, found.undecided, found.confidence) == (0.1, "warn", 0.9)
    maze, gap, score, cost, meals, deadlock = found.gates
    assert maze.title == "pairs solve mazes"
    assert maze.where.condition == ("team", "relay:2")
    assert gap.title == "collaboration_gap at_most 0.2"
    assert maze.rule() == Rule("at_least", 0.8)
    assert gap.rule() == deadlock.rule().__class__("at_most", 0.2)
    assert score.rule() == Rule("at_least", -0.05)
    assert cost.rule() == Rule("at_most", 0.10)
    assert meals.rule() == Rule("above", 0.0)
    assert (score.baseline, cost.baseline, maze.baseline) == ("baseline", ".collab/runs/nightly", None)


@pytest.mark.parametrize(
    ("gate", "key", "line", "words"),
    [
        ("{metric: sucess_rate, at_least: 0.8}", "metric", 2, "Did you mean 'success_rate'"),
        ("{metric: failure_rate.deadlok, at_most: 0.1}", "metric", 2, "failure_rate.deadlock"),
        ("{metric: deadlock, at_most: 0.1}", "metric", 2, "failure_rate.deadlock"),
        ("{metric: score, at_lest: 0.8}", "at_lest", 2, "Did you mean 'at_least'"),
        ("{metric: score}", "", 2, "no rule"),
        ("{metric: score, at_least: 0.1, at_most: 0.2}", "at_most", 2, "exactly one"),
        ("{metric: success_rate, at_least: 0}", "at_least", 2, "can never fail"),
        ("{metric: success_rate, at_most: 1}", "at_most", 2, "can never fail"),
        ("{metric: success_rate, at_least: 1.0}", "at_least", 2, "can never pass"),
        ("{metric: success_rate, at_least: 80}", "at_least", 2, "can never pass"),
        ("{metric: failure_rate.deadlock, at_most: 0}", "at_most", 2, "can never pass"),
        ("{metric: collaboration_gap, at_most: 1}", "at_most", 2, "can never fail"),
        ("{metric: value_of_talk, at_least: -1}", "at_least", 2, "can never fail"),
        ("{metric: cost_usd, at_least: 0}", "at_least", 2, "can never fail"),
        ("{metric: success_rate, not_worse_than: baseline}", "not_worse_than", 2, "margin above 0"),
        ("{metric: success_rate, not_worse_than: baseline, margin: 0}", "margin", 2, "margin above 0"),
        ("{metric: success_rate, not_worse_than: baseline, margin: 1}", "margin", 2, "can never fail"),
        ("{metric: success_rate, at_least: 0.5, margin: 0.1}", "margin", 2, "means nothing"),
        ("{metric: metrics.meals, better_than: baseline}", "metric", 2, "better: higher"),
        ("{metric: success_rate, better: lower, better_than: baseline}", "better", 2, "higher is better"),
        ("{metric: score, at_least: high}", "at_least", 2, "'high'"),
        ("{metric: score, at_least: .nan}", "at_least", 2, "finite"),
        ("{metric: score, at_least: 0.5, confidence: 95}", "confidence", 2, "less than 1"),
        ("{metric: score, at_least: 0.5, undecided: ignore}", "undecided", 2, "'fail', 'pass' or 'warn'"),
        ("{metric: score, at_least: 0.5, where: {famly: maze}}", "where.famly", 2, "Did you mean 'family'"),
        ("{metric: partner_loss, at_most: 0.5, where: {condition: team}}", "where.condition", 2, "with:partner"),
    ],
)
def test_a_senseless_gate_is_refused_with_its_place_and_a_remedy(gates, gate, key, line, words):
    path = gates(f"gates:\n  - {gate}\n")
    with pytest.raises(TaskError) as caught:
        read_gates(path)
    assert caught.value.file == path
    assert caught.value.line == line
    assert caught.value.key == ("gates.0." + key).rstrip(".")
    assert words in str(caught.value)


def test_the_line_is_that_of_the_key(gates):
    with pytest.raises(TaskError) as caught:
        read_gates(gates("gates:\n  - metric: score\n    at_least: 0.5\n  - metric: success_rate\n    at_least: 0\n"))
    assert (caught.value.line, caught.value.key) == (5, "gates.1.at_least")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gates: []", "at least 1 item"),
        ("- metric: score", "must be a mapping"),
        ("gate: []", "Did you mean 'gates'"),
        ("schema_version: 2\ngates: [{metric: score, at_least: 0.5}]", "schema_version"),
        ("infrastructure: {at_most: 1}\ngates: [{metric: score, at_least: 0.5}]", "less than 1"),
        ("gates: [{metric: score, at_least: 0.5}, {metric: score, at_least: 0.5}]", "two gates"),
        ("gates: [{metric: score, at_least: 0.5, at_least: 0.6}]", "given twice"),
        ("gates: [{metric: score", "not valid YAML"),
    ],
)
def test_a_senseless_file_is_refused(gates, text, words):
    with pytest.raises(TaskError, match=words):
        read_gates(gates(text))


def test_gates_made_in_code_are_checked_too():
    with pytest.raises(ValidationError, match="can never fail"):
        Gate(metric="success_rate", at_least=0.0)


def test_every_metric_that_is_listed_is_known():
    for name in [*PLAIN, "failure_rate.merge_conflict", "failure_rate.communication", "metrics.anything"]:
        assert parse_metric(name).name == name
    assert {name for name, metric in PLAIN.items() if metric.kind == "gap"} == set(GAPS)
    with pytest.raises(UsageError, match=r"metrics\.NAME"):
        parse_metric("metrics.")


def test_the_gates_that_the_docs_show_are_valid(gates):
    root = Path(__file__).parents[2]
    shown = re.findall(r"```yaml\n(.*?)```", (root / "docs/gates.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    for text in shown:
        assert read_gates(gates(text)).gates
    assert len(read_gates(root / "fixtures/gates/release.yaml").gates) == 6


def test_the_docs_list_every_metric_and_key():
    text = (Path(__file__).parents[2] / "docs/gates.md").read_text(encoding="utf-8")
    keys = [field.alias or name for model in (Gate, GateFile, Where) for name, field in model.model_fields.items()]
    for name in [*PLAIN, *keys]:
        assert f"`{name}" in text or f" {name}:" in text or f"\n{name}:" in text, name
