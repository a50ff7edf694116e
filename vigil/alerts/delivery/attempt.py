"""Delivery attempt: waits for the channel's turn, renders, sends, and classifies the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import structlog

from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts.channels import CHANNELS, ChannelError, ChannelSettingsError, parse_config
from vigil.alerts.channels.kind import Accepted, Outbound
from vigil.alerts.core.pacing import UNPACED, Pace
from vigil.alerts.core.retry import after_failure
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.delivery.claims import Claim
from vigil.alerts.delivery.outcomes import AttemptOutcome, AttemptResult
from vigil.alerts.wording.message import Message

#: Deadline of an attempt from its turn on. Together with the longest wait it is shorter than the lease.
SEND_DEADLINE_S = 20.0
#: Refusals of an attempt, from which on what is refused is not sent again in halves.
REFUSALS_MOST = 16

HeldMessage = tuple[Claim, Message]

_log = structlog.get_logger(__name__)


def pace_of(claim: Claim) -> Pace:
    """Pace of a claim's channel; a channel with unreadable settings has none, and fails when it sends."""
    try:
        kind = CHANNELS[claim.destination.kind]
        return kind.pace(parse_config(claim.destination.kind, claim.destination.config))
    except Exception:  # noqa: BLE001  # a plug-in's code: whatever is wrong with it, sending says so
        return UNPACED


def together(held: Iterable[HeldMessage]) -> list[list[HeldMessage]]:
    """Claimed messages by request: those of one channel, as many as its kind sends as one."""
    requests: list[list[HeldMessage]] = []
    newest: dict[int, list[HeldMessage]] = {}
    for claim, message in held:
        destination = claim.destination
        most = CHANNELS[destination.kind].together_most if destination.kind in CHANNELS else 1
        request = newest.get(destination.id)
        if request is None or len(request) >= most:
            request = newest[destination.id] = []
            requests.append(request)
        request.append((claim, message))
    return requests


Note = Callable[[AttemptResult], None]


def _unnoted(sent: AttemptResult) -> None:
    """Without a log nothing is noted."""


async def attempt(outbound: Outbound, claim: Claim, message: Message, wait_s: float) -> AttemptResult:
    """Send a claimed message once; never raises for a fault of the channel or its receiver."""
    [result] = await attempt_together(outbound, [(claim, message)], wait_s)
    return result


async def attempt_together(
    outbound: Outbound, held: Sequence[HeldMessage], wait_s: float, note: Note = _unnoted
) -> list[AttemptResult]:
    """Send messages of one channel as one request. One that is refused for good is sent again in halves: what is wrong
    with one message is no word on the others, so none is given up that was not refused alone.

    `note` is called with each in the moment that the receiver has accepted it.
    """
    if wait_s > 0:
        await asyncio.sleep(wait_s)
    until_s = asyncio.get_running_loop().time() + SEND_DEADLINE_S
    results: list[AttemptResult] = []
    parts, refusals = [held], 0
    while parts:
        part = parts.pop()
        reach(CrashPoint.SEND_BEFORE)
        try:
            accepted = await _send(outbound, part, until_s)
        except ChannelError as refused:
            reach(CrashPoint.SEND_REFUSED)
            half, refusals = len(part) // 2, refusals + 1
            # The cause is a fault of ours, perhaps with one of them.
            is_of_one = refused.permanent or refused.__cause__ is not None
            if half and is_of_one and refusals < REFUSALS_MOST:
                parts += [part[half:], part[:half]]
                continue
            results += [_failed(claim, message, refused, is_alone=not half) for claim, message in part]
            continue
        reach(CrashPoint.SEND_ACCEPTED)
        sent = [_sent(claim, accepted) for claim, _ in part]
        for one in sent:
            note(one)
        reach(CrashPoint.SEND_NOTED)
        for one, (_, message) in zip(sent, part, strict=True):
            _say_sent(one, message, accepted.missed)
        results += sent
    return results


async def _send(outbound: Outbound, part: Sequence[HeldMessage], until_s: float) -> Accepted:
    """Render and send; raises `ChannelError` on any failure."""
    destination = part[0][0].destination
    try:
        kind = CHANNELS[destination.kind]
        config = parse_config(destination.kind, destination.config)
        first, *others = (kind.render(message, config) for _, message in part)
        payload = tuple(chain(first, *others)) if others else first
        async with asyncio.timeout_at(until_s):
            return await kind.send(outbound, config, destination.secrets, payload)
    except ChannelError:
        raise
    except TimeoutError:
        raise ChannelError(f"not accepted within {SEND_DEADLINE_S:.0f} s") from None
    except ChannelSettingsError as wrong:
        raise ChannelError(f"the channel's settings cannot be used: {wrong.problem}", permanent=True) from None
    except SealedValueUnreadable as locked:
        raise ChannelError(str(locked)) from None
    except Exception as fault:
        # A bug in one channel must not stop the others; it is recorded and retried like a failure.
        _log.exception("channel.fault", delivery=part[0][1].id, kind=destination.kind)
        raise ChannelError(f"fault in the channel: {type(fault).__name__}") from fault


def _sent(claim: Claim, accepted: Accepted) -> AttemptResult:
    answer = " ".join(filter(None, (accepted.answer, accepted.missed)))
    return AttemptResult(claim, AttemptOutcome.SENT, answer, reference=accepted.reference, settings=accepted.settings)


def _say_sent(sent: AttemptResult, message: Message, missed: str) -> None:
    if missed:
        _log.warning("delivery.sent_in_part", **_about(sent.claim, message), missed=missed)
    _log.info("delivery.sent", **_about(sent.claim, message), answer=sent.words)


def _failed(claim: Claim, message: Message, refused: ChannelError, *, is_alone: bool) -> AttemptResult:
    permanent = refused.permanent and is_alone
    what_next = after_failure(
        claim.attempts,
        claim.age,
        permanent=permanent,
        retry_after_s=refused.retry_after_s,
        seed=message.id,
    )
    wait_s = what_next.wait_s
    renew_s = CHANNELS[claim.destination.kind].renew_s if claim.destination.kind in CHANNELS else 0.0
    if renew_s and refused.retry_after_s is None:
        # A receiver that forgets must not wait for longer than it remembers.
        wait_s = min(wait_s, renew_s)
    error = str(refused)
    _log.warning(
        "delivery.failed",
        **_about(claim, message),
        error=error,
        dead=what_next.dead,
        retry_in_s=round(wait_s, 1),
    )
    outcome = AttemptOutcome.DEAD if what_next.dead else AttemptOutcome.RETRY
    return AttemptResult(claim, outcome, error, wait_s, permanent=permanent, rest_s=refused.retry_after_s or 0)


def _about(claim: Claim, message: Message) -> dict[str, object]:
    return {
        "delivery": message.id,
        "incident": message.key,
        "event_sent": message.event,
        "kind": claim.destination.kind,
        "tells": claim.tells,
        "attempts": claim.attempts,
    }
