"""Redirect targets as browsers read them: blanks, bytes, backslashes, dots and logins in a `Location`."""

from __future__ import annotations

import pytest

from probes.net.http.location import follow, location_of
from probes.net.targets import BadTarget, parse_url

BASE = "https://example.com/a/b?x=1"
HERE = "https://example.com"


def latin(text: str) -> str:
    """A header as it is kept: one character per byte."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        pytest.param(latin("/café/"), f"{HERE}/caf%C3%A9/", id="B2-03a"),
        pytest.param("/next page?q=a b", f"{HERE}/next%20page?q=a%20b", id="B2-03b"),
        pytest.param("/caf\xe9/", f"{HERE}/caf%E9/", id="bytes that are no UTF-8 stay bytes"),
        ("c", f"{HERE}/a/c"),
        ("./c", f"{HERE}/a/c"),
        ("../c", f"{HERE}/c"),
        ("../../../c", f"{HERE}/c"),
        ("/x/%2E%2e/c", f"{HERE}/c"),
        ("/x/./y/..", f"{HERE}/x/"),
        ("..", f"{HERE}/"),
        (".", f"{HERE}/a/"),
        ("/a//b/", f"{HERE}/a//b/"),
        ("/a.b/c..d", f"{HERE}/a.b/c..d"),
        ("?y=2", f"{HERE}/a/b?y=2"),
        ("#part", f"{HERE}/a/b?x=1"),
        ("/c#part?no", f"{HERE}/c"),
        ("/c?q=#part", f"{HERE}/c?q="),
        ("c?d=e/../f", f"{HERE}/a/c?d=e/../f"),
        ("//other.example/z", "https://other.example/z"),
        ("//other.example", "https://other.example/"),
        ("///other.example/z", "https://other.example/z"),
        ("\\\\other.example\\z", "https://other.example/z"),
        ("/\\other.example/z", "https://other.example/z"),
        ("\\c\\d?e\\f", f"{HERE}/c/d?e\\f"),
        ("http:\\\\other.example\\z", "http://other.example/z"),
        ("http:other.example/z", "http://other.example/z"),
        ("https:c", f"{HERE}/a/c"),
        ("https:/c", f"{HERE}/c"),
        ("https:////other.example/z", "https://other.example/z"),
        ("HTTP://Other.Example:80", "http://other.example/"),
        ("http://other.example:/z", "http://other.example/z"),
        ("http://other.example:0443?a", "http://other.example:443/?a"),
        ("http://other.example./z", "http://other.example/z"),
        ("http://o%74her.example/", "http://other.example/"),
        ("http://[2606:4700::1]:81/", "http://[2606:4700::1]:81/"),
        (latin("http://bücher.example/ü?ü"), "http://xn--bcher-kva.example/%C3%BC?%C3%BC"),
        ("  \t/c \x00", f"{HERE}/c"),
        ("/c\td\r/e", f"{HERE}/cd/e"),
        ("/c%zz%", f"{HERE}/c%zz%"),
        ("/a|b^[c]{d}'\"<>`", f"{HERE}/a|b%5E[c]%7Bd%7D'%22%3C%3E%60"),
        ("/a?b='\"<>{}|^`", f"{HERE}/a?b=%27%22%3C%3E{{}}|^`"),
        ("/a:b", f"{HERE}/a:b"),
        ("./a:b", f"{HERE}/a/a:b"),
        ("?u=http://x/", f"{HERE}/a/b?u=http://x/"),
        ("/" + "x" * 8000, f"{HERE}/" + "x" * 8000),
    ],
)
def test_a_location_is_read_as_the_url_standard_says(location: str, url: str) -> None:
    assert follow(parse_url(BASE), location).target.url == url


@pytest.mark.parametrize(
    ("location", "url", "login"),
    [
        pytest.param("http://user:pw@other.example/z", "http://other.example/z", "user:pw", id="F28"),
        ("http://us%40er:p%3Aw@other.example/", "http://other.example/", "us@er:p:w"),
        ("http://user@other.example/", "http://other.example/", "user:"),
        ("http://@other.example/", "http://other.example/", ""),
        ("http://a@b:c@other.example/", "http://other.example/", "a@b:c"),
    ],
)
def test_a_login_in_a_location_is_kept_apart_and_shown_nowhere(location: str, url: str, login: str) -> None:
    redirect = follow(parse_url(BASE), location)
    assert (redirect.target.url, redirect.login) == (url, login)
    assert not login or login not in repr(redirect)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://example.com/", "ftp: is not HTTP"),
        ("file:///etc/passwd", "file: is not HTTP"),
        ("javascript:alert(1)", "javascript: is not HTTP"),
        ("intent://x#Intent;end", "intent: is not HTTP"),
        ("http://", "without a host"),
        ("http://[/", "host"),
        ("http://[::1", "host|port"),
        ("http://other.example:99999/", "port"),
        ("http://other.example:x/", "port"),
        ("http://127.1/", "four plain numbers"),
        ("http://a b/", "not a host name"),
        ("/" + "x" * 20_000, "16384 characters"),
    ],
)
def test_a_location_that_leads_nowhere_is_refused_in_words(location: str, words: str) -> None:
    with pytest.raises(BadTarget, match=words):
        follow(parse_url(BASE), location)


@pytest.mark.parametrize(
    ("headers", "location"),
    [
        ((), None),
        ((("location", ""),), None),
        ((("location", " \t"),), None),
        ((("location", ""), ("location", "/b")), "/b"),
        ((("location", "/a"), ("location", "/b")), "/a"),
    ],
)
def test_a_redirect_needs_a_location(headers: tuple[tuple[str, str], ...], location: str | None) -> None:
    assert location_of(headers) == location
