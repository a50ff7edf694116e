"""Sites: what a target may fail with, and other targets to compare it with."""

from __future__ import annotations

import pytest

from consensus.verdicts import VERDICT_VERSION, Call
from consensus.vocabulary import Cause, Sensitivity
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.core.sites import COMPARED, SITES_MOST, WatchedSites, comparable, site_of, spread

ALL = ("ap-south", "eu-west", "us-west")


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("api.openai.com", "provider:openai"),
        ("us.api.openai.com:443", "provider:openai"),
        ("www.example.com", "domain:example.com"),
        ("example.com:8443", "domain:example.com"),
        ("Shop.Example.co.uk", "domain:example.co.uk"),
        ("a.b.example.com.au", "domain:example.com.au"),
        ("151.101.1.67:443", "net:151.101"),
        ("151.101.65.67", "net:151.101"),
        ("[2a04:4e42::323]:443", "net:2a04:4e42"),
        ("10.77.0.101:8000", "host:10.77.0.101:8000"),
        ("127.0.0.1:9001", "host:127.0.0.1:9001"),
        ("[::1]:9001", "host:::1:9001"),
        ("localhost:9001", "host:localhost:9001"),
        ("db", "host:db:"),
    ],
)
def test_the_site_of_a_target(host: str, site: str) -> None:
    assert site_of(host) == site


def plan(number: int, site: str = "", regions: tuple[str, ...] = ALL) -> Plan:
    return Plan(
        f"mon_{number}", "http", 60_000, 10_000, b"", tuple(RegionPlan(region, region) for region in regions),
        Sensitivity.NORMAL, 0, site=site or f"domain:{number}.test",
    )  # fmt: skip


def test_targets_of_other_sites_that_all_its_regions_check_are_compared() -> None:
    plans = [plan(0), plan(1), plan(2, "domain:0.test"), plan(3, regions=ALL[:2]), plan(4), plan(5, "domain:4.test")]
    named = {one.monitor: one for one in plans}
    chosen = comparable(named, named["mon_0"], seed=7)

    assert "mon_1" in chosen and not {"mon_0", "mon_2", "mon_3"} & set(chosen)
    assert len({"mon_4", "mon_5"} & set(chosen)) == 1
    assert chosen == comparable(named, named["mon_0"], seed=7)


def test_no_more_are_compared_than_prove_something() -> None:
    named = {f"mon_{number}": plan(number) for number in range(1_000)}

    assert len(comparable(named, named["mon_0"], seed=1)) == COMPARED


def test_a_call_for_a_comparison_becomes_a_call_for_each_target_and_others_stay() -> None:
    named = {f"mon_{number}": plan(number) for number in range(5)}
    usual = Call(VERDICT_VERSION, "mon_3", "eu-west", Cause.FAILURE, 1_000)
    calls = list(spread([usual, Call(VERDICT_VERSION, "mon_0", "", Cause.COMPARISON, 1_000)], named))

    assert calls[0] == usual
    assert sorted(call.monitor for call in calls[1:]) == ["mon_1", "mon_2", "mon_3", "mon_4"]
    assert {(call.cause, call.region) for call in calls[1:]} == {(Cause.COMPARISON, "")}
    assert list(spread([Call(VERDICT_VERSION, "mon_gone", "", Cause.COMPARISON, 1_000)], named)) == []


def test_the_sites_besides_one_are_counted_as_plans_come_and_go() -> None:
    sites = WatchedSites()
    for number in range(3):
        sites.change(None, plan(number))
    sites.change(None, plan(9, "domain:0.test"))

    assert (sites.besides("domain:0.test"), sites.besides("domain:new.test")) == (2, 3)
    sites.change(plan(1), plan(1, "domain:2.test"))
    sites.change(plan(9, "domain:0.test"), None)
    assert (sites.besides("domain:0.test"), sites.besides("domain:2.test")) == (1, 1)
    for number in range(SITES_MOST + 5):
        sites.change(None, plan(number + 100))
    assert sites.besides("domain:0.test") == SITES_MOST
