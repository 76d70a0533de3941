"""Tests of replications."""
