"""Incidents of what is foretold of keys and regions."""
