"""Replay rules: what a replay of a dead letter does, in words. Pure.

Bytes go back to their stream where their reader can still act on them. Other letters are closed only.
"""

from __future__ import annotations

_TRIED_AGAIN = "closes the letter only: it is tried again by itself, and its next failure opens a letter again"
#: By process, and step where that matters: why its bytes are of no use any more.
_CLOSED = {
    ("consensus", ""): "closes the letter only: a vote counts in its own round, and the next check asks anew",
    ("dispatch", "decode"): "closes the letter only: a round ends at its deadline without that verdict",
    ("dispatch", "check"): "closes the letter only: the next check of the monitor is made by itself",
    ("deliver", ""): "closes the letter only: the message is tried again by itself, or is a dead delivery",
    ("witness", ""): "closes the letter only: the feed is read again by itself",
}


def effect_of_replay(source: str, step: str, stream: str, kept: int, size: int) -> str:
    """What `replay` does with a letter, in words; `kept` of the `size` bytes of its entry are here."""
    if stream and kept == size:
        return f"adds its {size} bytes to {stream} again"
    if stream:
        return f"refused: only the first {kept} of its {size} bytes were kept"
    return _CLOSED.get((source, step)) or _CLOSED.get((source, ""), _TRIED_AGAIN)
