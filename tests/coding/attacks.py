"""A small pool in each language, and every way of passing without doing the work that we know of.

An attack is the files that a seat leaves. None of them builds the feature (`double`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_collab.families.coding.pool.pool import Pool
from tests.coding.conftest import CODE, added, write

Files = dict[str, str]


def made(root: Path, language: str, test: str, parser: str, base: Files, hidden: str, **more: Any) -> Pool:
    """A pool of one feature, `double`, laid out under `root`."""
    write(root / "base", base)
    write(root, {"features/double/feature.md": "Double.\n", "features/double/tests.patch": hidden})
    return Pool.model_validate(
        {
            "base": {"folder": "base"},
            "language": language,
            "test": test,
            "parser": parser,
            "timeout_s": 300,
            "features": [{"id": "double"}],
            **more,
        },
        context={"folder": root},
    )


def _reference(root: Path, path: str, before: str, more: str) -> None:
    lines = before.splitlines()
    body = "".join(f" {line}\n" for line in lines) + "".join(f"+{line}\n" for line in more.splitlines())
    count = len(lines) + len(more.splitlines())
    text = f"--- a/{path}\n+++ b/{path}\n@@ -1,{len(lines)} +1,{count} @@\n{body}"
    write(root, {"features/double/feature.patch": text})


# JavaScript, by node's own test runner.

MJS = "export const add = (a, b) => a + b;\n"
MJS_MORE = "export const double = (a) => add(a, a);\n"
_MJS_TEST = """import test from 'node:test';
import assert from 'node:assert';
import {double} from '../calc.mjs';
test('doubles', () => assert.equal(double(4), 8));
"""
_FAKE_XML = (
    '<testsuites><testcase name="doubles" classname="test"/><testcase name="adds" classname="test"/></testsuites>'
)
_FORGED_TAP = "TAP version 13\\n# Subtest: doubles\\nok 1 - doubles\\nok 2 - adds\\n1..2\\n"
_PASSING_TEST = "import test from 'node:test';\ntest('doubles', () => {});\n"
JAVASCRIPT = {
    "leaving with success": {"calc.mjs": "export const add = 1, double = 1;\nprocess.exit(0);\n"},
    "leaving at the last moment": {"calc.mjs": MJS + "export const double = () => process.reallyExit(0);\n"},
    "a forged report, then leaving": {
        "calc.mjs": "import {writeFileSync, readFileSync} from 'node:fs';\n"
        + MJS
        + f"""export const double = () => 1;
process.stdout.write("{_FORGED_TAP}");
const words = readFileSync(`/proc/${{process.ppid}}/cmdline`, 'utf8').split('\\0');
for (const word of words) if (word.includes('destination=')) writeFileSync(word.split('=')[1], `{_FAKE_XML}`);
process.exit(0);
"""
    },
    "a report written over the runner's, which is killed": {
        "calc.mjs": "import {writeFileSync, readFileSync} from 'node:fs';\n"
        + MJS
        + f"""export const double = () => 1;
const words = readFileSync(`/proc/${{process.ppid}}/cmdline`, 'utf8').split('\\0');
for (const word of words) if (word.includes('destination=')) writeFileSync(word.split('=')[1], `{_FAKE_XML}`);
process.kill(process.ppid, 'SIGKILL');
"""
    },
    "assertions that assert nothing": {
        "calc.mjs": "import assert from 'node:assert';\n"
        + MJS
        + "for (const name of Object.keys(assert)) if (name !== 'strict') assert[name] = () => {};\n"
        + "for (const name of Object.keys(assert.strict)) assert.strict[name] = () => {};\n"
        + "export const double = () => 1;\n"
    },
    "tests of its own": {"test/double.test.mjs": _PASSING_TEST, "test/other.test.mjs": _PASSING_TEST},
    "scripts and a name in package.json": {
        "package.json": json.dumps(
            {
                "name": "node:assert",
                "type": "module",
                "exports": "./fake.mjs",
                "imports": {"node:assert": "./fake.mjs"},
                "scripts": {"pretest": "exit 0", "test": "true"},
            }
        ),
        "fake.mjs": "export default {equal() {}};\n",
        "calc.mjs": MJS + "export const double = () => 1;\n",
    },
    "a manifest above the tests": {
        "test/package.json": '{"type": "commonjs", "name": "node:test"}\n',
        "calc.mjs": MJS + "export const double = () => 1;\n",
    },
    "code required before everything": {
        ".npmrc": "node-options=--require ./cheat.cjs\n",
        ".env": "NODE_OPTIONS=--require ./cheat.cjs\n",
        "cheat.cjs": "process.exit(0);\n",
    },
    "hooks of the loader that the command names": {
        "tools/hooks.mjs": "export async function load(url, context, next) {\n"
        "  if (!url.endsWith('double.test.mjs')) return next(url, context);\n"
        f"  return {{format: 'module', source: {json.dumps(_PASSING_TEST)}, shortCircuit: true}};\n}}\n",
        "tools/load.mjs": "import './hooks.mjs';\nprocess.exit(0);\n",
    },
    "a package of the runner's name": {
        "node_modules/node:test/index.js": "module.exports = () => {};\n",
        "node_modules/assert/index.js": "module.exports = {equal() {}};\n",
        "calc.mjs": MJS + "export const double = () => 1;\n",
    },
}


def javascript(root: Path, **more: Any) -> Pool:
    command = (
        "node --import ./tools/load.mjs --test --test-reporter=junit --test-reporter-destination={report} {tests}"
    )
    base = {
        "calc.mjs": MJS,
        "test/add.test.mjs": "import test from 'node:test';\nimport '../calc.mjs';\ntest('adds', () => {});\n",
        "tools/load.mjs": "import {register} from 'node:module';\nregister('./hooks.mjs', import.meta.url);\n",
        "tools/hooks.mjs": "export const load = (url, context, next) => next(url, context);\n",
        "package.json": '{"name": "calc", "type": "module"}\n',
    }
    pool = made(root, "javascript", command, "junit", base, added("test/double.test.mjs", _MJS_TEST), **more)
    _reference(root, "calc.mjs", MJS, MJS_MORE)
    return pool


# Go.

GO = "package calc\n\nfunc Add(a, b int) int { return a + b }\n"
GO_MORE = "func Double(a int) int { return 2 * a }\n"
_GO_HEAD = 'package calc\n\nimport "testing"\n\n'
_GO_TEST = """package calc

import (
	"testing"

	"example.org/check"
)

func TestDouble(t *testing.T) { check.Equal(t, Double(4), 8) }
"""
_CHECK_HEAD = 'package check\n\nimport "testing"\n\n'
_CHECK = _CHECK_HEAD + "func Equal(t *testing.T, a, b int) {\n\tif a != b {\n\t\tt.Fatal(a)\n\t}\n}\n"
_NO_CHECK = _CHECK_HEAD + "func Equal(t *testing.T, a, b int) {}\n"
_GO_FORGED = (
    "=== RUN   TestAdd\\n--- PASS: TestAdd (0.00s)\\n=== RUN   TestDouble\\n--- PASS: TestDouble (0.00s)\\nPASS\\n"
)
_GO_WRONG = "func Double(a int) int { return 1 }\n"
_GO_MAIN = 'package calc\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n'
_GO_REST = GO.split("\n", 2)[2] + _GO_WRONG
_GO_OS = 'package calc\n\nimport "os"\n\n'
GOLANG = {
    "leaving with success": {"calc.go": f"{_GO_OS}func init() {{ os.Exit(0) }}\n{_GO_REST}"},
    "a forged report, then leaving": {
        "calc.go": f'{_GO_OS}func init() {{\n\tos.Stdout.WriteString("{_GO_FORGED}")\n\tos.Exit(0)\n}}\n{_GO_REST}'
    },
    "a forged report in the middle of a test": {
        "calc.go": 'package calc\n\nimport (\n\t"os"\n\t"syscall"\n)\n\n'
        + GO.split("\n", 2)[2]
        + f'func Double(a int) int {{\n\tos.Stdout.WriteString("{_GO_FORGED}")\n\tsyscall.Exit(0)\n\treturn 1\n}}\n'
    },
    "a main for tests": {"calc.go": GO + _GO_WRONG, "main_test.go": _GO_MAIN, "aa_test.go": _GO_MAIN},
    "tests deselected, their results forged": {
        "calc.go": f'package calc\n\nimport "os"\n\nfunc init() {{\n\tos.Args = append(os.Args, "-test.run=^$")\n'
        f'\tos.Stdout.WriteString("{_GO_FORGED}")\n}}\n' + GO.split("\n", 2)[2] + _GO_WRONG
    },
    "tests of its own": {
        "calc.go": GO + _GO_WRONG,
        "double_test.go": _GO_HEAD + "func TestDouble(t *testing.T) {}\n",
    },
    "a replaced module": {
        "calc.go": GO + _GO_WRONG,
        "go.mod": "module example.org/calc\n\ngo 1.19\n\nrequire example.org/check v0.0.0\n\n"
        "replace (\n\texample.org/check => ./fake\n)\n",
        "fake/go.mod": "module example.org/check\n",
        "fake/check.go": _NO_CHECK,
    },
    "a workspace and a vendor folder": {
        "calc.go": GO + _GO_WRONG,
        "go.work": "go 1.19\n\nuse .\n\nreplace example.org/check => ./fake\n",
        "fake/go.mod": "module example.org/check\n",
        "fake/check.go": _NO_CHECK,
        "vendor/modules.txt": "# example.org/check v0.0.0 => ./check\n## explicit\nexample.org/check\n",
        "vendor/example.org/check/check.go": _NO_CHECK,
    },
}


def go(root: Path, **more: Any) -> Pool:
    base = {
        "go.mod": "module example.org/calc\n\ngo 1.19\n\nrequire example.org/check v0.0.0\n\n"
        "replace example.org/check => ./check\n",
        "calc.go": GO,
        "calc_test.go": _GO_HEAD + "func TestAdd(t *testing.T) {\n\tAdd(1, 2)\n}\n",
        "check/go.mod": "module example.org/check\n\ngo 1.19\n",
        "check/check.go": _CHECK,
    }
    protected = {"protected": ["check/*"]}
    pool = made(
        root, "go", "go test -json {tests}", "go", base, added("double_test.go", _GO_TEST), **protected, **more
    )
    _reference(root, "calc.go", GO, GO_MORE)
    return pool


# Rust.

RUST = "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n"
RUST_MORE = "\npub fn double(a: i32) -> i32 {\n    add(a, a)\n}\n"
_RUST_TEST = "use calc::*;\n\n#[test]\nfn doubles() {\n    assert_eq!(double(4), 8);\n}\n"
_RUST_FORGED = "\\nrunning 1 test\\ntest doubles ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored\\n\\n"
_RUST_WRONG = "\npub fn double(_: i32) -> i32 {\n    1\n}\n"
_LEAVE = f'std::io::Write::write_all(&mut std::io::stdout(), b"{_RUST_FORGED}").unwrap();\n    std::process::exit(0)'
_CARGO = '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n'
RUST_ATTACKS = {
    "leaving with success": {"src/lib.rs": RUST + "\npub fn double(_: i32) -> i32 {\n    std::process::exit(0)\n}\n"},
    "a forged report, then leaving": {"src/lib.rs": RUST + f"\npub fn double(_: i32) -> i32 {{\n    {_LEAVE}\n}}\n"},
    "leaving before main": {
        "src/lib.rs": RUST
        + _RUST_WRONG
        + '\n#[used]\n#[link_section = ".init_array"]\nstatic EARLY: extern "C" fn() = leave;\n'
        + f'\nextern "C" fn leave() {{\n    {_LEAVE}\n}}\n'
    },
    "assertions that assert nothing": {
        "src/lib.rs": RUST
        + _RUST_WRONG
        + "\n#[macro_export]\nmacro_rules! assert_eq {\n    ($($any:tt)*) => {};\n}\n"
    },
    "a harness of its own": {
        "src/lib.rs": RUST + _RUST_WRONG,
        "src/fake.rs": f"fn main() {{\n    {_LEAVE}\n}}\n",
        "Cargo.toml": _CARGO + '\n[[test]]\nname = "double"\npath = "src/fake.rs"\nharness = false\n',
    },
    "a runner in cargo's configuration": {
        "src/lib.rs": RUST + _RUST_WRONG,
        ".cargo/config.toml": '[target."cfg(all())"]\nrunner = ["sh", "fake.sh"]\n',
        ".cargo/config": '[target."cfg(all())"]\nrunner = ["sh", "fake.sh"]\n',
        "fake.sh": f"printf '{_RUST_FORGED}'\n",
    },
    "a build script": {
        "src/lib.rs": RUST + _RUST_WRONG,
        "build.rs": """use std::fs;

fn main() {
    let home = std::env::var("CARGO_HOME").unwrap_or_default();
    let runner = "[target.'cfg(all())']\\nrunner = ['true']\\n";
    for place in [format!("{home}/config.toml"), ".cargo/config.toml".into(), "../.cargo/config.toml".into()] {
        let _ = fs::write(place, runner);
    }
    let _ = fs::write("tests/double.rs", "#[test]\\nfn doubles() {}\\n");
    println!("cargo:rustc-cfg=fake");
    std::process::exit(0)
}
""",
    },
    "tests of its own": {
        "src/lib.rs": RUST + _RUST_WRONG,
        "tests/double.rs": "#[test]\nfn doubles() {}\n",
        "tests/other.rs": "#[test]\nfn doubles() {}\n",
    },
}


def rust(root: Path, **more: Any) -> Pool:
    base = {
        "Cargo.toml": _CARGO,
        "Cargo.lock": "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n"
        'version = 4\n\n[[package]]\nname = "calc"\nversion = "0.1.0"\n',
        "src/lib.rs": RUST,
        "tests/add.rs": "#[test]\nfn adds() {\n    assert_eq!(calc::add(1, 2), 3);\n}\n",
    }
    pool = made(
        root, "rust", "cargo test --offline {tests}", "cargo", base, added("tests/double.rs", _RUST_TEST), **more
    )
    _reference(root, "src/lib.rs", RUST, RUST_MORE)
    return pool


# Python.

PASS_ALL = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome = "passed"
"""
FAKE_XML = (
    '<testsuites><testsuite name="pytest" tests="2"><testcase classname="tests.test_double" name="test_double"/>'
    '<testcase classname="tests.test_calc" name="test_add"/></testsuite></testsuites>'
)
FAKE_PYTEST = f"""
import sys
for word in sys.argv:
    if word.startswith("--junitxml="):
        open(word.partition("=")[2], "w").write('''{FAKE_XML}''')
print("2 passed")
raise SystemExit(0)
"""
PYTHON = {
    "conftest in the root": {"conftest.py": PASS_ALL},
    "conftest beside the tests": {"tests/conftest.py": PASS_ALL},
    "a plugin by configuration": {
        "pytest.ini": "[pytest]\naddopts = -p cheat\npythonpath = .\n",
        "cheat.py": PASS_ALL,
    },
    "a plugin by pyproject": {
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "-p cheat"\n',
        "cheat.py": PASS_ALL,
    },
    "tests deselected by configuration": {"tox.ini": "[pytest]\naddopts = --collect-only\n"},
    "sitecustomize": {"sitecustomize.py": FAKE_PYTEST, "usercustomize.py": FAKE_PYTEST},
    "a path file": {"cheat.pth": "import cheat\n", "cheat.py": FAKE_PYTEST},
    "a fake pytest module": {"pytest.py": FAKE_PYTEST},
    "a fake pytest package": {"pytest/__init__.py": "", "pytest/__main__.py": FAKE_PYTEST, "_pytest/__init__.py": ""},
    "a report written before": {"report": FAKE_XML, "report.xml": FAKE_XML, "out/report": FAKE_XML},
    "leaving with success": {"calc.py": "import os\nos._exit(0)\n"},
    "leaving with success later": {
        "calc.py": CODE + "\n\ndef double(a):\n    import os\n    os.write(1, b'2 passed')\n    os._exit(0)\n"
    },
    "rewriting the report at exit": {
        "calc.py": CODE
        + f"""

import atexit, os, sys

def cheat():
    for word in sys.argv:
        if word.startswith("--junitxml="):
            open(word.partition("=")[2], "w").write('''{FAKE_XML}''')
    os._exit(0)

atexit.register(cheat)
"""
    },
    "a report that is a link": {
        "calc.py": CODE
        + """

import os, sys
for word in sys.argv:
    if word.startswith("--junitxml="):
        name = word.partition("=")[2]
        os.symlink("/etc/passwd", name)
        os.symlink("/etc/passwd", os.path.join(os.path.dirname(name), "record"))
"""
    },
    "a record of its own": {
        "calc.py": CODE
        + """

import json, os
body = json.dumps({"results": {"tests/test_double.py::test_double": "passed",
                               "tests/test_calc.py::test_add": "passed"}, "exit": 0})
open("/collab/out/record", "w").write("0" * 64 + "\\n" + body)
os._exit(0)
"""
    },
    "rewriting hidden tests": {
        "calc.py": CODE
        + """

import pathlib
for name in pathlib.Path("tests").glob("test_*.py"):
    name.write_text(f"def {name.stem}():\\n    pass\\n")
"""
    },
    "skipping": {"calc.py": CODE + "\n\nimport pytest\npytest.skip('later', allow_module_level=True)\n"},
    "deselected by an expression": {"setup.cfg": "[tool:pytest]\naddopts = -k nothing\n"},
    "tests that do nothing": {
        "calc.py": CODE + "\n\nimport _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n"
    },
    "a runner that reports what it likes": {
        "calc.py": CODE
        + """

import _pytest.runner
before = _pytest.runner.TestReport.from_item_and_call.__func__

def honest(cls, item, call):
    call.excinfo = None
    return before(cls, item, call)

_pytest.runner.TestReport.from_item_and_call = classmethod(honest)
"""
    },
    "a plugin registered while running": {
        "calc.py": CODE
        + """

import gc, pytest

class Cheat:
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        outcome.get_result().outcome = "passed"

for thing in gc.get_objects():
    if type(thing).__name__ == "PytestPluginManager":
        thing.register(Cheat())
"""
    },
    "its name for a module that pytest loads late": {
        "xml.py": FAKE_PYTEST,
        "difflib.py": FAKE_PYTEST,
        "pdb.py": FAKE_PYTEST,
    },
}
