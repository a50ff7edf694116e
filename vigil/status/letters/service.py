"""Sender of letters to subscribers: a task of `vigil deliver`, apart from alerts, which never wait for it.

At least once, each under one Message-ID: a letter is claimed under a lease, sent, noted in a local log in the moment
that its receiver takes it (`accepted_log`), and recorded. What remains is a process that dies between the arrival of a
receiver's answer and the write of that note, which no protocol of mail can close.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import connection

from probes.process.isolation import Setback
from vigil.alerts.accepted_log import AcceptedLog
from vigil.alerts.channels.email import open_session
from vigil.alerts.channels.kind import ChannelError, Outbound
from vigil.alerts.core.lone_turns import ClaimTurn
from vigil.alerts.delivery.clockwork import wait_for
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.delivery.isolated import SenderEnded
from vigil.away import is_postgresql
from vigil.configuration import AlertEgress, configuration
from vigil.database.session_lock import SessionLock
from vigil.database.thread import DatabaseThread
from vigil.deadletters.record import LetterSource, isolation
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.core.subscribers.outcomes import LetterResult
from vigil.status.core.subscribers.pace import LetterPace
from vigil.status.letters.attempts import LetterAttempt
from vigil.status.letters.claims import ClaimedLetters, claim_letters, record_letters
from vigil.status.letters.compose import mail_of, slack_of, webhook_of
from vigil.status.letters.mail_sessions import MailJob, MailSessions
from vigil.status.letters.posts import post
from vigil.status.letters.recovery import FOLDER, mark_letters
from vigil.status.letters.smtp_session import MailAnswer
from vigil.status.letters.upkeep import LetterUpkeep

POLL_S, BUSY_S, GATHER_S, DRAIN_S = 1.0, 0.2, 0.05, 5.0
#: Letters at once that wait for a session or an answer, and posts at once.
MAILS_MOST, POSTS_MOST = 60, 100


async def keep_telling() -> None:
    """Decide requests and send letters until cancelled.

    Strangers name the receivers: no setting lets these posts into a private network, as alerts may be.
    """
    outbound = GuardedOutbound(AlertEgress.PUBLIC, "the address is not public")
    sender = LetterSender(outbound)
    try:
        await sender.run()
    finally:
        await sender.close()
        await outbound.close()


class LetterSender:
    """Sends until cancelled. Its queries run one after another in a thread of their own."""

    def __init__(self, outbound: Outbound, drain_s: float = DRAIN_S) -> None:
        settings = configuration()
        self._outbound, self._drain_s, self._owner = outbound, drain_s, SessionLock()
        folder = settings.data_dir / FOLDER if settings.data_dir else None
        self._log = AcceptedLog(folder, self._owner.key, mark_letters)
        self._upkeep = LetterUpkeep(self._owner.key, self._log)
        url = settings.email_url.get_secret_value() if settings.email_url else ""
        self._sessions = MailSessions(partial(open_session, url), self._log.note) if url else None
        self._database = DatabaseThread("letters")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="letters-writer")
        self._isolation = isolation(LetterSource.LETTERS)
        self._paces = {kind: LetterPace() for kind in SubscriberKind}
        self._mails: set[int] = set()
        self._posts: set[asyncio.Task[None]] = set()
        self._results: list[LetterResult] = []
        self._has_results, self._wake = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Turn until cancelled; a turn that fails is no reason to end."""
        recording = asyncio.create_task(self._record_results())
        try:
            while True:
                self._wake.clear()
                try:
                    wait_s = await self._turn()
                except Exception as error:  # noqa: BLE001  # the loop goes on after the unexpected
                    wait_s = (await self._database.call(partial(self._setback, error))).wait_s
                # What comes within it is one claim: a claim of each letter costs more than the letter.
                await asyncio.sleep(GATHER_S)
                await wait_for(self._wake, wait_s)
        finally:
            recording.cancel()

    async def close(self) -> None:
        """Finish what is under way within a few seconds; the rest is taken over by the next process."""
        if self._sessions is not None:
            self._mails -= self._sessions.close()
        until_s = time.monotonic() + self._drain_s
        while not self._is_idle and time.monotonic() < until_s:
            await wait_for(self._has_results, BUSY_S)
            await self._record_taken()
        if self._is_idle:
            # Else a thread may still note what a server takes, and the next process reads what was not recorded.
            self._log.remove()
        for task in self._posts:
            task.cancel()
        self._writer.shutdown(wait=False)
        await self._database.close()

    @property
    def _is_idle(self) -> bool:
        return not (self._mails or self._posts or self._results)

    async def _turn(self) -> float:
        """Decide requests, claim and start letters; returns the longest time to wait before the next turn."""
        idle = self._is_idle
        due = await self._database.query(lambda: self._upkeep.look(self._isolation, idle=idle))
        if not due.letters:
            if self._is_idle:
                self._log.clear()
            return POLL_S
        if due.turn is ClaimTurn.NOTHING:
            return BUSY_S
        now_s, alone = time.monotonic(), due.turn is ClaimTurn.ALONE
        room = {kind: pace.room(self._most(kind), now_s) for kind, pace in self._paces.items() if kind in due.kinds}
        claimed = await self._database.query(lambda: claim_letters(room, self._owner, alone))
        for letter in claimed.letters:
            self._paces[SubscriberKind(letter.kind)].begin(1)
            await self._start(LetterAttempt(letter, claimed.token, claimed.at), claimed)
        if self._sessions is not None:
            self._sessions.grow()
        await self._database.query(self._isolation.turned)
        return BUSY_S if claimed.letters or not self._is_idle else POLL_S

    def _most(self, kind: SubscriberKind) -> int:
        if kind is not SubscriberKind.EMAIL:
            return POSTS_MOST - len(self._posts)
        return MAILS_MOST - len(self._mails) if self._sessions is not None else 0

    async def _start(self, attempt: LetterAttempt, claimed: ClaimedLetters) -> None:
        letter = attempt.letter
        if attempt.deaths:
            died = SenderEnded(attempt.deaths)
            await self._database.query(lambda: self._isolation.bury("send", str(letter.pk), died))
        ended = attempt.not_wanted()
        if ended is not None:
            self._note(ended)
        elif letter.kind == SubscriberKind.EMAIL and self._sessions is not None:
            await self._mail(self._sessions, attempt)
        else:
            task = asyncio.create_task(self._post(attempt, claimed))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _mail(self, sessions: MailSessions, attempt: LetterAttempt) -> None:
        """Write a letter and send it. Not in the threads that send, which are to note what was accepted at once."""
        letter = attempt.letter
        try:
            mail = await asyncio.get_running_loop().run_in_executor(self._writer, mail_of, letter)
        except Exception as fault:  # noqa: BLE001  # of ours: this letter is tried again, and the others go on
            self._note(attempt.faulty(fault))
        else:
            self._mails.add(letter.pk)
            sessions.send(MailJob(letter.pk, mail, self._calls_back(attempt)))

    def _calls_back(self, attempt: LetterAttempt) -> Callable[[MailAnswer], None]:
        """What a thread of the mail sessions calls; the answer is noted on the loop."""
        loop = asyncio.get_running_loop()

        def noted(answer: MailAnswer) -> None:
            self._mails.discard(attempt.letter.pk)
            pace = self._paces[SubscriberKind.EMAIL]
            if answer.away:
                pace.rest(time.monotonic())
            else:
                pace.answered()
            self._note(attempt.answered(answer))

        def called(answer: MailAnswer) -> None:
            # A loop that has ended records nothing more; the log has what was accepted.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(noted, answer)

        return called

    async def _post(self, attempt: LetterAttempt, claimed: ClaimedLetters) -> None:
        letter = attempt.letter
        try:
            if letter.kind == SubscriberKind.SLACK:
                made = slack_of(letter)
            else:
                made = webhook_of(letter, claimed.indicators[letter.subscriber.page_id], claimed.at)
            words = await post(self._outbound, made)
            self._log.note(letter.pk)
            result = attempt.accepted(words)
        except ChannelError as refused:
            result = attempt.refused(refused)
        except Exception as fault:  # noqa: BLE001  # of ours: this letter is tried again, and the others go on
            result = attempt.faulty(fault)
        self._note(result)

    def _note(self, result: LetterResult) -> None:
        self._results.append(result)
        self._has_results.set()

    def _taken(self) -> list[LetterResult]:
        self._has_results.clear()
        taken, self._results = self._results, []
        return taken

    async def _record_results(self) -> None:
        """Write results at once; those that come meanwhile are the next batch."""
        while True:
            await self._has_results.wait()
            failed = await self._record_taken()
            if failed is not None:
                await asyncio.sleep(failed.wait_s)
                self._has_results.set()

    async def _record_taken(self) -> Setback | None:
        """Write the results that there are; what cannot be written is written again while its lease lasts."""
        taken = self._taken()
        try:
            await self._write(taken)
        except asyncio.CancelledError:
            self._results = taken + self._results
            raise
        except Exception as error:  # noqa: BLE001  # counted, and said by the caller's wait
            self._results = taken + self._results
            return await self._database.call(partial(self._setback, error))
        return None

    async def _write(self, results: Sequence[LetterResult]) -> None:
        def bury(one: LetterResult, error: Exception) -> None:
            self._isolation.bury("record", one.subscriber, error)

        if results:
            await self._database.query(lambda: self._isolation.apply(results, record_letters, bury))
            self._wake.set()

    def _setback(self, error: Exception) -> Setback:
        if is_postgresql(error):
            connection.close()
        return self._isolation.setback(error)
