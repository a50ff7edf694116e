"""Delivery attempt: waits for the channel's turn, renders, sends, and classifies the answer."""

from __future__ import annotations

import asyncio

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

_log = structlog.get_logger(__name__)


def pace_of(claim: Claim) -> Pace:
    """Pace of a claim's channel; a channel with unreadable settings has none, and fails when it sends."""
    try:
        kind = CHANNELS[claim.destination.kind]
        return kind.pace(parse_config(claim.destination.kind, claim.destination.config))
    except Exception:  # noqa: BLE001  # a plug-in's code: whatever is wrong with it, sending says so
        return UNPACED


async def attempt(outbound: Outbound, claim: Claim, message: Message, wait_s: float) -> AttemptResult:
    """Send a claimed message once; never raises for a fault of the channel or its receiver."""
    if wait_s > 0:
        await asyncio.sleep(wait_s)
    reach(CrashPoint.SEND_BEFORE)
    try:
        accepted = await _send(outbound, claim, message)
    except ChannelError as refused:
        reach(CrashPoint.SEND_REFUSED)
        return _failed(claim, message, refused)
    reach(CrashPoint.SEND_ACCEPTED)
    answer = " ".join(filter(None, (accepted.answer, accepted.missed)))
    if accepted.missed:
        _log.warning("delivery.sent_in_part", **_about(claim, message), missed=accepted.missed)
    _log.info("delivery.sent", **_about(claim, message), answer=answer)
    return AttemptResult(claim, AttemptOutcome.SENT, answer, reference=accepted.reference, settings=accepted.settings)


async def _send(outbound: Outbound, claim: Claim, message: Message) -> Accepted:
    """Render and send; raises `ChannelError` on any failure."""
    try:
        kind = CHANNELS[claim.destination.kind]
        config = parse_config(claim.destination.kind, claim.destination.config)
        payload = kind.render(message, config)
        async with asyncio.timeout(SEND_DEADLINE_S):
            return await kind.send(outbound, config, claim.destination.secrets, payload)
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
        _log.exception("channel.fault", delivery=message.id, kind=claim.destination.kind)
        raise ChannelError(f"fault in the channel: {type(fault).__name__}") from fault


def _failed(claim: Claim, message: Message, refused: ChannelError) -> AttemptResult:
    what_next = after_failure(
        claim.attempts,
        claim.age,
        permanent=refused.permanent,
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
    return AttemptResult(claim, outcome, error, wait_s, permanent=refused.permanent, rest_s=refused.retry_after_s or 0)


def _about(claim: Claim, message: Message) -> dict[str, object]:
    return {
        "delivery": message.id,
        "incident": message.key,
        "event_sent": message.event,
        "kind": claim.destination.kind,
        "tells": claim.tells,
        "attempts": claim.attempts,
    }
