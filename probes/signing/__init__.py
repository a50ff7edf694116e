"""Signatures of what passes through Redis: a user of it can delay messages, and nothing else. Pure."""
