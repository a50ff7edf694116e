"""Finding about the address of the pages: whether it leads to `web`, with its Host header."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, problem, warning, well

#: Longest wait for an answer (s), and the most that is read of it.
_WAIT_S, _BYTES = 3.0, 65_536
#: Answered by `web` alone, without a token.
_PATH = "/api/problems/unknown_host"


def base_address(around: ExaminationContext) -> Iterator[Finding]:
    """Ask for an address below VIGIL_BASE_URL, as people and scripts do."""
    base = configuration().base_url
    try:
        with urllib.request.urlopen(base + _PATH, timeout=_WAIT_S) as answer:
            answered = answer.status, answer.read(_BYTES)
    except urllib.error.HTTPError as refused:
        answered = refused.code, refused.read(_BYTES)
    except (OSError, ValueError) as away:
        yield warning(
            f"{base} does not answer here ({type(away).__name__}).", "Start `web`, or correct VIGIL_BASE_URL."
        )
        return
    code, body = answered
    if b"unknown_host" not in body:
        yield warning(f"{base} is answered by something else (HTTP {code}).", "Let the proxy send it to `web`.")
    elif code == 400:
        yield problem(
            f"The proxy at {base} passes another Host on: every page is a 400.",
            "With nginx: `proxy_set_header Host $host;`, or name the host in VIGIL_ALLOWED_HOSTS.",
        )
    else:
        yield well(f"{base} leads to `web`.")
