"""Pools from a repository's own history: commits that add behaviour together with tests, as features on one base."""
