"""Certificate assertion: who issued it, which name it is for, and which certificate or key it is. Pure."""

from __future__ import annotations

import re

from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT, PlainAssertion
from probes.net.tls.options import Certificate, fits
from probes.prober import AssertionOutcome
from probes.reasons import Reason

_PINS_MOST = 10
_PIN = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}\Z", re.IGNORECASE)


class CertificateIs(PlainAssertion, frozen=True, kw_only=True, tag="certificate"):
    """The server's own certificate: `issuer` is part of its issuer's name, it is for the host `name`, its SHA-256 is
    one of `sha256`, its public key's SHA-256 one of `key_sha256` (hex, with or without colons). Each that is given."""

    issuer: str = ""
    name: str = ""
    sha256: tuple[str, ...] = ()
    key_sha256: tuple[str, ...] = ()

    def mistake(self) -> str | None:
        if not (self.issuer or self.name or self.sha256 or self.key_sha256):
            return "set `issuer`, `name`, `sha256` or `key_sha256`"
        if len(self.issuer) > TEXT_LIMIT or len(self.name) > TEXT_LIMIT:
            return f"a text has at most {TEXT_LIMIT} characters"
        pins = (*self.sha256, *self.key_sha256)
        if len(self.sha256) > _PINS_MOST or len(self.key_sha256) > _PINS_MOST:
            return f"at most {_PINS_MOST} pins of each sort"
        return None if all(map(_PIN.match, pins)) else "a pin is a SHA-256 in hex: 64 digits, with or without colons"

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        found = answer.certificate
        if found is None:
            return self.outcome(False, "a certificate", "none", Reason.CERTIFICATE_INVALID)
        for passed, expected, shown in self._demands(found):
            if not passed:
                return self.outcome(False, expected, shown, Reason.CERTIFICATE_INVALID)
        return self.outcome(True, "the certificate that was named", found.subject, Reason.CERTIFICATE_INVALID)

    def _demands(self, found: Certificate) -> list[tuple[bool, str, str]]:
        names = ", ".join(found.names[:5]) or "no name"
        demands = [
            (self.issuer, self.issuer.lower() in found.issuer.lower(), f"an issuer like {self.issuer!r}", found.issuer),
            (self.name, any(fits(self.name, each) for each in found.names), f"a certificate for {self.name}", names),
            (self.sha256, found.sha256 in _plain(self.sha256), "a certificate with a named SHA-256", found.sha256),
            (self.key_sha256, found.key_sha256 in _plain(self.key_sha256), "a named public key", found.key_sha256),
        ]
        return [(passed, expected, shown) for given, passed, expected, shown in demands if given]


def _plain(pins: tuple[str, ...]) -> frozenset[str]:
    return frozenset(pin.replace(":", "").lower() for pin in pins)
