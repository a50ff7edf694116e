"""Addresses that strangers give: public ones of their kind, in one spelling, and nothing else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from vigil.status.core.subscriber_terms import AddressProblem, SubscriberKind
from vigil.status.subscribers.addresses import address_in_one_spelling

EMAIL, WEBHOOK, SLACK = SubscriberKind.EMAIL, SubscriberKind.WEBHOOK, SubscriberKind.SLACK
_HOOK = "https://hooks.slack.com/services"


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (EMAIL, " you@example.com\n", "you@example.com"),
        (EMAIL, "you+vigil@b\u00fccher.example", "you+vigil@xn--bcher-kva.example"),
        (WEBHOOK, "https://hooks.example.com:8443/a?b=1", "https://hooks.example.com:8443/a?b=1"),
        (WEBHOOK, "https://8.8.8.8/a", "https://8.8.8.8/a"),
        (SLACK, f"{_HOOK}/T0/B0/obviously-fake", f"{_HOOK}/T0/B0/obviously-fake"),
    ],
)
def test_an_address_is_kept_in_one_spelling(kind: SubscriberKind, given: str, kept: str) -> None:
    assert address_in_one_spelling(kind, given) == kept


@pytest.mark.parametrize(
    ("kind", "given", "problem"),
    [
        *((EMAIL, one, AddressProblem.NO_EMAIL) for one in (
            "", "root@localhost", "root@mailhost", "a@127.0.0.1", "a@[127.0.0.1]", "a@printer.local", "a@db.internal",
            "a@b.test\r\nBcc: c@d.test", "a@b.test,c@d.test", "A <a@b.test>", '"a b"@x.test', "a@b.test\x00",
            "<b>@x.test",
        )),
        *((WEBHOOK, one, AddressProblem.NO_WEBHOOK) for one in (
            "http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://[fe80::1%25eth0]/", "https://10.1.2.3/",
            "https://169.254.169.254/latest", "https://localhost:6379/", "https://redis:6379/", "https://0x7f000001/",
            "https://127.1/", "https://db.internal/", "https://a:b@example.com/", "https://example.com/\r\nX: y", "ftp://x.test",
        )),
        *((SLACK, one, AddressProblem.NO_SLACK) for one in (
            f"{_HOOK}/../workflows/x", f"{_HOOK}/T0/B0/x?y=1", f"{_HOOK}/", "https://hooks.slack.com/workflows/x",
            "https://hooks.slack.com@evil.test/services/x", "https://hooks.slack.com.evil.test/services/x",
            "https://hooks.slack.com\\@evil.test/services/x", f"{_HOOK}/T0\n/B0", "https://hooksxslack.com/services/x",
        )),
        (EMAIL, f"{'a' * 500}@example.com", AddressProblem.TOO_LONG),
    ],
)  # fmt: skip
def test_what_is_no_public_address_of_its_kind_is_refused(
    kind: SubscriberKind, given: str, problem: AddressProblem
) -> None:
    with pytest.raises(ValidationError) as refused:
        address_in_one_spelling(kind, given)
    assert refused.value.code == problem
