"""Refused by geography, interfered with, filtered, without a key, and down are told apart, region by region."""

from __future__ import annotations

from typing import Any

import pytest

from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from vigil.access.core.region_access import (
    NOTHING_SEEN,
    Access,
    AccessSeen,
    SettledAccess,
    answered,
    most_are_kept_out,
    seen_by_region,
    settled,
    weightiest,
)

NOW_MS = 1_700_000_000_000
CONNECTED, ANSWERED = Phases(100, 200, 0, 0, 900), Phases(100, 200, 300, 400, 1100)


def result(reason: Reason, status: Status = Status.DOWN, phases: Phases = CONNECTED, **fields: Any) -> Result:
    return Result(1, "mon_1", NOW_MS, status, reason, NOW_MS, phases, **fields)


PASS = result(Reason.OK, Status.UP, ANSWERED)


@pytest.mark.parametrize(
    ("seen", "access"),
    [
        (result(Reason.OK, Status.UP), Access.MAY_USE),
        (result(Reason.SLOW, Status.DEGRADED), Access.MAY_USE),
        (result(Reason.RATE_LIMITED, Status.DEGRADED), Access.MAY_USE),
        (result(Reason.QUOTA), Access.MAY_USE),
        (result(Reason.GEO_BLOCKED, Status.UNKNOWN), Access.REFUSED_BY_GEOGRAPHY),
        (result(Reason.INTERFERED, Status.UNKNOWN), Access.INTERFERED),
        (result(Reason.BOT_FILTER), Access.FILTERED),
        (result(Reason.AUTH), Access.NO_KEY),
        (result(Reason.HTTP_4XX, code=401), Access.NO_KEY),
        (result(Reason.HTTP_5XX, code=503), Access.DOWN),
        (result(Reason.TIMEOUT), Access.DOWN),
        (result(Reason.MISSED, Status.UNKNOWN), Access.UNKNOWN),
        (result(Reason.BLOCKED, Status.UNKNOWN), Access.UNKNOWN),
    ],
)
def test_a_result_says_what_its_region_may_do(seen: Result, access: Access) -> None:
    assert seen_by_region({"eu": seen}, NOW_MS, 60)["eu"].access is access


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param(result(Reason.RESET), id="reset after the name was sent"),
        pytest.param(result(Reason.CERTIFICATE_INVALID), id="a certificate of another"),
        pytest.param(result(Reason.DNS_ERROR), id="a name that does not resolve"),
    ],
)
def test_a_signature_of_interference_counts_where_most_others_are_served(looks: Result) -> None:
    alone = seen_by_region({"cn": looks, "eu": PASS, "us": PASS}, NOW_MS, 60)
    together = seen_by_region({"cn": looks, "eu": looks, "us": PASS}, NOW_MS, 60)

    assert alone["cn"].access is Access.INTERFERED
    assert "2 of 2 other regions are served" in alone["cn"].evidence
    assert together["cn"].access is together["eu"].access is Access.DOWN


@pytest.mark.parametrize(
    "plain", [result(Reason.TIMEOUT), result(Reason.RESET, phases=ANSWERED), result(Reason.REFUSED)]
)
def test_what_a_fault_looks_like_too_is_down(plain: Result) -> None:
    assert seen_by_region({"cn": plain, "eu": PASS, "us": PASS}, NOW_MS, 60)["cn"].access is Access.DOWN


def at(address: str, reason: Reason = Reason.OK) -> Result:
    if reason is Reason.OK:
        return result(reason, Status.UP, ANSWERED, facts={"address": address})
    return result(reason, phases=Phases(100, 0, 0, 0, 900), detail="no answer", facts={"address": address})


@pytest.mark.parametrize(
    ("failed", "served", "access", "words"),
    [
        pytest.param("203.0.113.9", ["198.51.100.1", "198.51.7.2", "198.51.100.1"], Access.INTERFERED,
                     "3 of 3 other regions are served at 198.51.100.1, 198.51.7.2", id="led where nobody else is"),
        pytest.param("203.0.113.9", ["198.51.100.1"] * 2, Access.DOWN, "are served at 198.51.100.1", id="of so few"),
        pytest.param("203.0.113.9", ["198.51.100.1", "198.51.100.1", "192.0.2.1"], Access.DOWN,
                     "are served at 192.0.2.1, 198.51.100.1", id="each place has its own"),
        pytest.param("198.51.9.9", ["198.51.100.1"] * 3, Access.DOWN, "are served", id="the same network"),
        pytest.param("2001:db8::1", ["198.51.100.1"] * 3, Access.DOWN, "are served", id="another family"),
        pytest.param("<b>", ["198.51.100.1"] * 3, Access.DOWN, "are served", id="no address"),
        pytest.param("203.0.113.9", ["198.51.100.1", "198.51.100.1", "x"], Access.DOWN, "are served", id="a lie"),
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_told_by_the_addresses_of_others(
    failed: str, served: list[str], access: Access, words: str
) -> None:
    others = {f"r{number}": at(address) for number, address in enumerate(served)}
    told = seen_by_region({"cn": at(failed, Reason.TIMEOUT), **others}, NOW_MS, 60)["cn"]
    assert told.access is access
    assert words in told.evidence
    if words == "are served":
        assert told.evidence.endswith(words)


def test_an_answer_that_fails_at_another_address_is_the_providers_own() -> None:
    others = {f"r{number}": at("198.51.100.1") for number in range(4)}
    broken = result(Reason.HTTP_5XX, phases=ANSWERED, code=503, facts={"address": "203.0.113.9"})
    late = result(Reason.TIMEOUT, phases=ANSWERED, facts={"address": "203.0.113.9"})
    for one in (broken, late):
        assert seen_by_region({"cn": one, **others}, NOW_MS, 60)["cn"].access is Access.DOWN


def test_old_results_say_nothing() -> None:
    assert seen_by_region({"eu": PASS}, NOW_MS + 301_000, 60)["eu"] == NOTHING_SEEN
    assert seen_by_region({"eu": PASS}, NOW_MS + 301_000, 600)["eu"].access is Access.MAY_USE


def test_a_result_of_the_future_says_nothing() -> None:
    assert seen_by_region({"eu": PASS}, NOW_MS - 300_000, 60)["eu"].access is Access.MAY_USE
    assert seen_by_region({"eu": PASS}, NOW_MS - 700_000, 60)["eu"] == NOTHING_SEEN
    assert answered({"eu": PASS}, NOW_MS - 700_000, 60) == frozenset()


def test_evidence_names_phase_and_address_and_no_made_up_ones() -> None:
    facts = {"phase": "tls", "address": "192.0.2.7"}
    told = seen_by_region({"cn": result(Reason.RESET, detail="connection reset", facts=facts)}, NOW_MS, 60)
    made_up = {"phase": "<b>", "address": "<script>"}
    bare = seen_by_region({"cn": result(Reason.RESET, detail="connection reset", facts=made_up)}, NOW_MS, 60)

    assert told["cn"].evidence == "tls at 192.0.2.7: connection reset"
    assert bare["cn"].evidence == "connection reset"


def test_evidence_is_one_line_without_what_reorders_or_opens_anything() -> None:
    detail = "reset\nby \u202eevil, at https://api.example.com/x?api_key=not-a-real-key-1234567890"
    [told] = seen_by_region({"cn": result(Reason.RESET, detail=detail)}, NOW_MS, 60).values()

    assert told.evidence.isprintable()
    assert "not-a-real-key" not in told.evidence


def test_of_several_monitors_the_weightiest_answer_counts() -> None:
    seen = [AccessSeen(one) for one in (Access.UNKNOWN, Access.MAY_USE, Access.REFUSED_BY_GEOGRAPHY, Access.NO_KEY)]

    assert weightiest(seen).access is Access.REFUSED_BY_GEOGRAPHY
    assert weightiest(seen[:2]).access is Access.MAY_USE
    assert weightiest([]) == NOTHING_SEEN


def test_another_access_counts_from_its_second_check_on() -> None:
    refused = AccessSeen(Access.REFUSED_BY_GEOGRAPHY, 1_000)
    later = AccessSeen(Access.REFUSED_BY_GEOGRAPHY, 2_000)
    once = settled(SettledAccess(Access.MAY_USE), refused)

    assert once.access is Access.MAY_USE
    assert settled(once, refused).access is Access.MAY_USE, "the same check, read again"
    assert settled(once, later) == SettledAccess(Access.REFUSED_BY_GEOGRAPHY)
    assert settled(once, AccessSeen(Access.MAY_USE, 1_500)) == SettledAccess(Access.MAY_USE)
    assert settled(settled(None, refused), refused).access is Access.UNKNOWN
    assert settled(settled(None, refused), later).access is Access.REFUSED_BY_GEOGRAPHY
    assert settled(None, AccessSeen(Access.MAY_USE, 1_000)).access is Access.MAY_USE
    assert settled(SettledAccess(Access.MAY_USE), NOTHING_SEEN) == SettledAccess(Access.MAY_USE)


@pytest.mark.parametrize(
    ("accesses", "out"),
    [
        ("mgg", ["r1", "r2"]),
        ("mmg", []),
        ("gg", ["r0", "r1"]),
        ("mg", []),
        ("g", ["r0"]),
        ("gu", []),
        ("guu", []),
        ("ggu", ["r0", "r1"]),
        ("gguuu", []),
        ("uu", []),
        ("gim", ["r0", "r1"]),
        ("gdd", []),
    ],
)
def test_it_is_told_where_most_regions_are_kept_out(accesses: str, out: list[str]) -> None:
    letters = {"m": Access.MAY_USE, "g": Access.REFUSED_BY_GEOGRAPHY, "u": Access.UNKNOWN, "i": Access.INTERFERED,
               "d": Access.DOWN}  # fmt: skip

    assert most_are_kept_out({f"r{place}": letters[one] for place, one in enumerate(accesses)}) == out
