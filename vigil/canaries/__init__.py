"""Canaries: their budgets, reserved before anything is asked, and the last answers, judged together."""
