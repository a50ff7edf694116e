"""Networks and domains are kept in one form, and what cannot be one is refused with what to write."""

from __future__ import annotations

import pytest

from vigil.status.core.access import NETWORKS_MOST, PageAccess, PageVisibility, checked_networks
from vigil.status.core.domains import checked_domain, host_of, is_answered_by_pattern, path_on_domain


@pytest.mark.parametrize(
    ("client", "is_admitted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8:1::9", True),
        ("2001:db9::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_a_client_is_admitted_by_its_address_alone(client: str, is_admitted: bool) -> None:
    networks = tuple(checked_networks(["10.0.0.0/8", "192.0.2.7", " 2001:DB8::/32 "]))
    assert networks == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")
    assert PageAccess(PageVisibility.ADDRESSES, networks=networks).admits(client) == is_admitted


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.1/8", "Write 10.0.0.0/8."),
        ("office", "office is no network."),
        ("10.0.0.0/33", "is no network."),
        ("::ffff:10.0.0.0/104", "Write it as IPv4."),
        ("1" * 60, "is no network."),
    ],
)
def test_what_is_no_network_is_refused(network: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked_networks([network])


def test_a_list_of_networks_is_bounded_and_holds_each_once() -> None:
    assert checked_networks(["10.0.0.0/8"] * 1_000) == ["10.0.0.0/8"]
    with pytest.raises(ValueError, match="At most 100"):
        checked_networks(f"10.0.{number}.0/24" for number in range(NETWORKS_MOST + 1))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Status.Acme.Test. ", "status.acme.test"),
        ("status.bücher.test", "status.xn--bcher-kva.test"),
        ("\uff53tatus.acme.test", "status.acme.test"),
        ("", ""),
    ],
)
def test_a_domain_is_kept_as_browsers_send_it(given: str, kept: str) -> None:
    assert checked_domain(given, ()) == kept


@pytest.mark.parametrize(
    "given",
    ["https://status.acme.test", "status.acme.test:8443", "acme", "192.0.2.7", "a_b.acme.test", "status..test",
     "vigil.test", f"{'a' * 64}.test", ".".join(["a" * 60] * 5), "a b.test", "[::1]", "*.acme.test"],
)  # fmt: skip
def test_what_is_no_domain_of_a_page_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"^(Give|This)"):
        checked_domain(given, {"vigil.test"})


def test_a_pattern_of_hosts_names_what_is_below_it_and_a_star_says_nothing() -> None:
    hosts = {".vigil.test", "*", "other.test"}
    named = ("vigil.test", "a.vigil.test", "a.b.vigil.test")
    assert all(is_answered_by_pattern(one, hosts) for one in named)
    assert not any(is_answered_by_pattern(one, hosts) for one in ("evilvigil.test", "vigil.test.evil", "other.test"))


def test_a_host_header_is_a_name_or_nothing() -> None:
    assert host_of("Status.Acme.test:8443") == host_of("status.acme.test.") == "status.acme.test"
    for odd in ("a.test, b.test", "a.test@b.test", "a.test/x", "[::1]:80", "", "a.test:80:80", "a\x00.test"):
        assert host_of(odd) == ""


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/", "/status/acme"),
        ("/history.atom", "/status/acme/history.atom"),
        ("/assets/vigil.0123456789ab.css", "/assets/vigil.0123456789ab.css"),
        ("/static/web/favicon.svg", "/static/web/favicon.svg"),
        ("/static/web/vendor/htmx-4.0.1.min.js", "/status/acme/static/web/vendor/htmx-4.0.1.min.js"),
        ("/admin/", "/status/acme/admin/"),
        ("/assets/../admin/", "/status/acme/assets/../admin/"),
        ("/ping/0123", "/status/acme/ping/0123"),
        ("//vigil.test/admin", "/status/acme//vigil.test/admin"),
        ("/status/other", "/status/acme/status/other"),
        ("/status/acme/look.css", "/status/acme/look.css"),
        ("/status/acme/logo.png", "/status/acme/logo.png"),
        ("/status/acme/index.md", "/status/acme/status/acme/index.md"),
        ("/status/other/logo.png", "/status/acme/status/other/logo.png"),
        ("/livez", "/status/acme/livez"),
        ("/subscriptions/sub_1~a", "/subscriptions/sub_1~a"),
        ("/subscriptions/sub_1~a/unsubscribe", "/subscriptions/sub_1~a/unsubscribe"),
        ("/subscriptions/confirm/sub_1~b:c", "/subscriptions/confirm/sub_1~b:c"),
        ("/subscriptions/../admin/", "/status/acme/subscriptions/../admin/"),
        ("/subscriptions/a/admin", "/status/acme/subscriptions/a/admin"),
    ],
)
def test_on_its_domain_a_page_has_its_own_paths_alone(asked: str, path: str) -> None:
    assert path_on_domain("acme", asked) == path
