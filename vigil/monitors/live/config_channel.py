"""NOTIFY channel of configuration changes.

Each notification names what changed: a monitor's public id, `region:<slug>`, or `silences`. Database triggers send the
first two, so no writer can forget them.
"""

from __future__ import annotations

from django.db import connection

from vigil.monitors.live.version import touch

CONFIG_CHANNEL = "vigil_config"
SILENCES = "silences"


def listen() -> None:
    """LISTEN on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CONFIG_CHANNEL}")


def notified(wait_s: float = 0.0) -> frozenset[str]:
    """Names notified since the last call; waits up to `wait_s` seconds for the first."""
    listening = connection.connection
    notes = list(listening.notifies(timeout=wait_s, stop_after=1)) if wait_s else []
    notes.extend(listening.notifies(timeout=0))
    return frozenset(note.payload for note in notes)


def notify_silences(team: int) -> None:
    """Notify a change of a team's silences on commit, also to its pages."""
    touch(team)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CONFIG_CHANNEL, SILENCES])


def notify_region(slug: str) -> None:
    """Notify on commit of a change of a region that is in another table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CONFIG_CHANNEL, f"region:{slug}"])
