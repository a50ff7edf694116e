"""Alerting: routing, escalation, grouping and delivery of notifications about incidents."""
