"""Backtest: the stored checks of a monitor through the decision law, under another policy."""
