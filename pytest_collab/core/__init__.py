"""The JAX kernels: batched games as pure functions, no I/O, no pytest.

Importing this package imports nothing; import `pytest_collab.core.maze` where the arrays are needed.
"""
