"""The certificate assertion: its issuer, its names and its digests, and pins that cannot be any."""

from __future__ import annotations

import hashlib
import ssl
import time
from typing import Any

import pytest
import trustme

from probes.assertions.answer import AnswerView
from probes.assertions.certificate import CertificateIs
from probes.net.tls.certificates import read
from probes.net.tls.options import fits
from probes.prober import SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import serving, silent

CA = trustme.CA(organization_name="Example Trust")


PEM = CA.issue_cert("shop.example", "*.api.example", "192.0.2.7").cert_chain_pems[0].bytes().decode()
DER = ssl.PEM_cert_to_DER_cert(PEM)
SHA256 = hashlib.sha256(DER).hexdigest()
WITH_COLONS = ":".join(SHA256[place : place + 2] for place in range(0, 64, 2)).upper()


@pytest.mark.parametrize(
    ("demand", "passes"),
    [
        ({"issuer": "example trust"}, True),
        ({"issuer": "Other"}, False),
        ({"name": "shop.example"}, True),
        ({"name": "v1.api.example"}, True),
        ({"name": "a.b.api.example"}, False),
        ({"name": "192.0.2.7"}, True),
        ({"name": "evil.example"}, False),
        ({"sha256": (SHA256,)}, True),
        ({"sha256": (WITH_COLONS,)}, True),
        ({"sha256": ("0" * 64,)}, False),
        ({"sha256": ("0" * 64, SHA256)}, True),
        ({"key_sha256": ("0" * 64,)}, False),
        ({"issuer": "Example", "name": "evil.example"}, False),
    ],
)
def test_each_demand_is_held_to(demand: dict[str, Any], passes: bool) -> None:
    outcome = CertificateIs(**demand).judge(AnswerView(0, time.time(), certificate=read(DER)))
    assert outcome.passed is passes
    assert passes or (outcome.status, outcome.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)


def test_the_pin_of_a_key_outlives_its_certificate() -> None:
    found = read(DER)
    assert found is not None and len(found.key_sha256) == 64 and found.key_sha256 != found.sha256
    assert CertificateIs(key_sha256=(found.key_sha256,)).judge(AnswerView(0, 0.0, certificate=found)).passed


def test_no_certificate_is_none_of_them() -> None:
    assert not CertificateIs(issuer="x").judge(AnswerView(0, 0.0)).passed


@pytest.mark.parametrize(
    ("host", "pattern", "covered"),
    [
        ("a.example", "a.example", True),
        ("A.Example.", "a.example", True),
        ("b.a.example", "*.a.example", True),
        ("a.example", "*.a.example", False),
        ("c.b.a.example", "*.a.example", False),
        ("xa.example", "*a.example", False),
    ],
)
def test_a_wildcard_stands_for_one_label(host: str, pattern: str, covered: bool) -> None:
    assert fits(host, pattern) is covered


@pytest.mark.parametrize("config", [{}, {"sha256": ["12"]}, {"sha256": ["g" * 64]}, {"key_sha256": ["0" * 64] * 11}])
def test_a_demand_that_nothing_can_meet_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        parse_spec("tls", {"host": "x.example", "assertions": [{"type": "certificate", **config}]})


@pytest.mark.parametrize(("issuer", "status"), [("trustme", Status.UP), ("Other", Status.DOWN)])
def test_a_tls_monitor_holds_its_certificate_to_it(
    on_loop: Any, trusted: trustme.CA, server_tls: Any, issuer: str, status: Status
) -> None:
    async def story() -> Status:
        async with serving(silent, server_tls(trusted.issue_cert("127.0.0.1"))) as port:
            assertions = [{"type": "certificate", "issuer": issuer}]
            config = {"host": "127.0.0.1", "port": port, "assertions": assertions}
            return (await looked("tls", config, now_s=time.time())).status

    assert on_loop(story()) is status
