"""What an attempt to send a letter comes to: its outcome, the wait until the next, and whom a failure blames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vigil.alerts.channels.kind import ChannelError
from vigil.alerts.core.retry import GIVE_UP_AFTER, TOLD_AFTER, after_failure, died_words
from vigil.status.core.subscriber_terms import LetterPurpose, OffReason, SubscriberKind, SubscriberState
from vigil.status.core.subscribers.outcomes import LetterOutcome, LetterResult
from vigil.status.letters.posts import ReceiverGone
from vigil.status.letters.smtp_session import MailAnswer
from vigil.status.subscriber_models import SubscriberLetter

#: How long a letter may wait, for a mail server that is away or not set: behind it old news would be read as new.
WAITS_MOST = GIVE_UP_AFTER + timedelta(hours=1)
TOO_LATE = "it has waited for more than a day"
#: Attempts of a letter that asks to confirm.
ASKED_MOST = 6


@dataclass(frozen=True, slots=True)
class LetterAttempt:
    """A claimed letter that is being sent, since `claimed_at` by the clock of the database."""

    letter: SubscriberLetter
    token: UUID
    claimed_at: datetime

    def accepted(self, words: str) -> LetterResult:
        """Its receiver has taken it. A post that is a question is answered by that; what a mail server takes may still
        come back, and ends no failures."""
        is_post = self.letter.kind != SubscriberKind.EMAIL
        confirms = self.letter.purpose == LetterPurpose.CONFIRM and is_post
        return replace(self._result(LetterOutcome.ACCEPTED, words), confirms=confirms, clears=is_post)

    def answered(self, answer: MailAnswer) -> LetterResult:
        """What a mail server said."""
        if answer.is_accepted:
            return self.accepted(answer.words)
        blames = OffReason.REFUSED if answer.of_recipient else None
        return self._failed(answer.words, permanent=answer.permanent, blames=blames)

    def refused(self, refusal: ChannelError) -> LetterResult:
        """What a receiver of posts said; each that failed for good counts against it."""
        reason = OffReason.GONE if isinstance(refusal, ReceiverGone) else OffReason.FAILING
        return self._failed(
            str(refusal), permanent=refusal.permanent, blames=reason, retry_after_s=refusal.retry_after_s
        )

    def faulty(self, fault: Exception) -> LetterResult:
        """A fault of ours: tried again like a letter that was not answered."""
        return self._failed(f"fault: {type(fault).__name__}", permanent=False, blames=None)

    @property
    def deaths(self) -> str:
        """What is told of a letter that ended its sender again and again, also while it was sent alone; else empty."""
        done = self.letter.unfinished - 1
        return died_words(done) if done >= TOLD_AFTER else ""

    def not_wanted(self) -> LetterResult | None:
        """The end of a letter that is sent no more: it is old, its page is closed, or its subscriber is not told."""
        subscriber = self.letter.subscriber
        if self.claimed_at - self.letter.created_at > WAITS_MOST:
            return self._result(LetterOutcome.DEAD, TOO_LATE)
        if not subscriber.page.enabled:
            return self._result(LetterOutcome.DEAD, "the page is not served")
        wanted = SubscriberState.PENDING if self.letter.purpose == LetterPurpose.CONFIRM else SubscriberState.CONFIRMED
        if subscriber.state != wanted:
            return self._result(LetterOutcome.DEAD, f"the subscriber is {subscriber.state}")
        return None

    def _failed(
        self, words: str, *, permanent: bool, blames: OffReason | None, retry_after_s: float | None = None
    ) -> LetterResult:
        age, attempts = self.claimed_at - self.letter.created_at, self.letter.attempts
        # A stranger's question is not repeated for a day.
        permanent = permanent or (self.letter.purpose == LetterPurpose.CONFIRM and attempts >= ASKED_MOST)
        next_ = after_failure(attempts, age, permanent=permanent, retry_after_s=retry_after_s, seed=str(self.letter.pk))
        outcome = LetterOutcome.DEAD if next_.dead else LetterOutcome.RETRY
        return self._result(outcome, words, next_.wait_s, blames if next_.dead else None)

    def _result(
        self, outcome: LetterOutcome, words: str, wait_s: float = 0.0, blames: OffReason | None = None
    ) -> LetterResult:
        return LetterResult(
            self.letter.pk, self.letter.subscriber.public_id, self.token, outcome, words, wait_s, blames
        )
