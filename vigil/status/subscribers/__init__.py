"""Subscribers of status pages: who asked to be told of updates, confirmed that, and may end it with one click."""
