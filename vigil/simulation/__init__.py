"""The decision law under simulated faults: the real pure core on a virtual clock, in worlds whose truth is known.

Nothing here reads a clock, a network or a file: a seed and a number of hours give the same history everywhere.
"""
