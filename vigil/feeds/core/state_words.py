"""State of an event in the words of a status page: whole phrases, with what negates or limits them. Pure.

Updates stand newest first, so the first clause that says a state decides.
"""

from __future__ import annotations

import html
import re

from vigil.feeds.core.page import PostState

_OVER = r"resolved|mitigated|fixed|completed?|restored|recovered|closed|solved"
#: A clause that is nothing but a state, as in `[RESOLVED]` or `Resolved - ...`.
_LABELS = {
    PostState.OVER: re.compile(
        rf"(?:fully |now |issue |incident |update |status )*(?:{_OVER}|post-?mortem|all clear|operational)"
    ),
    PostState.PLANNED: re.compile(r"scheduled|planned|verifying|maintenance|(?:scheduled|planned) maintenance"),
    PostState.OPEN: re.compile(
        r"investigating|identified|monitoring|in progress|ongoing|open|update|degraded(?: performance)?"
        r"|(?:partial|major) outage|informational message|service (?:degradation|disruption)|performance issues"
    ),
}  # fmt: skip
_SAYS_OVER = re.compile(
    rf"\b(?:is|are|was|were|been|now|fully|completely|we|have|has)\s+(?:now\s+|fully\s+|completely\s+|since\s+)*"
    rf"(?:{_OVER})\b|\b(?:is|are|now)\s+(?:\w+\s+)?operating normally|\b(?:back|returned) to normal|\bhas ended\b"
)
_SAYS_OPEN = re.compile(
    r"\b(?:investigating|identified|monitoring|ongoing|we are working|working (?:on|to)|continu\w+ to|unresolved"
    rf"|still|experiencing)\b|\b(?:{_OVER})\b"
)
_SAYS_PLANNED = re.compile(r"\b(?:scheduled|planned) (?:maintenance|upgrade|works?)\b|^maintenance\b")
#: What makes a clause say the opposite, or only a part: `not yet resolved`, `until it is fixed`, `for most users`.
_LIMITS = re.compile(
    r"\b(?:not|no|never|cannot|\w+n['\u2019]t|until|till|once|when|if|before|unless|whether|while|will|would|should|may|might"
    r"|could|expect\w*|hope\w*|estimat\w+|try\w*|attempt\w*|to be|being|partial\w*|partly|mostly|almost|nearly"
    r"|some|most|many|part of|subset|majority|appear\w*|seem\w*|believe\w*|previous\w*|earlier|yesterday"
    r"|last (?:week|month|night|year))\b"
)
_CLAUSES = re.compile(r"[.;:!?\n,\[\]()|•]+|\s[-–—]\s|\bbut\b|\bhowever\b")  # noqa: RUF001  # dashes of all lengths
_TAGS = re.compile(r"<[^<>]*>")
_BLOCKS = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|strong|b)\b[^<>]*>", re.IGNORECASE)
_STAMP = re.compile(r"^[\d\s]*(?:utc|gmt|p[sd]t|e[sd]t|am|pm)?\s*")


def state_of(text: str) -> PostState | None:
    """The state that a text says first; None if it says none."""
    for clause in clauses_of(text):
        for state, label in _LABELS.items():
            if label.fullmatch(clause):
                return state
        if _SAYS_OVER.search(clause) and not _LIMITS.search(clause):
            return PostState.OVER
        if _SAYS_PLANNED.search(clause):
            return PostState.PLANNED
        if _SAYS_OPEN.search(clause):
            return PostState.OPEN
    return None


def clauses_of(text: str) -> list[str]:
    """Clauses of a text or of HTML, in lower case, without tags and times."""
    plain = html.unescape(_TAGS.sub("", _BLOCKS.sub("\n", html.unescape(text)))).lower()
    found = (_STAMP.sub("", " ".join(clause.split())) for clause in _CLAUSES.split(plain))
    return [clause for clause in found if clause]


def subject_of(title: str) -> tuple[str, bool]:
    """What a title is about, without the states in it; and whether it names one."""
    clauses = clauses_of(title)
    rest = [clause for clause in clauses if not any(label.fullmatch(clause) for label in _LABELS.values())]
    rest = [clause for clause in rest if not re.fullmatch(r"service is operating normally", clause)]
    return " ".join(rest), len(rest) < len(clauses)
