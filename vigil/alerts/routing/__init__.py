"""Routing: which channels an incident goes to, and what holds its alerts back."""
