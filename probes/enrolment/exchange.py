"""Exchange of a code for what a worker needs: one HTTPS request, repeated with the same keys while none answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
import msgspec

from probes.enrolment.messages import ANSWER_BYTES_MOST, PATH, EnrolmentAnswer, EnrolmentRefusal, EnrolmentRequest

#: How long the exchange may take in all, and one request of it (s).
PATIENCE_S, REQUEST_S = 60.0, 10.0
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
_LATER = (429, 500, 502, 503, 504)


class EnrolmentFailed(Exception):
    """No enrolment, in one line that says what to do."""


def checked_address(url: str) -> str:
    """The address of a control plane, without its path's end; raises EnrolmentFailed unless it is safe to ask.

    Plain http is taken to this machine only: the answer holds a password.
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise EnrolmentFailed("the address must look like https://vigil.example.com")
    if parts.scheme == "http" and not _is_loopback(host):
        raise EnrolmentFailed(f"http://{host} is not encrypted, and the answer holds a password: use https://{host}")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def exchange(
    url: str,
    request: EnrolmentRequest,
    say: Callable[[str], object],
    sleep: Callable[[float], object] = time.sleep,
    patience_s: float = PATIENCE_S,
) -> EnrolmentAnswer:
    """Ask the control plane at a checked address; raises EnrolmentFailed. `say` is told once why it asks again."""
    ends_s, is_said = time.monotonic() + patience_s, False
    pauses = iter(_PAUSES_S)
    # No redirect: an answer is only taken from whom the operator named.
    with httpx.Client(timeout=REQUEST_S, follow_redirects=False) as client:
        while True:
            try:
                status, body = _post(client, url + PATH, msgspec.json.encode(request), ends_s)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                status, body, why = 0, b"", f"{url} does not answer ({type(error).__name__})"
            else:
                why = f"{url} answers {status}"
            if status == 200:
                return _answer(body)
            pause_s = next(pauses, _PAUSES_S[-1])
            if status not in (0, *_LATER):
                raise EnrolmentFailed(_problem(body) or f"{why}: is a Vigil of this release there?")
            why = f"{why}: {told.rstrip('.')}" if (told := _problem(body)) else why
            if time.monotonic() + pause_s > ends_s:
                raise EnrolmentFailed(f"{why}: start the same command again, within the hour that the code is good for")
            if not is_said:
                say(f"{why}; asking again for {patience_s:.0f} s")
                is_said = True
            sleep(pause_s)


def _post(client: httpx.Client, url: str, body: bytes, ends_s: float) -> tuple[int, bytes]:
    """Status and body of the answer; raises httpx.HTTPError, also where it is too large or too slow."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    with client.stream("POST", url, content=body, headers=headers) as answer:
        found = b""
        for part in answer.iter_raw():
            found += part
            if len(found) > ANSWER_BYTES_MOST or time.monotonic() > ends_s:
                raise httpx.ReadError("the answer is too large or too slow")
        return answer.status_code, found


def _answer(body: bytes) -> EnrolmentAnswer:
    try:
        return msgspec.json.decode(body, type=EnrolmentAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise EnrolmentFailed("the answer is no enrolment: is that the address of a Vigil of this release?") from None


def _problem(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=EnrolmentRefusal).problem
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return "".join(letter for letter in told if letter.isprintable())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
