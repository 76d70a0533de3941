"""A collaboration task as a test function: the same as a task file, with assertions of one's own."""

from pytest_collab import Episode, task
from pytest_collab.families.maze import Maze


@task(Maze(size=5, walls=0.25, path=(5, 8)), seeds=3, conditions=["solo", "team"])
def test_five_by_five(episode: Episode) -> None:
    """Small enough that the way there should not be far from the best one."""
    assert episode.success
