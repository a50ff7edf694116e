"""Options that every client of Redis is made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.maint_notifications import MaintNotificationsConfig

#: What keeps redis-py from sending CLIENT, which a region's user may not.
WITHOUT_CLIENT: Mapping[str, Any] = {
    "driver_info": None,
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
}
