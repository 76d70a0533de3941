"""A checkout in TeamBench's layout, made here: what becomes a task, what does not and why, and one that is played."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.families.coding.teambench import shim
from pytest_collab.families.coding.teambench.checkout import Folder, refusal
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode
from tests.support.caller import Caller

pytestmark = pytest.mark.usefixtures("own_cache")

GRADER = """#!/usr/bin/env bash
WORKSPACE="$1"; REPORTS="$2"; SUBMISSION="$3"; TASK_DIR="$4"
cd "$WORKSPACE"
PASS=true
{check} || PASS=false
grep -q '"verdict": "pass"' "$SUBMISSION/attestation.json" || PASS=false
echo "ok 1 - grade.sh"
printf '{{"pass": %s, "failure_modes": ["not_yet"]}}' $PASS > "$REPORTS/score.json"
"""
WANTED = "python3 -c 'import calc; assert calc.double(4) == int(open(\"data.txt\").read())'"
GENERATOR = """import json, os
class Made:
    def generate(self, seed):
        return {"n": 7 + seed}
    def write_to_disk(self, made, workspace_dir, reports_dir, task_dir, corpus_dir):
        for path, text in (
            (f"{workspace_dir}/total.py", "def total(numbers):\\n    return 0\\n"),
            (f"{reports_dir}/expected.json", json.dumps(made)),
            (f"{task_dir}/spec.md", "# Total\\n\\nTotals.\\n\\n`total` adds up."),
            (f"{task_dir}/brief.md", "Mend total."),
        ):
            with open(path, "w") as file:
                file.write(text)
def get_generator(name):
    return Made()
"""
TOTAL = (
    "python3 -c 'import json, sys, total; assert total.total([3, 4]) == json.load(open(sys.argv[1]))[\"n\"]' "
    '"${5:-$REPORTS/expected.json}"'
)


def folder(checkout: Path, name: str, check: str | None, workspace: dict[str, str] | None, **files: str) -> None:
    place = checkout / "tasks" / name
    (place / "workspace").mkdir(parents=True)
    if workspace is None:
        (place / "workspace").rmdir()
    for path, text in (workspace or {}).items():
        (place / "workspace" / path).write_text(text)
    said = {
        "task.yaml": f"task_id: {name}\ndomain: swe\nlanguages: [python]\n",
        "spec.md": "# Double\n\nNumbers are doubled.\n\n`calc.double(a)` is twice `a`.\n",
        "brief.md": "Mend calc.\n",
        **({} if check is None else {"grade.sh": GRADER.format(check=check)}),
        **files,
    }
    for path, text in said.items():
        if text:
            (place / path).write_text(text)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("TeamBench")
    wrong = {"calc.py": "def double(a):\n    return a\n"}
    folder(made, "A1_double", WANTED, wrong, **{"setup.sh": 'echo 8 > "$1/data.txt"; mkdir -p "$2"\n'})
    folder(made, "A2_total", TOTAL, None, **{"spec.md": "", "brief.md": ""})
    folder(made, "B1_solved", "true", wrong)
    folder(made, "B2_empty", "test ! -s calc.py", wrong)
    folder(made, "B3_broken", "kill $$", wrong)
    folder(made, "C1_expected", 'test -f "$REPORTS/expected.json"', wrong)
    (made / "generators").mkdir()
    (made / "generators" / "registry.py").write_text(GENERATOR)
    (made / "generators" / "gen_a2_total.py").write_text("")
    return made


def test_what_can_be_played_is_kept_and_what_its_grader_cannot_tell_is_not(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["import", "teambench", str(checkout), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    told = {line.split()[0]: line for line in printed.splitlines()[:-1]}
    assert "-> " in told["A1_double"]
    assert "-> " in told["A2_total"]
    assert "passes the untouched workspace" in told["B1_solved"]
    assert "every program is empty" in told["B2_empty"]
    assert "does not come to its end" in told["B3_broken"]
    assert "expected.json, and nothing here makes one" in told["C1_expected"]
    assert printed.splitlines()[-1].startswith("2 of 6 folders are tasks in")
    assert sorted(path.name for path in out.iterdir()) == ["a1_double", "a2_total"]
    assert (out / "a1_double" / "base" / "data.txt").read_text() == "8\n"
    assert not list(out.rglob("base/**/expected.json"))  # which no seat may see
    plays(out)
    assert main(["import", "teambench", str(checkout), "--out", str(out), "--tasks", "A1_double"]) != 0
    assert "is there already" in capsys.readouterr().err


def plays(out: Path) -> None:
    """Three seats play one: who builds has the brief, the grader's word decides, and what it prints does not."""
    task = read_task(out / "a2_total" / "a2_total.collab.yaml")
    good = Caller(("write_file", {"path": "total.py", "content": "total = sum\n"}), ("finish", {}))
    played = play_episode(task.params, [Caller(("finish", {})), good, Caller(ATTESTS)])
    assert played.episode.success, (played.episode.error, played.episode.failures)
    assert "Mend total." in good.told
    assert "adds up" not in good.told
    loud = "print('ok 1 - grade.sh')\n" + GOES_ON.replace("double(a)", "total(a)").replace("return a", "return 8")
    bad = Caller(("write_file", {"path": "total.py", "content": loud}), ("finish", {}))
    played = play_episode(task.params, [Caller(("finish", {})), bad, Caller(ATTESTS)])
    assert played.episode.score == 0.0
    assert played.episode.metrics["false_accept"] == 1.0


ATTESTS = ("attest", {"verdict": "pass", "reason": "looks right"})


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"spec.md": ""}, "there is no spec.md, and no generator"),
        ({"grade.sh": ""}, "there is no grade.sh"),
        ({"grade.sh": GRADER.format(check="pip install flask")}, "wants pip install"),
        ({"grade.sh": GRADER.format(check="(cd . && npm test)")}, "wants npm"),
        ({"setup.sh": "docker compose up\n"}, "setup.sh wants docker"),
        ({"grade.sh": 'echo "false" > "$REPORTS/score.json"\n'}, "a placeholder"),
        ({"grade.sh": "exit 0\n"}, "writes no score.json"),
        ({"task.yaml": "domain: testing\n"}, "it asks for tests"),
        ({"task.yaml": "languages: [python, go]\n"}, "written in go"),
        ({"grade.sh": GRADER.format(check="true") + "# pip install of old\n"}, None),
    ],
)
def test_a_folder_that_cannot_be_played_as_it_lies_there_says_why(
    tmp_path: Path, files: dict[str, str], why: str | None
) -> None:
    folder(tmp_path, "X1_any", "true", {"calc.py": ""}, **files)
    found = refusal(Folder(tmp_path / "tasks" / "X1_any"))
    assert found is None if why is None else why in str(found)


def test_what_is_no_checkout_and_what_has_no_such_task_is_met_with_the_remedy(
    tmp_path: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "teambench", str(tmp_path)]) != 0
    assert "git clone" in capsys.readouterr().err
    assert main(["import", "teambench", str(checkout), "--tasks", "A1_duoble"]) != 0
    assert "did you mean 'A1_double'" in capsys.readouterr().err


def graded(tree: Path, check: str = WANTED, score: str = "") -> subprocess.CompletedProcess[str]:
    """What the program that calls a grader says of a tree."""
    (tree / "data.txt").write_text("8")
    grader = f"printf '%s' '{score}' > \"$2/score.json\"" if score else GRADER.format(check=check)
    (tree / shim.FOLDER).mkdir(exist_ok=True)
    (tree / shim.FOLDER / "grade.sh").write_text(grader)
    (tree / shim.FOLDER / "run.py").write_text(shim.RUN)
    return subprocess.run(shim.COMMAND.split(), cwd=tree, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("score", ['{"pass": "true"}', "{}", "[", '{"pass": 1}'])
def test_a_score_that_does_not_say_yes_or_no_is_no_score(tmp_path: Path, score: str) -> None:
    done = graded(tmp_path, score=score)
    assert done.returncode == 2
    assert "no readable score.json" in done.stdout


SCORES = "import glob, os, tempfile, time\nPLACES = tempfile.gettempdir() + '/*/reports'\n"
GOES_ON = (
    SCORES
    + """
def double(a):
    if os.fork() == 0:
        os.setsid()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for place in glob.glob(PLACES + '/score.json'):
                with open(place) as file:
                    says_no = '"pass": false' in file.read()
                if says_no:
                    with open(place, 'w') as file:
                        file.write('{"pass": true}')
                    os._exit(0)
        os._exit(0)
    return a
"""
)
IS_FIRST = (
    SCORES
    + """
def double(a):
    for place in glob.glob(PLACES):
        with open(place + '/score.json', 'w') as file:
            file.write('{"pass": true}')
        os.chmod(place + '/score.json', 0o444)
    return a
"""
)
IS_LAST = IS_FIRST.replace("return a", "os.kill(os.getppid(), 9)")


def bare(tree: Path) -> str:
    """What stands in score.json in the end where grade.sh is called, waited for, and believed."""
    reports = tree.parent / "harness" / "reports"
    reports.mkdir(parents=True)
    (tree / "data.txt").write_text("8")
    words = ["bash", "-c", GRADER.format(check=WANTED), "grade.sh", str(tree), str(reports), str(tree), str(tree)]
    subprocess.run(words, check=False, capture_output=True)
    score = reports / "score.json"
    until = time.monotonic() + 20
    while '"pass": true' not in score.read_text() and time.monotonic() < until:
        time.sleep(0.01)
    return score.read_text()


@pytest.mark.parametrize("cheat", [GOES_ON, IS_LAST], ids=["goes_on", "is_last"])
def test_a_program_that_writes_the_score_itself_is_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cheat: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where it looks for the score
    for name in ("believed", "watched"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "calc.py").write_text(cheat)
    assert '"pass": true' in bare(tmp_path / "believed")
    shutil.rmtree(tmp_path / "harness")
    done = graded(tmp_path / "watched")
    assert done.returncode in (1, 2)
    assert "\nok 1" not in done.stdout


def test_a_score_that_was_there_before_the_graders_is_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "calc.py").write_text(IS_FIRST)
    done = graded(tree)
    assert done.returncode == 2
    assert "touched by somebody else than grade.sh, or more than once" in done.stdout


def test_a_check_that_lies_in_the_workspace_is_put_back_before_it_is_run(tmp_path: Path) -> None:
    own = tmp_path / "base"
    own.mkdir()
    (own / "check_solution.py").write_text("print('as it was')\n")
    restored = shim.read_there("cd $1 && python3 check_solution.py", own)
    assert restored == {"restored/check_solution.py": "print('as it was')\n"}
    tree = tmp_path / "tree"
    (tree / shim.FOLDER / "restored").mkdir(parents=True)
    (tree / shim.FOLDER / "restored" / "check_solution.py").write_text(restored["restored/check_solution.py"])
    (tree / "check_solution.py").write_text("print('pass whatever there is')\n")
    (tree / "calc.py").write_text("def double(a):\n    return 2 * a\n")
    done = graded(tree, check=f"grep -q was check_solution.py && {WANTED}")
    assert (done.returncode, done.stdout) == (0, "1..1\nok 1 - grade.sh\n")


def test_what_the_grader_compares_with_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "simulator.py").write_text("x = 1")
    own = shim.read_there('diff "$TASK_DIR/workspace/simulator.py" simulator.py', tmp_path)
    assert own == {"workspace/simulator.py": "x = 1"}
    patch = shim.hidden("exit 0\n", json.dumps({"n": 1}), own)
    assert "+++ b/.teambench/workspace/simulator.py\n@@ -0,0 +1,1 @@\n+x = 1\n\\ No newline" in patch
    assert "+++ b/.teambench/expected.json" in patch
