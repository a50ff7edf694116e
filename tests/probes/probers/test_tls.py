"""The TLS prober: certificates that hold for long enough, and those that do not."""

from __future__ import annotations

import datetime
import ssl
import time
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.chains import chain_of
from tests.probes.looking import looked
from tests.probes.loopback import closed_port, serving, silent


def days_from_now(days: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


async def look(server: ssl.SSLContext, **config: Any) -> Observation:
    async with serving(silent, server) as port:
        return await looked("tls", {"host": "127.0.0.1", "port": port, **config}, now_s=time.time())


def expiring(authority: trustme.CA, days: float) -> trustme.LeafCert:
    # A little more than so many days, since the look comes after.
    return authority.issue_cert("127.0.0.1", common_name="models", not_after=days_from_now(days + 0.01))


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [
        (30, Status.UP, Reason.OK),
        (14, Status.UP, Reason.OK),
        (13, Status.DEGRADED, Reason.CERTIFICATE_EXPIRING),
        (2, Status.DOWN, Reason.CERTIFICATE_EXPIRING),
    ],
)
def test_a_certificate_is_held_to_its_days(
    on_loop: Any, trusted: trustme.CA, server_tls: Any, days: int, status: Status, reason: Reason
) -> None:
    seen = on_loop(look(server_tls(expiring(trusted, days))))
    assert (seen.status, seen.reason, seen.facts["certificate_days"]) == (status, reason, days)
    assert seen.facts["certificate_subject"] == "models"
    assert seen.facts["tls"] == "TLSv1.3"
    assert seen.phases.tls_us > 0


def test_the_limits_can_be_moved_and_left_out(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    server = server_tls(expiring(trusted, 5))
    assert on_loop(look(server, degraded_days=5, down_days=2)).status is Status.UP
    assert on_loop(look(server, degraded_days=60, down_days=30)).status is Status.DOWN
    assert on_loop(look(server, degraded_days=0, down_days=0)).status is Status.UP


def test_an_intermediate_that_ends_before_the_leaf_decides_and_is_named(on_loop: Any, tmp_path: Path) -> None:
    server, authority = chain_of(3, tmp_path, days=[30, 60, 5])
    seen = on_loop(look(server, ca_pem=authority))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.CERTIFICATE_EXPIRING)
    assert (seen.facts["chain"], seen.facts["certificate_days"]) == (3, 30)
    assert 5 * 86_400 <= cast(int, seen.facts["certificate_expires_s"]) - time.time() < 6 * 86_400
    assert seen.detail.endswith("found 5 days of link 2 in the chain")


@pytest.mark.parametrize("names", [["other.example"], ["localhost"]])
def test_a_certificate_for_another_name_is_invalid_unless_that_name_is_asked_for(
    on_loop: Any, trusted: trustme.CA, server_tls: Any, names: list[str]
) -> None:
    server = server_tls(trusted.issue_cert(*names, common_name=names[0]))
    wrong = on_loop(look(server))
    assert (wrong.status, wrong.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)
    assert wrong.facts["certificate_subject"] == names[0]
    assert on_loop(look(server, server_name=names[0])).status is Status.UP


def test_an_expired_certificate_and_an_unknown_authority_are_told_apart(
    on_loop: Any, trusted: trustme.CA, server_tls: Any
) -> None:
    past = trusted.issue_cert("127.0.0.1", not_before=days_from_now(-9), not_after=days_from_now(-1))
    assert on_loop(look(server_tls(past))).reason is Reason.CERTIFICATE_EXPIRED
    stranger = trustme.CA().issue_cert("127.0.0.1")
    assert on_loop(look(server_tls(stranger))).reason is Reason.CERTIFICATE_INVALID


def test_an_authority_of_ones_own_is_trusted_when_it_is_given(on_loop: Any, server_tls: Any) -> None:
    own = trustme.CA()
    server = server_tls(own.issue_cert("127.0.0.1"))
    assert on_loop(look(server)).status is Status.DOWN
    assert on_loop(look(server, ca_pem=own.cert_pem.bytes().decode())).status is Status.UP


def test_a_server_that_speaks_only_an_older_version_is_a_tls_error_when_the_newer_is_asked_for(
    on_loop: Any, trusted: trustme.CA, server_tls: Any
) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    assert on_loop(look(server)).facts["tls"] == "TLSv1.2"
    seen = on_loop(look(server, min_tls="1.3"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR)


def test_a_closed_port_is_refused(on_loop: Any) -> None:
    seen = on_loop(looked("tls", {"host": "127.0.0.1", "port": closed_port()}))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


@pytest.mark.parametrize(
    "config", [{"degraded_days": 3, "down_days": 5}, {"down_days": -1}, {"verify_tls": False, "ca_pem": "x"}]
)
def test_limits_that_make_no_sense_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        parse_spec("tls", {"host": "example.com", **config})
