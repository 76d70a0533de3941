"""CooperBench (arXiv 2601.13295) from the user's own checkout: its pools as coding tasks, its layout for results.

Nothing of it is copied: tasks point into the checkout and to mirrors of the repositories.
"""

from __future__ import annotations

from pytest_collab.families.coding.cooperbench.dataset import CooperPool, choose, read_dataset, select
from pytest_collab.families.coding.cooperbench.mirrors import find_mirror
from pytest_collab.families.coding.cooperbench.tasks import task_data, task_of, write_tasks

__all__ = ["CooperPool", "choose", "find_mirror", "read_dataset", "select", "task_data", "task_of", "write_tasks"]
