"""Backtest core: past checks, the law, and the comparison of two policies. Pure."""
