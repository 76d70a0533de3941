"""The shipped suite: `pytest --pyargs pytest_collab.suite --agents=partner`.

In the wheel this package holds `tasks/`, `repos/` and `fixtures/` of the repository.
"""
