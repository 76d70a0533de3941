"""Roles: one feature, and seats that have different rights to its specification and to the tree."""
