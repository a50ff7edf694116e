"""Deterministic simulation of the decision law under faults: real core, virtual clock, seeded worlds."""
