"""Gatus: endpoints, conditions, alerting and merged files."""
