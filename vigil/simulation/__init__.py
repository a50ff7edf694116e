"""Deterministic simulation of the decision law under faults, in worlds with known truth.

The real pure core runs on a virtual clock: a seed and a duration give the same history everywhere.
"""
