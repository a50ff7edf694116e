"""Incidents: what vigil believes of each monitor, and every step of every incident's life."""
