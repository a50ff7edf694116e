"""Posts to webhooks and to Slack: what is sent, and what the answer means."""

from __future__ import annotations

import hmac
import json

from vigil.alerts.channels.kind import ChannelError, Outbound, ReceiverAnswer, ReceiverCall, as_body, judged
from vigil.alerts.channels.webhook import sign
from vigil.status.letters.compose import LetterPost

#: Of an answer that ends a subscription.
_GONE = 410


class ReceiverGone(ChannelError):
    """A receiver that wants to be told no more."""


async def post(outbound: Outbound, letter: LetterPost) -> str:
    """Send once; returns the receiver's answer in words, or raises `ChannelError`."""
    body = as_body(letter.body)
    headers = {"content-type": "application/json"}
    if letter.secret:
        timestamp = int(outbound.now())
        signature = sign(letter.secret, letter.id, timestamp, body)
        headers |= {"webhook-id": letter.id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    answer = await outbound.call(ReceiverCall(letter.url, body, headers))
    if answer.code == _GONE:
        raise ReceiverGone("the receiver answered 410: it is gone", permanent=True)
    accepted = judged(answer, "the receiver")
    if letter.challenge and not _answers(answer, letter.challenge):
        raise ChannelError("the receiver did not answer with the challenge", permanent=True)
    return accepted.answer


def _answers(answer: ReceiverAnswer, challenge: str) -> bool:
    said = answer.text.strip()
    if said.startswith("{"):
        try:
            said = str(json.loads(said).get("challenge", ""))
        except (ValueError, RecursionError, AttributeError):
            return False
    return hmac.compare_digest(said.encode(), challenge.encode())
