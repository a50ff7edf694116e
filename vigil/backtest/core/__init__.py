"""Backtest decisions: past checks, the law, and two policies compared. Pure."""
