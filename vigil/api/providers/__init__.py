"""Providers API: error budgets by whose fault lost time was, and detection leads."""
