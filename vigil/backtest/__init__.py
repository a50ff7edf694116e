"""Backtest: stored checks of a monitor replayed through the decision law under another policy."""
