"""Heartbeat decisions: schedules, life cycle, budgets, and what a ping says. Pure."""
