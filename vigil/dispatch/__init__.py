"""Dispatch: sends due checks to regions, and opens rounds that consensus calls for."""
