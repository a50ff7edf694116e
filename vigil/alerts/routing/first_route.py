"""First route of a monitor: that a channel hears of it, without taking it from those who hear of it already."""

from __future__ import annotations

from django.db import transaction

from vigil.accounts.models import Team
from vigil.alerts.models import Channel, Route
from vigil.alerts.routing.changes import save_route
from vigil.monitors.models import Monitor

EVERYTHING = "Everything"
#: Before the routes that people write.
_POSITION = 1


def tell(team: Team, channel: Channel, monitor: Monitor | None) -> Route:
    """Route a monitor's incidents to a channel, or all incidents where the team has no route yet. Idempotent.

    Where there are routes, the monitor's own one goes on to them, so that each of their channels is told too; the
    default matches no longer, so its channels and its policy are taken over. Raises `ValidationError` by field.
    """
    with transaction.atomic():
        routes = list(Route.objects.select_for_update().filter(team=team, enabled=True))
        default = next((route for route in routes if route.default), None)
        if not routes or monitor is None:
            return _add(default or Route(team=team, name=EVERYTHING, default=True), channel)
        if default is not None and default.channels.filter(pk=channel.pk).exists():
            return default
        own = next((route for route in routes if route.monitor_id == monitor.pk and route.goes_on), None)
        if own is not None:
            return _add(own, channel)
        channels = [*(default.channels.all() if default else ()), channel]
        wanted = {
            "name": monitor.name[:100], "position": _POSITION, "monitor": monitor, "goes_on": True,
            "policy": default.policy if default else None, "channels": channels,
        }  # fmt: skip
        return save_route(Route(team=team), wanted)


def _add(route: Route, channel: Channel) -> Route:
    present = list(route.channels.all()) if route.pk else []
    return save_route(route, {"channels": [*present, *([] if channel in present else [channel])]})
