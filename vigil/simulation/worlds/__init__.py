"""Simulated worlds: targets, paths, faults and cuts, drawn from a seed."""
