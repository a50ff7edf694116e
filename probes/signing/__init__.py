"""Signatures of what passes through Redis: who holds its password can delay messages, and nothing else. Pure."""
