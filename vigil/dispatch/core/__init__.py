"""Dispatch decisions: schedule, rounds, looks, call budgets, load shedding. Pure."""
