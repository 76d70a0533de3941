"""Reading a dataset in CooperBench's layout: which pools there are, and how each is set up and tested."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_collab.cli import main
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.families.coding.cooperbench import CooperPool, choose, find_mirror, read_dataset, task_of
from pytest_collab.families.coding.cooperbench.runners import how
from pytest_collab.families.taskfile import read_task
from tests.coding.cooper import Fake, build


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return build(tmp_path)


def only_pool(fake: Fake) -> CooperPool:
    (pool,) = read_dataset(fake.checkout)
    return pool


def ways(tmp_path: Path, runner: str, dockerfile: str = "") -> dict[str, Any]:
    """What is made of a pool whose `runner.sh` this is."""
    (tmp_path / "runner.sh").write_text(runner)
    (tmp_path / "Dockerfile").write_text(dockerfile)
    return how(CooperPool("x/1", "x1", "x_task", 1, tmp_path, "https://github.com/o/x", "0" * 40, (1, 2)))


@pytest.mark.parametrize("name", ["tiny-calc/7", "tiny-calc7", "tiny_calc_task/task7", "tiny-calc", "calc", "calc/7"])
def test_a_pool_is_found_by_each_of_its_names(fake: Fake, name: str) -> None:
    assert [pool.number for pool in choose(fake.checkout, [name])] == [7]


def test_a_misspelt_pool_is_met_with_the_nearest_name(fake: Fake) -> None:
    with pytest.raises(UsageError, match="no pool 'tiny-clac/7'; did you mean 'tiny-calc/7'"):
        choose(fake.checkout, ["tiny-clac/7"])


def test_a_folder_without_a_dataset_is_told_with_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no CooperBench dataset.*git clone"):
        read_dataset(tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        read_dataset(tmp_path / "nowhere")


def test_a_subset_keeps_its_pairs_only(fake: Fake) -> None:
    (pool,) = choose(fake.checkout, subset="flash")
    assert pool.pairs == ((1, 3),)
    params = task_of(pool, fake.mirrors).params
    assert params.deals == (("f1", "f3"),)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="no subset 'flsh'; did you mean 'flash'"):
        choose(fake.checkout, subset="flsh")


def test_every_pair_of_a_pool_is_a_seed(fake: Fake) -> None:
    task = task_of(only_pool(fake), fake.mirrors)
    assert task.seed_list() == (0, 1, 2)


def test_a_mirror_that_is_not_there_is_told_with_the_command_that_makes_it(fake: Fake) -> None:
    pool = only_pool(fake)
    (fake.mirrors / "calc.git").rename(fake.mirrors / "clac.git")
    with pytest.raises(UsageError, match=r"did you mean its 'clac.git'\? Otherwise: git clone --mirror https://"):
        find_mirror(pool, fake.mirrors)
    assert find_mirror(pool, None) == "https://github.com/tiny/calc"


@pytest.mark.parametrize("place", ["calc", "tiny/calc", "tiny__calc.git", "tiny+calc"])
def test_mirrors_are_found_under_the_names_that_people_give_them(fake: Fake, place: str) -> None:
    (fake.mirrors / place).parent.mkdir(exist_ok=True)
    (fake.mirrors / "calc.git").rename(fake.mirrors / place)
    assert find_mirror(only_pool(fake), fake.mirrors) == str((fake.mirrors / place).resolve())


def test_a_mirror_without_the_base_commit_is_told(fake: Fake) -> None:
    pool = dataclasses.replace(only_pool(fake), commit="1" * 40)
    with pytest.raises(UsageError, match="lacks commit 1111.*old or shallow.*fetch it: git -C"):
        find_mirror(pool, fake.mirrors)


def test_where_checkout_and_mirrors_lie_is_no_part_of_what_a_task_is(fake: Fake) -> None:
    here = task_of(only_pool(fake), fake.mirrors).hash
    moved = fake.checkout.rename(fake.checkout.with_name("elsewhere"))
    (pool,) = read_dataset(moved)
    assert task_of(pool, None).hash == here
    (moved / "dataset/tiny_calc_task/task7/feature1/feature.md").write_text("Something else.\n")
    assert task_of(pool, None).hash != here


def test_a_session_and_a_task_file_say_the_same(
    fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["import", "cooperbench", "--dataset", str(fake.checkout), "--repos", str(fake.mirrors)]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    (path,) = (tmp_path / "out").iterdir()
    assert str(path) in capsys.readouterr().out
    written, played = read_task(path), task_of(only_pool(fake), fake.mirrors)
    assert (written.hash, written.seeds, written.conditions) == (played.hash, played.seeds, played.conditions)
    assert "def " not in path.read_text()  # it points into the checkout, nothing of it is copied
    assert set(yaml.safe_load(path.read_text())["params"]["features"][0]) == {
        "id",
        "description",
        "tests",
        "reference",
    }


def test_a_listing_writes_nothing_and_says_what_becomes_of_every_pool(
    fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    words = ["import", "cooperbench", "--dataset", str(fake.checkout), "--repos", str(fake.mirrors), "--list"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "tiny-calc/7: python, 3 features, 3 pairs" in shown
    assert "tests/test_feature.py" in shown
    (fake.pool / "runner.sh").write_text("make check\n")
    assert main(words) == 1
    assert "in a way that is not known here" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == before


def test_pip_lines_of_a_runner_act_on_the_environment(tmp_path: Path) -> None:
    made = ways(
        tmp_path,
        'pip install --upgrade pip\npip install -e ".[test]" || pip install -e .\npip uninstall pyarrow\n'
        "python -m pytest tests/test_a.py tests/test_b.py -v 2>&1 | tee log\n",
    )
    assert made["setup"] == [
        'python -m pip install -q -e ".[test]" || python -m pip install -q -e .',
        "python -m pip uninstall -q -y pyarrow",
    ]
    assert (
        made["test"] == "python -m pytest -q -p no:cacheprovider tests/test_a.py tests/test_b.py --junitxml={report}"
    )


def test_an_extra_that_may_be_missing_is_tried_before_the_package_alone(tmp_path: Path) -> None:
    made = ways(
        tmp_path,
        'if uv pip install --system -e ".[test]" 2>/dev/null; then\n    echo yes\nelse\n    echo no\n'
        "    uv pip install --system -e .\nfi\nuv pip install --system pytest\npython3 -m pytest tests/ -v\n",
    )
    assert made["setup"] == [
        "python -m pip install -q uv",
        'uv pip install -e ".[test]" || uv pip install -e .',
        "uv pip install pytest",
    ]


def test_where_the_runner_installs_nothing_the_image_does(tmp_path: Path) -> None:
    dockerfile = (
        "FROM x\nRUN pip install uv\nRUN pip install --upgrade pip && \\\n    pip install -e . && pip install a\n"
    )
    made = ways(tmp_path, "python -m pytest tests/test_a.py\n", dockerfile)
    assert made["setup"] == ["python -m pip install -q -e .", "python -m pip install -q a"]


def test_variables_of_a_runner_are_followed(tmp_path: Path) -> None:
    made = ways(tmp_path, 'TEST_PATH="a/test_x.py"\nexport NO_TF=1\ntimeout 300 python -m pytest "$TEST_PATH" -v\n')
    assert made["test"] == "NO_TF=1 python -m pytest -q -p no:cacheprovider a/test_x.py --junitxml={report}"


def test_a_choice_made_while_running_is_left_to_the_hidden_tests(tmp_path: Path) -> None:
    made = ways(
        tmp_path,
        'if true; then\n  SPEC="tests/test_f*.py"\nelse\n  SPEC="tests/"\nfi\npython -m pytest $SPEC -v\n',
    )
    assert made["test"] == "python -m pytest -q -p no:cacheprovider {tests} --junitxml={report}"


def test_secondary_tests_run_where_the_hidden_tests_bring_them(tmp_path: Path) -> None:
    made = ways(
        tmp_path,
        'python -m pytest "tests/test_a.py" -v\nMORE="tests/test_b.py tests/test_c.py"\n'
        'IFS=\' \' read -ra FILES <<< "$MORE"\nfor file in "${FILES[@]}"; do\n  python -m pytest "$file" -v\ndone\n',
    )
    assert made["test"] == (
        "python -m pytest -q -p no:cacheprovider tests/test_a.py $(ls tests/test_b.py tests/test_c.py 2>/dev/null) "
        "--junitxml={report}"
    )


def test_other_languages_runners_are_known(tmp_path: Path) -> None:
    go = ways(tmp_path, 'timeout 300 go test -run "$PATTERN" ./...\n')
    assert (go["language"], go["parser"]) == ("go", "go")
    assert go["test"].endswith("go test -json {tests}")
    node = ways(tmp_path, 'pnpm test "src/a.test.tsx" 2>&1\n', "RUN npx pnpm@8 install\n")
    assert (node["language"], node["parser"]) == ("typescript", "jest")
    assert node["test"] == "npm test --silent -- src/a.test.tsx --json --outputFile={report}"
    assert node["setup"][0].endswith("npx --yes pnpm@8 install --frozen-lockfile")
    rust = ways(tmp_path, "cargo build\ncargo test -p typst-tests -- one\ncargo test -p typst-tests -- two\n")
    assert (rust["language"], rust["parser"]) == ("rust", "typst")
    assert rust["test"] == (
        "cargo test -p typst-tests -- one --verbose 2>&1 && cargo test -p typst-tests -- two --verbose 2>&1"
    )
    with pytest.raises(TaskError, match="not known here"):
        ways(tmp_path, "make check\n")
