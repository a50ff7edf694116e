"""Regular expressions that cannot backtrack: RE2 with bounded patterns, memory and work, compiled once."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, cast

import re2

#: Longest pattern accepted (characters).
PATTERN_LIMIT = 256
#: Bytes that one compiled pattern may use; RE2 forgets states beyond that and goes on, slower.
_MEMORY_LIMIT = 1 << 18
#: Instructions of a compiled pattern. Where RE2 runs out of memory for states it walks all of them at every byte, a
#: hundred million a second: repetitions of repetitions would delay all other checks for minutes.
SIZE_LIMIT = 1_000


class BadPattern(ValueError):
    """A pattern that RE2 does not take, with its own words for what is wrong."""


class Pattern(Protocol):
    """What is used of a compiled pattern; it works on UTF-8 bytes. `programsize` is what a byte may cost at worst."""

    programsize: int

    def search(self, text: bytes) -> object | None: ...
    def fullmatch(self, text: bytes) -> object | None: ...


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Pattern:
    """The compiled pattern; raises BadPattern."""
    if not 1 <= len(pattern) <= PATTERN_LIMIT:
        raise BadPattern(f"a pattern has 1 to {PATTERN_LIMIT} characters")
    options = re2.Options()
    # RE2 would write to standard error.
    options.log_errors = False
    options.max_mem = _MEMORY_LIMIT
    options.never_capture = True
    try:
        made = cast(Pattern, re2.compile(pattern.encode(), options=options))
    except (re2.error, UnicodeEncodeError) as error:
        words = error.args[0]
        text = words.decode(errors="replace") if isinstance(words, bytes) else "not valid Unicode"
        raise BadPattern(f"not a pattern that RE2 takes: {text}") from None
    if made.programsize > SIZE_LIMIT:
        raise BadPattern(f"a pattern {made.programsize / SIZE_LIMIT:.1f} times too large: use fewer repetitions")
    return made


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with an RE2 pattern, or None."""
    try:
        compiled(pattern)
    except BadPattern as error:
        return str(error)
    return None
