"""S23: a report goes to at most twenty addresses, each of which an e-mail can be written to."""

from __future__ import annotations

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team

pytestmark = pytest.mark.django_db
ODD = ["a..b@example.com", "a@b@example.com", ".a@example.com", "a@", "a b@example.com", "a@example.com,b@example.com",
       "a@[1.2.3", "a\r\nBcc: x@example.com", '"a@example.com', "a@exa mple.com"]  # fmt: skip


def ask(recipients: list[str]) -> int:
    wanted = {"frequency": "weekly", "recipients": recipients, "zone": "UTC"}
    return Api(default_team())("POST", "reports", wanted)[0]


@pytest.mark.parametrize("address", ODD)
def test_s23_an_address_that_no_letter_takes_is_refused(address: str) -> None:
    assert ask(["ops@example.com", address]) == 400


@pytest.mark.parametrize(("count", "status"), [(0, 400), (20, 201), (21, 400), (5000, 400)])
def test_s23_recipients_are_bounded(count: int, status: int) -> None:
    assert ask([f"ops-{number}@example.com" for number in range(count)]) == status
