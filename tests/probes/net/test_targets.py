"""URLs and hosts: one spelling, one meaning, or none at all."""

from __future__ import annotations

import pytest

from probes.net.targets import BadTarget, parse_host, parse_url


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("https://EXAMPLE.com:443/a b".replace(" ", "%20"), "https://example.com/a%20b"),
        ("http://example.com:8080/x?q=1&r=ä", "http://example.com:8080/x?q=1&r=%C3%A4"),
        ("https://[2606:4700::1]/", "https://[2606:4700::1]/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://under_score.example/#top", "http://under_score.example/"),
    ],
)
def test_a_url_is_read_to_its_plain_form(url: str, read: str) -> None:
    assert parse_url(url).url == read


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "http://",
        "http:///path",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://exa mple.com/",
        "http://example.com/\r\nX-Injected: 1",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://example.com./",
        "http://-x.example/",
        "http://a..example/",
        "http://[::1%25eth0]/",
        "http://[::1/",
        "http://" + "a" * 64 + ".example/",
        "http://example.com/" + "a" * 3000,
    ],
)
def test_t_sec_01_t_sec_05_a_url_that_two_readers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        parse_url(url)


def test_a_refusal_never_repeats_a_password() -> None:
    with pytest.raises(BadTarget) as refused:
        parse_url("http://user:hunter2@example.com/")
    assert "hunter2" not in str(refused.value)


def test_a_host_is_a_name_or_a_literal() -> None:
    assert parse_host("Example.COM") == ("example.com", False)
    assert parse_host("192.0.2.1") == ("192.0.2.1", True)
    assert parse_host("2001:DB8:0::1") == ("2001:db8::1", True)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("Straße.EXAMPLE", "xn--strae-oqa.example"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("ΒΌΛΟΣ.com", "xn--nxasmq6b.com"),
        ("faß.de", "xn--fa-hia.de"),
        ("Bücher.de", "xn--bcher-kva.de"),
        ("\uff45\uff58ample。com", "example.com"),
        ("日本語。jp", "xn--wgv71a119e.jp"),
        ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
        ("क्\u200dष.com", "xn--11b2ezcw70k.com"),
        ("ab\u00adc.com", "abc.com"),
        # Symbols, which IDNA 2008 has not, and UTS 46 has.
        ("i❤.ws", "xn--i-7iq.ws"),
        ("i❤️.ws", "xn--i-7iq.ws"),
        ("🏳️\u200d🌈.ws", "xn--og8hvo.ws"),
        ("1️⃣.ws", "xn--1-2sn.ws"),
        ("∞.com", "xn--59g.com"),
        ("-ü.com", "xn----eha.com"),
    ],
)
def test_b2_09_a_name_is_written_in_ascii_as_browsers_do(written: str, asked: str) -> None:
    assert parse_host(written) == (asked, False)
    assert parse_url(f"https://{written}:8443/").authority == f"{asked}:8443"


@pytest.mark.parametrize(
    "name",
    [
        "a\u200db.com",
        "\u0301a.com",
        "℀.com",
        "ü..com",
        "ü" * 64 + ".com",
        "\uff11\uff12\uff17.0.0.1",
        "אa.com",
        # A joiner behind a character that has no name.
        "\0\u200d.com",
        "\x81\u200d.com",
    ],
)
def test_b2_09_a_name_that_browsers_refuse_is_refused(name: str) -> None:
    with pytest.raises(BadTarget):
        parse_host(name)
