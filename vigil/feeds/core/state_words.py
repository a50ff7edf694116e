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
        rf"(?:fully |now |issue |incident |update |status |posted )*(?:{_OVER}|cancell?ed|post-?mortem|all clear"
        r"|operational|false alarm|incident over|end of incident)"
    ),
    PostState.PLANNED: re.compile(r"scheduled|planned|verifying|maintenance|(?:scheduled|planned) maintenance"),
    PostState.OPEN: re.compile(
        r"investigating|identified|monitoring|in progress|ongoing|open|degraded(?: performance)?"
        r"|(?:partial|major) outage|informational message|service (?:degradation|disruption)|performance issues"
    ),
}  # fmt: skip
#: A clause that names a post, and no state.
_NO_STATE = re.compile(r"update|service is operating normally")
#: Of these, what a whole event is, and not only a step of it such as an investigation.
_DONE = r"resolved|mitigated|fixed|restored|recovered|solved"
_GONE = (
    r"(?:see|seeing|observ\w+|experienc\w+|occur\w*|affect\w*|impact\w*|present|happening|ongoing)\b"
    r"(?! recover| improve)"
)
_AGAIN = r"(?:again|normally|as (?:expected|usual|normal))"
_SAYS_OVER = re.compile(
    rf"\b(?:is|are|was|were|been|now|fully|completely|we|we['\u2019]ve|have|has|engineers?|team)\s+"
    rf"(?:now\s+|fully\s+|completely\s+|since\s+|all\s+|also\s+|been\s+)*(?:{_DONE})\b"
    rf"|^(?:resolved|mitigated)\b(?! for (?!all|every))"
    rf"|^(?:{_DONE})\s+(?:at|on|for (?:all|every)|by|as of|since|after)\b"
    rf"|^(?:[\w-]+\s+){{0,4}}(?:{_DONE})(?:\s+(?:at|on|by|for all)\b.*)?$"
    r"|^(?:[\w-]+\s+){0,3}(?:this|maintenance|upgrade|migration|incident|issue|works?|recovery|rollback)\s+"
    r"(?:(?:is|has|was|been|now)\s+)*(?:completed?|closed|over|ended|cancell?ed)\b"
    rf"|\b(?:is|are|now)\s+(?:[\w-]+\s+)?(?:operating|working|functioning|running)\s+{_AGAIN}|\bback to normal"
    rf"|\breturned to normal|\b(?:has|have) (?:ended|resumed|subsided)\b|\b(?:is|are) (?:over|healthy\b.* again)\b"
    r"|\b(?:all|is|are|now|fully|again|remains?)\s+(?:[\w-]+\s+){0,2}operational\b"
    rf"|\bno longer\s+{_GONE}"
)
_SAYS_OPEN = re.compile(
    r"\b(?:investigating|identified|monitoring|ongoing|we are working|working (?:on|to)|continu\w+ to|unresolved"
    rf"|still|experiencing|re-?occur\w*|recur\w*|re-?opened)\b|\b(?:{_OVER})\b"
)
_SAYS_PLANNED = re.compile(r"\b(?:scheduled|planned|upcoming) (?:maintenance|upgrade|works?)\b|^maintenance\b")
#: What before a state makes it one to come, or a guess: `until it is fixed`.
_TO_COME = (
    r"once|until|till|when|if|before|unless|whether|while|will|would|should|may|might|could|can|must|need\w*|expect\w*"
    r"|hope\w*|estimat\w+|try\w*|attempt\w*|be|being|to (?:get|have|see)|working (?:on|to)|appear\w*|seem\w*"
    r"|believe\w*|thought|after (?:it|this|they)|previous\w*|earlier|yesterday|last (?:week|month|night|year)"
)
#: What before or behind it makes it a part: `for most users`.
_IN_PART = (
    r"partial\w*|partly|mostly|almost|nearly|some|most|many|part of|subset|majority|temporar\w+|only|except\w*"
    r"|half|one of|in part|far from|close to|yet to"
)
_NEVER = rf"not|no(?! longer {_GONE})|none|never|neither|nor|without|cannot|\w+n['\u2019]t"
_LIMITS_BEFORE = re.compile(rf"\b(?:{_NEVER}|{_TO_COME}|{_IN_PART})\b")
_LIMITS_BEHIND = re.compile(
    rf"\b(?:{_IN_PART}|not|until|if|unless|but|however|degraded|delay\w*|yesterday|earlier|last"
    r"|(?:is|are) back)\b(?! to normal)"
)
_COMING = re.compile(rf"\b(?:{_TO_COME})\b")
#: What an event is about, before what became of it: `that stopped some users has been resolved`.
_ABOUT = re.compile(
    r"\b(?:which|that|who|where|with|affect\w+|impact\w+|prevent\w+|caus\w+)\b(.*?)"
    rf"(?=\b(?:has|have|is|are|was|were)\s+(?:now\s+|been\s+|fully\s+|completely\s+|since\s+)*(?:{_OVER})\b)"
)
_COULD = re.compile(r"\b(?:could|would|may|might|can|when|if|while|try\w*|attempt\w*|be|being)\b")
_CLAUSES = re.compile(r"[.;:!?\n,\[\]()|•]+|\s[-–—]\s|(?<=\bbut)\s|(?<=\bhowever)\s")  # noqa: RUF001  # dashes of all lengths
#: It belongs to what it takes back.
_BUT = re.compile(r",?\s(?=(?:but|however)\b)")
#: A question says nothing: `Resolved? Not yet.`
_QUESTIONS = re.compile(r"[^.;:!?\n]*\?")
_TAGS = re.compile(r"<[^<>]*>")
_BLOCKS = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|strong|b)\b[^<>]*>", re.IGNORECASE)
_STAMP = re.compile(r"^[\d\s]*(?:utc|gmt|p[sd]t|e[sd]t|am|pm)?\s*")


def state_of(text: str) -> PostState | None:
    """The state that a text says first; None if it says none."""
    for clause in clauses_of(text):
        for state, label in _LABELS.items():
            if label.fullmatch(clause):
                return state
        if _is_over(clause):
            return PostState.OVER
        if _SAYS_PLANNED.search(clause):
            return PostState.PLANNED
        if _SAYS_OPEN.search(clause):
            return PostState.OPEN
    return None


def _is_over(clause: str) -> bool:
    """Whether a clause says that an event is over, all of it and now."""
    clause = _ABOUT.sub(lambda found: found[0] if _COMING.search(_COULD.sub("", found[1])) else "", clause)
    said = _SAYS_OVER.search(clause)
    if said is None:
        return False
    before, behind = clause[: said.end()], clause[said.end() :]
    return not _LIMITS_BEFORE.search(before) and not _LIMITS_BEHIND.search(behind)


def clauses_of(text: str) -> list[str]:
    """Clauses of a text or of HTML, in lower case, without tags and times."""
    plain = html.unescape(_TAGS.sub("", _BLOCKS.sub("\n", html.unescape(text)))).lower()
    said = _BUT.sub(" ", _QUESTIONS.sub("\n", plain) if "?" in plain else plain)
    found = (_STAMP.sub("", " ".join(clause.split())) for clause in _CLAUSES.split(said))
    return [clause for clause in found if clause]


def subject_of(title: str) -> tuple[str, bool]:
    """What a title is about, without the states in it; and whether it names one."""
    clauses = clauses_of(title)
    rest = [clause for clause in clauses if not any(label.fullmatch(clause) for label in _LABELS.values())]
    rest = [clause for clause in rest if not _NO_STATE.fullmatch(clause)]
    return " ".join(rest), len(rest) < len(clauses)
