"""The webhook receiver over real sockets: signatures, what it keeps, and how it can be told to fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import httpx
import pytest

from vigil.demo.receiver import fault_of, signature

KEY = b"the secret of the demo channel"
BODY = json.dumps({"type": "incident.triggered", "dedup_key": "inc_1", "votes": []}).encode()


def signed(body: bytes = BODY, message_id: str = "dlv_1", at_s: float | None = None) -> dict[str, str]:
    """Headers after the Standard Webhooks specification, made here from its text and not by the code under test."""
    timestamp = str(int(time.time() if at_s is None else at_s))
    mac = hmac.new(KEY, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def test_the_signature_of_the_specifications_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"webhook-id": ""}, "missing"),
        ({"webhook-timestamp": "soon"}, "missing"),
        ({"webhook-timestamp": "1"}, "five minutes"),
        ({"webhook-signature": "v1,AAAA"}, "does not match"),
        ({"webhook-signature": ""}, "does not match"),
    ],
)
def test_a_forged_delivery_says_what_is_wrong(change: dict[str, str], problem: str) -> None:
    secret = "whsec_" + base64.b64encode(KEY).decode()
    assert problem in fault_of(secret, signed() | change, BODY, time.time())


def test_a_signed_delivery_is_kept_with_its_time(receiver: str) -> None:
    before_ms = time.time() * 1000
    assert httpx.post(f"{receiver}/hook", content=BODY, headers=signed()).status_code == 200
    (kept,) = httpx.get(f"{receiver}/received").json()
    assert kept["verified"] is True
    assert kept["id"] == "dlv_1"
    assert kept["body"]["dedup_key"] == "inc_1"
    assert before_ms - 1 <= kept["received_ms"] <= time.time() * 1000


def test_an_unsigned_delivery_is_refused_and_still_shown(receiver: str) -> None:
    assert httpx.post(f"{receiver}/hook", content=BODY).status_code == 401
    (kept,) = httpx.get(f"{receiver}/received").json()
    assert kept["verified"] is False


def test_the_next_deliveries_fail_as_told_and_the_one_after_passes(receiver: str) -> None:
    httpx.post(f"{receiver}/behaviour", json={"times": 2, "answer": 429, "retry_after_s": 7})
    answers = [httpx.post(f"{receiver}/hook", content=BODY, headers=signed()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert [kept["answered"] for kept in httpx.get(f"{receiver}/received").json()] == [429, 429, 200]


def test_a_hanging_receiver_has_taken_the_delivery_and_answers_late(receiver: str) -> None:
    httpx.post(f"{receiver}/behaviour", json={"times": 1, "answer": 200, "hang_s": 30})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{receiver}/hook", content=BODY, headers=signed(), timeout=0.3)
    assert len(httpx.get(f"{receiver}/received").json()) == 1


def test_a_body_that_is_no_json_is_refused(receiver: str) -> None:
    assert httpx.post(f"{receiver}/hook", content=b"{", headers=signed(b"{")).status_code == 401


def test_without_a_secret_it_says_which_variable_to_set() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "vigil.demo.receiver", "--port", "0"], capture_output=True, text=True, timeout=20, env={}
    )
    assert ran.returncode == 1
    assert "set VIGIL_RECEIVER_SECRET" in ran.stderr
