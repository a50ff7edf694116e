"""Reader of the error that a JSON object reports where the object itself cannot be read. Pure.

Bodies are cut at their limit, nested without end, written by hand or in another encoding. What they report as `error`
is a failure all the same, and is found from their words alone, in linear time.
"""

from __future__ import annotations

import re

#: Words that are looked at; an object with more of them before its error reports none.
MAX_WORDS = 20_000
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_OPENS, _CLOSES = frozenset("{["), frozenset("}]")
#: What stands for no error. Any other word, or the beginning of an object or a list, is one.
_NONE = frozenset({"null", "false", "None", "False"})


def error_word(text: str) -> str:
    """The first word of what the object reports as `error`, a string with its quotes; empty where it reports none."""
    depth, last, name = 0, "", ""
    for place, found in enumerate(_WORD.finditer(text)):
        word = found[0]
        if place > MAX_WORDS:
            return ""
        if depth == 1 and last == ":" and name == '"error"':
            return "" if word in _NONE or not word.strip('" \t\r\n') else word
        if word in _OPENS:
            depth += 1
        elif word in _CLOSES:
            depth -= 1
        if word == ":":
            name = last
        last = word
    return ""
