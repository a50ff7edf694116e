"""The record process: results in, history out."""
