"""A region to enrol, whose Redis user is ended afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vigil.monitors.models import Region


@pytest.fixture
def region(redis_url: str) -> Iterator[Region]:
    from vigil.enrolment.redis_access import end_user
    from vigil.monitors.models import Region

    # Redis' users are of the whole server, which tests beside this one share.
    yield Region(slug=f"e-{secrets.token_hex(4)}", domain="aws")
    for found in Region.objects.all():
        end_user(found.slug)


@pytest.fixture(autouse=True)
def fresh() -> None:
    from vigil import guess_limits

    guess_limits.SECRETS.forget()
