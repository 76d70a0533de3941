"""Reports of real runners, read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.families.coding.environment.output import plain
from pytest_collab.families.coding.testrun.parsers import parse
from pytest_collab.families.coding.testrun.places import failed_at
from tests.coding import boxes
from tests.coding.conftest import write

NODE = shutil.which("node")
GO = shutil.which("go")
CARGO = shutil.which("cargo")
needs_node = pytest.mark.skipif(bool(boxes.missing("javascript")), reason=str(boxes.missing("javascript")))
needs_go = pytest.mark.skipif(bool(boxes.missing("go")), reason=str(boxes.missing("go")))
needs_cargo = pytest.mark.skipif(bool(boxes.missing("rust")), reason=str(boxes.missing("rust")))

PYTHON = """
import pytest

@pytest.mark.parametrize("value", ["a b", "c - d"])
def test_many(value):
    assert value

class TestGroup:
    def test_bad(self):
        print("PASSED test_kinds.py::TestGroup::test_bad")
        assert 1 == 2

@pytest.mark.skip(reason="later")
def test_later(): ...

@pytest.mark.xfail
def test_expected(): assert False

@pytest.fixture
def broken(): raise OSError

def test_error(broken): ...
"""


def run(words: list[str], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "NODE_", "COLLAB"))}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, env={**keep, **env})


def test_pytest_reports_say_the_same_in_every_form(tmp_path: Path) -> None:
    write(tmp_path, {"test_kinds.py": PYTHON, "pytest.ini": "[pytest]\n"})
    base = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:collab", "--color=yes"]
    done = run([*base, "-v", "--junitxml=r.xml"], tmp_path)
    verbose = parse("pytest", None, done.stdout)
    group = "test_kinds.py::"
    assert verbose == {
        f"{group}test_many[a b]": "passed",
        f"{group}test_many[c - d]": "passed",
        f"{group}TestGroup::test_bad": "failed",
        f"{group}test_later": "skipped",
        f"{group}test_expected": "skipped",
        f"{group}test_error": "error",
    }
    xml = parse("junit", (tmp_path / "r.xml").read_bytes(), "")
    assert sorted(xml.values()) == sorted(verbose.values())
    assert xml["test_kinds.TestGroup::test_bad"] == "failed"
    summary = parse("pytest", None, run([*base, "-q", "-rA"], tmp_path).stdout)
    assert {
        name: status for name, status in verbose.items() if " - " not in name and status != "skipped"
    }.items() <= {**summary}.items()


NODE_TESTS = """
const {describe, it, test} = require('node:test');
const assert = require('node:assert');
describe('group', () => {
  it('works', () => {});
  it('breaks', () => { assert.equal(1, 2); });
  describe('inner', () => { it('works', () => {}); it('waits', {skip: true}, () => {}); });
});
test('alone', () => {});
"""
NODE_RESULTS = {
    "group::works": "passed",
    "group::breaks": "failed",
    "group::inner::works": "passed",
    "group::inner::waits": "skipped",
    "alone": "passed",
}


@needs_node
@pytest.mark.parametrize("reporter", ["junit", "tap", "spec"])
def test_node_reports_say_the_same_in_every_form(reporter: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.test.cjs": NODE_TESTS})
    done = run([str(NODE), "--test", f"--test-reporter={reporter}", "a.test.cjs"], tmp_path)
    found = parse(reporter, done.stdout.encode(), "")
    leaves = {name: status for name, status in found.items() if name not in ("group", "group::inner")}
    assert leaves == NODE_RESULTS
    if reporter == "junit":
        assert failed_at(reporter, done.stdout.encode(), "", ["a.test.cjs"]) == {"group::breaks": 6}


GO_TESTS = """package calc

import "testing"

func TestGood(t *testing.T) { t.Run("sub case", func(t *testing.T) {}) }
func TestBad(t *testing.T)  { println("--- PASS: TestBad (0.00s)"); t.Fatal("no") }
func TestSkip(t *testing.T) { t.Skip() }
"""


@pytest.mark.slow
@needs_go
def test_go_reports_tests_builds_that_break_and_runs_of_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"go.mod": "module example.org/calc\n\ngo 1.19\n", "calc.go": "package calc\n", "calc_test.go": GO_TESTS},
    )
    env = {"GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0"}
    done = run([str(GO), "test", "-json", "./..."], tmp_path, **env)
    assert parse("go", None, done.stdout) == {
        "example.org/calc.TestGood": "passed",
        "example.org/calc.TestGood/sub_case": "passed",
        "example.org/calc.TestBad": "failed",
        "example.org/calc.TestSkip": "skipped",
        "example.org/calc": "error",
    }
    assert failed_at("go", None, done.stdout, ())["example.org/calc.TestBad"] == 6
    nothing = run([str(GO), "test", "-json", "-run", "TestNone", "./..."], tmp_path, **env)
    assert nothing.returncode == 0
    assert parse("go", None, nothing.stdout) == {}
    write(tmp_path, {"calc.go": "package calc\n\nfunc broken( {\n"})
    broken = parse("go", None, run([str(GO), "test", "-json", "./..."], tmp_path, **env).stdout)
    assert set(broken.values()) <= {"error"}


@pytest.mark.slow
@needs_cargo
def test_cargo_reports_name_the_file_of_each_test(tmp_path: Path) -> None:
    tests = "#[test] fn good() {}\n#[test] fn bad() { assert!(false) }\n#[test] #[ignore] fn later() {}\n"
    tests += '#[test] #[should_panic] fn panics() { panic!("yes") }\n'
    write(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": "#[cfg(test)] mod unit { #[test] fn inner() {} }\n",
            "tests/outer.rs": tests,
        },
    )
    done = run([str(CARGO), "test", "--offline", "--no-fail-fast", "--lib", "--tests"], tmp_path)
    from pytest_collab.families.coding.testrun.testrun import in_order

    assert parse("cargo", None, in_order(done.stdout, done.stderr)) == {
        "src/lib.rs::unit::inner": "passed",
        "tests/outer.rs::good": "passed",
        "tests/outer.rs::bad": "failed",
        "tests/outer.rs::later": "skipped",
        "tests/outer.rs::panics": "passed",
    }
    assert failed_at("cargo", None, f"{done.stdout}\n{done.stderr}", ()) == {"tests/outer.rs::bad": 2}


def test_jest_and_vitest_reports() -> None:
    report = {
        "testResults": [
            {
                "name": "/work/a.test.ts",
                "status": "failed",
                "assertionResults": [
                    {"ancestorTitles": ["group"], "title": "works", "status": "passed"},
                    {
                        "ancestorTitles": ["group"],
                        "title": "breaks",
                        "status": "failed",
                        "failureMessages": [
                            "AssertionError: no\n    at f (/work/f.ts:1:2)\n    at /work/a.test.ts:7:9"
                        ],
                    },
                    {"ancestorTitles": [], "title": "waits", "status": "pending"},
                ],
            },
            {"name": "/work/b.test.ts", "status": "failed", "assertionResults": [], "message": "SyntaxError"},
        ]
    }
    assert parse("jest", json.dumps(report).encode(), "") == {
        "group::works": "passed",
        "group::breaks": "failed",
        "waits": "skipped",
        "/work/b.test.ts": "error",
    }
    assert failed_at("jest", json.dumps(report).encode(), "", ["a.test.ts"]) == {"group::breaks": 7}


@pytest.mark.parametrize("parser", ["junit", "pytest", "tap", "spec", "jest", "go", "cargo"])
@given(report=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_report_breaks_a_parser(parser: str, report: bytes) -> None:
    assert isinstance(parse(parser, report, ""), dict)


@pytest.mark.parametrize("parser", ["junit", "pytest", "tap", "spec", "jest", "go", "cargo"])
def test_nothing_is_read_from_nothing(parser: str) -> None:
    assert parse(parser, None, "") == {}
    assert parse(parser, b"", "") == {}


def test_a_second_line_cannot_mend_the_first() -> None:
    forged = b"test a ... FAILED\ntest a ... ok\n"
    assert parse("cargo", forged, "") == {"a": "failed"}
    xml = b'<testsuite><testcase name="a"><failure/></testcase><testcase name="a"/></testsuite>'
    assert parse("junit", xml, "") == {"a": "failed"}


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "cccc">]><testsuite><testcase name="&b;"/></testsuite>'
    assert parse("junit", bomb, "") == {}


@given(st.text())
def test_plain_text_holds_no_control_characters(text: str) -> None:
    assert not any(ord(char) < 32 and char not in "\n\t" for char in plain(text))
