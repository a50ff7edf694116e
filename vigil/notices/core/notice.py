"""Notice: a quiet message about a change or a date ahead. Pure.

Nothing is down: a notice never pages, is not escalated, repeated, held or resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from probes.text import storable

#: Limits in characters. A provider or a region may have written any of these texts.
KEY_LIMIT = 200
TITLE_LIMIT = 200
CHANGE_LIMIT = 1000
#: Further monitors of one notice that are routed.
OTHERS_MOST = 200


class NoticeKind(StrEnum):
    """What a notice is about; a new kind is one line here and one in `KIND_WORDS`."""

    RETIREMENT = "retirement"
    MODELS_CHANGED = "models_changed"
    OFFERS_CHANGED = "offers_changed"
    TOOLS_CHANGED = "tools_changed"
    CANARY_STOPPED = "canary_stopped"
    REGION_KEPT_OUT = "region_kept_out"


#: Each kind in words, as a heading.
KIND_WORDS = {
    NoticeKind.RETIREMENT: "Retirement ahead",
    NoticeKind.MODELS_CHANGED: "Models changed",
    NoticeKind.OFFERS_CHANGED: "Offers of a gateway changed",
    NoticeKind.TOOLS_CHANGED: "Tools changed",
    NoticeKind.CANARY_STOPPED: "Canary stopped",
    NoticeKind.REGION_KEPT_OUT: "Region kept out",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of a team. `team` and `monitor` are primary keys.

    `key` tells notices of one kind apart, and is told once: it names the subject and the change, such as
    `openai/gpt-x/2027-01-14/30`. `before` and `after` may be empty. `others` are further monitors that it concerns:
    routes pick channels for each of them.
    """

    team: int
    kind: NoticeKind
    key: str
    title: str
    at: datetime
    monitor: int | None = None
    before: str = ""
    after: str = ""
    others: tuple[int, ...] = ()

    @property
    def identity(self) -> tuple[int, str, str]:
        """What makes it the same notice as another."""
        return self.team, self.kind.value, self.key


def admitted(notice: Notice) -> Notice:
    """The notice with texts that can be stored and shown: bounded, one line each. Raises ValueError without a key."""
    key, title = _line(notice.key, KEY_LIMIT), _line(notice.title, TITLE_LIMIT)
    if not key or not title:
        raise ValueError("a notice has a key and a title")
    before, after = _line(notice.before, CHANGE_LIMIT), _line(notice.after, CHANGE_LIMIT)
    return replace(notice, key=key, title=title, before=before, after=after, others=notice.others[:OTHERS_MOST])


def _line(text: str, limit: int) -> str:
    return storable(" ".join(text[: limit * 4].split()), limit)
