"""The stage that tests of history share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

if TYPE_CHECKING:
    from tests.vigil.history.stage import Stage

# This file is read before Django is configured, so models are imported where they are used.


@pytest.fixture
def stage(redis_url: str, transactional_db: None) -> Stage:
    from tests.vigil.history.stage import Stage
    from vigil.accounts.teams import default_team
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    regions = {slug: Region.objects.create(slug=slug, domain=slug) for slug in ("eu", "us")}
    fields = {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}, "regions": list(regions.values())}
    return Stage(redis.Redis.from_url(redis_url), create_monitor(default_team(), fields), regions)
