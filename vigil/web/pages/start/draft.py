"""Draft of the guided start: what was given so far, sealed in the person's session; nothing of it is in an address."""

from __future__ import annotations

import msgspec
from django.contrib.sessions.backends.base import SessionBase

from vigil.accounts.sealed import SealedValueUnreadable, seal, unseal

_NAME = "start_draft"
#: Longest draft (bytes): a form's fields, and a file of LiteLLM.
DRAFT_MOST = 262_144
#: Choices before the present one whose fields are kept.
OTHERS_MOST = 5


class ProvenChannel(msgspec.Struct, frozen=True):
    """What the receiver of a real test answered, and how long that took (ms)."""

    channel: str
    accepted: bool
    answer: str
    took_ms: int


class StartDraft(msgspec.Struct):
    """`choice` names what is run, `given` its fields, `others` those of choices before it.

    `trial`, `monitor` and `channel` are ids of what was made; `document` is a file of LiteLLM.
    """

    choice: str = ""
    given: dict[str, str] = {}
    others: dict[str, dict[str, str]] = {}
    document: str = ""
    trial: str = ""
    monitor: str = ""
    channel: str = ""
    told: ProvenChannel | None = None

    def begin(self, choice: str) -> StartDraft:
        """The draft for a choice: another one begins anew, and nothing that was given is lost."""
        if choice == self.choice:
            return self
        others = {**self.others, self.choice: self.given} if self.given else self.others
        kept = dict(list(others.items())[-OTHERS_MOST:])
        return StartDraft(choice, kept.pop(choice, {}), kept, self.document, channel=self.channel, told=self.told)


def load_draft(session: SessionBase) -> StartDraft:
    """The draft of a session; an empty one where there is none, or where no key opens it any more."""
    try:
        return msgspec.json.decode(unseal(str(session.get(_NAME, ""))), type=StartDraft)
    except (SealedValueUnreadable, msgspec.DecodeError):
        return StartDraft()


def keep_draft(session: SessionBase, draft: StartDraft) -> None:
    """Keep a draft; one that is too large is a mistake of the caller, who bounds what it takes."""
    text = msgspec.json.encode(draft)
    if len(text) > DRAFT_MOST:
        raise ValueError("the draft is too large")
    session[_NAME] = seal(text.decode())


def drop_draft(session: SessionBase) -> None:
    """Forget it, with its secrets."""
    session.pop(_NAME, None)
