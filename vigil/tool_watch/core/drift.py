"""Drift of a server's tools: whether what regions see now is another list, and what to say of it. Pure.

A list is another one when most regions with a fresh result see it, in two looks further apart than checks are: during a
rollout old and new answer in turn. It is told once a day at most in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.tool_watch.core.seen_tools import SeenTool, SeenTools

SETTLES = timedelta(seconds=50)
#: How often it is remembered that a list was seen again.
NOTED_EVERY = timedelta(minutes=5)
_NAMED_MOST = 12


class DriftReason(StrEnum):
    """Why a look changed what is known, or did not."""

    NOTHING_SEEN = "nothing_seen"
    REGIONS_DIFFER = "regions_differ"
    FIRST = "first"
    SAME = "same"
    SETTLING = "settling"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KnownTools:
    """What is known of a server: its list, when it was last seen and last changed, and another list that settles.

    `target` is the address that it is of: another address is another server.
    """

    target: str
    seen: SeenTools
    seen_at: datetime
    changed_at: datetime
    candidate: str = ""
    candidate_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToolDrift:
    """A change of a list: names that are new, gone, or whose words or schemas changed."""

    before: SeenTools
    after: SeenTools
    added: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]
    instructions_changed: bool


@dataclass(frozen=True, slots=True)
class DriftDecision:
    """What is known after a look, the change to tell of, and why."""

    known: KnownTools | None
    drift: ToolDrift | None
    reason: DriftReason


def decide(
    known: KnownTools | None, target: str, fresh: Mapping[str, SeenTools], now: datetime, settles: timedelta = SETTLES
) -> DriftDecision:
    """Hold what regions see now (by region, fresh results only) against what is known.

    `settles` is longer than the interval of checks: the same results twice are one look.
    """
    seen = _of_most(fresh)
    if seen is None:
        return DriftDecision(known, None, DriftReason.REGIONS_DIFFER if fresh else DriftReason.NOTHING_SEEN)
    if known is None or known.target != target:
        return DriftDecision(KnownTools(target, seen, now, now), None, DriftReason.FIRST)
    if seen.fingerprint == known.seen.fingerprint:
        # What could not be told one by one may be told now; and a server's version may change without its tools.
        kept = seen if seen.tools is not None else replace(seen, tools=known.seen.tools)
        seen_at = now if now - known.seen_at >= NOTED_EVERY else known.seen_at
        same = replace(known, seen=kept, seen_at=seen_at, candidate="", candidate_since=None)
        return DriftDecision(same, None, DriftReason.SAME)
    if known.candidate != seen.fingerprint or known.candidate_since is None:
        settling = replace(known, candidate=seen.fingerprint, candidate_since=now)
        return DriftDecision(settling, None, DriftReason.SETTLING)
    if now - known.candidate_since < settles:
        return DriftDecision(known, None, DriftReason.SETTLING)
    return DriftDecision(KnownTools(target, seen, now, now), drift_of(known.seen, seen), DriftReason.CHANGED)


def _of_most(fresh: Mapping[str, SeenTools]) -> SeenTools | None:
    """The list that more than half of the regions see."""
    if not fresh:
        return None
    fingerprint, count = Counter(each.fingerprint for each in fresh.values()).most_common(1)[0]
    if 2 * count <= len(fresh):
        return None
    of_it = [each for each in fresh.values() if each.fingerprint == fingerprint]
    return next((each for each in of_it if each.tools is not None), of_it[0])


def drift_of(before: SeenTools, after: SeenTools) -> ToolDrift:
    """What changed between two lists; names only where both are told one by one."""
    instructions = before.instructions != after.instructions
    if before.tools is None or after.tools is None:
        return ToolDrift(before, after, (), (), (), instructions)
    old, new = ({tool.name: tool for tool in each.tools or ()} for each in (before, after))
    changed = tuple(
        (name, _what(old[name], new[name])) for name in sorted(old.keys() & new.keys()) if old[name] != new[name]
    )
    return ToolDrift(
        before,
        after,
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(old.keys() - new.keys())),
        changed,
        instructions,
    )


def _what(old: SeenTool, new: SeenTool) -> str:
    """Which parts of a tool changed."""
    parts = [
        word for word, is_other in (("words", old.words != new.words), ("schema", old.schema != new.schema)) if is_other
    ]
    return " and ".join(parts)


def title_of(name: str, drift: ToolDrift) -> str:
    """One line, such as `Docs: 1 tool new, 2 tools with other words`; it begins with the monitor's name."""
    words = sum("words" in what for _, what in drift.changed)
    counts = (
        (len(drift.added), "new"),
        (len(drift.gone), "gone"),
        (words, "with other words"),
        (len(drift.changed) - words, "with another schema"),
    )
    parts = [f"{count} tool{'s' if count > 1 else ''} {word}" for count, word in counts if count]
    if drift.instructions_changed:
        parts.append("other instructions")
    if not parts:
        was, now = drift.before.count, drift.after.count
        parts = [f"{now} tools instead of {was}" if now != was else "other tools than before"]
    return f"{name[:100]}: {', '.join(parts)}"


def before_and_after(drift: ToolDrift) -> tuple[str, str]:
    """What was, and what is: each tool that changed, with the beginning of its hash."""
    return _listed(drift, drift.before, drift.gone), _listed(drift, drift.after, drift.added)


def _listed(drift: ToolDrift, side: SeenTools, alone: Sequence[str]) -> str:
    tools = {tool.name: tool for tool in side.tools or ()}
    parts = [f"{name} ({what} {_short(tools[name], what)})" for name, what in drift.changed]
    parts += list(alone)
    if drift.instructions_changed:
        parts.append(f"instructions {side.instructions[:8] or 'none'}")
    more = len(parts) - _NAMED_MOST
    named = ", ".join(parts[:_NAMED_MOST]) + (f" and {more} more" if more > 0 else "")
    return f"{named}; {side.count} tools" if named else f"{side.count} tools, {side.fingerprint[:8]}"


def _short(tool: SeenTool, what: str) -> str:
    return " ".join(value[:8] for word, value in (("words", tool.words), ("schema", tool.schema)) if word in what)
