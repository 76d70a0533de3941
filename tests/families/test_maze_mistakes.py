"""Mazes that cannot be are told at collection: file, line, key, value and remedy."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        ("{size: 4, path: [40, 50]}", ["*bad.collab.yaml:2: params*", "*path*"]),
        ("{size: 4, path: [9, 7]}", ["*bad.collab.yaml:2: params*", "*path*"]),
        ("{size: 99}", ["*bad.collab.yaml:2: params.size: 99: *", "*size: cells along each side, 3 to 32*"]),
        ("{size: 6, wals: 0.3}", ["*bad.collab.yaml:2: params.wals: unknown key*", "*Did you mean 'walls'*"]),
        ("{size: 6, walls: 1.5}", ["*bad.collab.yaml:2: params.walls: 1.5: *"]),
        ("{size: 6, walls: .nan}", ["*bad.collab.yaml:2: params.walls: *"]),
        ("{seats: 5}", ["*bad.collab.yaml:2: params.seats: 5: *"]),
    ],
)
def test_a_maze_that_cannot_be_is_told_at_collection(suite: pytest.Pytester, params: str, lines: list[str]) -> None:
    (suite.path / "bad.collab.yaml").write_text(f"family: maze\nparams: {params}\nseeds: 1\n")
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    for line in lines:
        result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.assert_outcomes(errors=1)


def test_a_path_longer_than_the_grid_allows_names_the_longest_in_python(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_bad="""
        from pytest_collab import task
        from pytest_collab.families.maze import Maze

        @task(Maze(size=4, path=(40, 50)), seeds=1)
        def test_too_long(episode):
            assert episode.success
        """
    )
    result = suite.runpytest_inprocess("--agents=partner")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["test_bad.py:4: path: path is *40, 50*no maze of size 4*more than 12 moves*"])
    result.stdout.no_fnmatch_line("*pydantic*")
