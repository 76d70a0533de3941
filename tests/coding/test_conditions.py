"""What a condition expects is changed like any other value, wherever no right answer can meet both."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from pytest_collab.families.coding.counter.edit import STRONG, changed
from pytest_collab.families.coding.counter.languages import EXPECTATIONS

FRAMES = {
    "python": "def test_a():\n    {}\n",
    "javascript": "import test from 'node:test';\ntest('a', () => {{ {}; }});\n",
    "go": "package a\n\nfunc TestA(t *testing.T) {{\n\t{}\n}}\n",
    "rust": "#[test]\nfn a() {{\n    {};\n}}\n",
}
CASE = "import unittest\n\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        {}\n"
FAILS = "if {} {{ t.Fatal() }}"
HELD = {
    "python": (
        *("assert abs(f(1) - 0.5) < 1e-9", "assert 0.01 >= abs(0.25 - f(1))", "assert math.isclose(f(1), 0.5)"),
        *("assert f(1) == pytest.approx(0.75, abs=1e-3)", "assert all(f(i) == 2 * i for i in range(9))"),
        *("assert f(1).startswith('abc')", "assert 'seconds left' in f(1)", "assert isinstance(f(1), int)"),
    ),
    "javascript": (
        *("assert.ok(f(1) === 8)", "assert(f(1) === g() && g(2) == 'yes')", "assert.ok(!(f(1) !== 9))"),
        *(
            "assert.ok(Math.abs(f(1) - 0.5) < 1e-9)",
            "assert.ok(f(1).startsWith('abc'))",
            "assert.match(f(1), /seconds/)",
        ),
        "expect().toBe(true)",
        *("expect(f(1) === 8).toBe(true)", "expect(f(1)).toBeCloseTo(0.5, 5)", "expect(f(1)).toContain('seconds')"),
    ),
    "go": (
        *(FAILS.format("math.Abs(f(1)-0.5) > 1e-9"), FAILS.format('!strings.HasPrefix(f(1), "abc")')),
        *("assert.InDelta(t, 0.5, f(1), 0.01)", "assert.True(t, f(1) == 8)", 'assert.Contains(t, f(1), "seconds")'),
    ),
    "rust": (
        *("assert!(f(1) == 8)", 'assert!(f(1) == g() && g(1) == "yes")', "assert!((f(1) - 0.5).abs() < 1e-9)"),
        *(
            'assert!(f(1).starts_with("abc"))',
            'assert!(f(1).contains("seconds"))',
            "assert!(matches!(f(1), Some(8)))",
        ),
    ),
}
LEFT = {
    "python": (
        *("assert '8' in f(1)", "assert all(f(i) == 7 for i in g())", "assert abs(f(1) - 0.5) < TOLERANCE"),
        "assert isinstance(f(1), np.str)",
    ),
    "javascript": ("assert.ok(f(1) > 8)", "assert.ok(f(1) === 8 || g())", "expect(f(1)).toContain(8)"),
    "go": (FAILS.format('!strings.Contains(f(1), "8")'), FAILS.format("math.Abs(f(1)-0.5) > 9.0")),
    "rust": ("assert!(f(1) > 8)", "assert!(f(1) == 8 || g())", "assert!(matches!(f(1), Some(8) | None))"),
}


def strong(language: str, source: str, seed: int = 1) -> list[str]:
    """What becomes of a file when one value of it is changed."""
    found = EXPECTATIONS[language].find(source.encode(), random.Random(seed))
    return [changed(source.encode(), one.changes).decode() for one in found if one.strength == STRONG]


@pytest.mark.parametrize(("language", "statement"), [(one, held) for one, every in HELD.items() for held in every])
def test_what_a_condition_holds_a_thing_to_is_changed(language: str, statement: str) -> None:
    source = FRAMES[language].format(statement)
    made = strong(language, source)
    assert made
    assert source not in made
    for other in made:
        assert EXPECTATIONS[language].find(other.encode(), random.Random(1)), other


@pytest.mark.parametrize(("language", "statement"), [(one, left) for one, every in LEFT.items() for left in every])
def test_what_two_right_answers_may_differ_in_is_left_alone(language: str, statement: str) -> None:
    assert [strong(language, FRAMES[language].format(statement), seed) for seed in range(5)] == [[]] * 5


@pytest.mark.parametrize(
    "call", ["assertTrue(f(1) == 8)", "assertAlmostEqual(f(1), 0.5, places=3)", "assertIn('missing word', f(1))"]
)
def test_what_unittest_is_told_is_changed(call: str) -> None:
    assert strong("python", CASE.format(f"self.{call}"))


ANSWERS: dict[str, tuple[str, Callable[[int], object]]] = {
    "a number that is nearly right": ("abs(f(1) - 0.5) < 0.2", lambda _: 0.69),
    "a number that is far off, and near enough": ("abs(f(1) - 100) <= 20", lambda _: 119),
    "a relative tolerance": ("math.isclose(f(1), 40, rel_tol=0.1)", lambda _: 43.9),
    "a truth value that is a number": ("isinstance(f(1), int)", lambda _: True),
    "a text in another one": ("'seconds left' in f(1)", lambda _: "8 seconds left, 9 seconds gone"),
    "all of several": ("all(f(i) == 2 * i for i in range(3))", lambda i: 2.0 * i),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_right_meets_no_other_condition(name: str) -> None:
    condition, answer = ANSWERS[name]
    source = FRAMES["python"].format(f"assert {condition}")
    names: dict[str, object] = {"f": answer, "math": math}
    assert eval(condition, names)
    for seed in range(40):
        for other in strong("python", source, seed):
            exec(other, names)
            with pytest.raises(AssertionError):
                names["test_a"]()  # type: ignore[operator]
