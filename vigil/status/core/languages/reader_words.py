"""Words of a language around a status page: letters, forms of subscribers, notices, and first texts of incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.status.core.states import UpdateState
from vigil.status.core.subscriber_terms import AddressProblem, OffReason, SubscriberKind


class ReaderNotice(StrEnum):
    """What a reader is told where a page is not shown, and what becomes of a subscription."""

    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    FAILED = "failed"
    NOT_FROM_HERE = "not_from_here"
    NOT_ADMITTED = "not_admitted"
    NOT_TOLD = "not_told"
    NOT_A_MEMBER = "not_a_member"
    SIGN_IN = "sign_in"
    CANNOT_CHECK = "cannot_check"
    TOO_MANY = "too_many"
    ASKED = "asked"
    AWAY = "away"
    LINK_INVALID = "link_invalid"
    LINK_OLD = "link_old"
    NOTHING_TO_CONFIRM = "nothing_to_confirm"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWords:
    """Letters to subscribers, and messages to Slack."""

    state_at: str
    why: str
    status_page: str
    choose: str
    confirm: str
    confirm_subject: str
    confirm_title: str
    confirm_text: str
    confirm_nothing: str
    known_subject: str
    known_title: str
    known_text: str
    slack_greeting: str
    #: To a webhook that is asked; `{"challenge": ...}` stands as it is.
    webhook_answer: str
    choose_or_leave: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribingWords:
    """Forms of subscribers, and the form of a password."""

    kinds: Mapping[SubscriberKind, str]
    labels: Mapping[SubscriberKind, str]
    hints: Mapping[SubscriberKind, str]
    told_by: Mapping[SubscriberKind, str]
    off_because: Mapping[OffReason, str]
    problems: Mapping[AddressProblem, str]
    one_problem: str
    many_problems: str
    choose_kind: str
    choose_component: str
    #: Titles and headings, with the title of the page.
    subscribe_to: str
    be_told: str
    confirm_it: str
    leave: str
    yours: str
    you_are_told: str
    confirmed: str
    how: str
    tick_none: str
    by_a_feed: str
    calendar: str
    back: str
    press: str
    nothing_more: str
    unsubscribe: str
    not_confirmed: str
    saved: str
    all_of_it: str
    save: str
    open_page: str
    asks_for_password: str
    password: str
    password_wrong: str
    try_again_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWords:
    """Texts of updates that a person begins with, or that nobody has written."""

    title: str
    incident: Mapping[UpdateState, str]
    maintenance: Mapping[UpdateState, str]
    spread: str
    and_more: str
    some: str
    ours: str
    and_: str

    def listed(self, names: Sequence[str], most: int = 3) -> str:
        """Names in a sentence, where they are few."""
        shown = list(names[:most])
        if len(names) > most:
            return self.some
        return f" {self.and_} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown) or self.ours
