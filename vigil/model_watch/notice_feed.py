"""Feed (Atom) of a team's notices, at the same kind of secret address as the calendar of retirements."""

from __future__ import annotations

from django.utils.feedgenerator import Atom1Feed

from vigil.accounts.models import Team
from vigil.configuration import configuration
from vigil.model_watch.calendar import address
from vigil.notices.models import StoredNotice

#: The newest of so many are in the feed.
ENTRIES_MOST = 50


def notice_feed_address(team: Team) -> str:
    """Address of the feed; anyone who has it can read it."""
    return address(team, "notices", "atom")


def notice_feed(team: Team) -> bytes:
    """The newest notices of a team."""
    base = configuration().base_url
    feed = Atom1Feed(f"Notices: {team.name}", f"{base}/notices", "Changes and dates ahead; nothing is down.")
    for one in StoredNotice.objects.filter(team=team)[:ENTRIES_MOST]:
        change = [f"{word}: {said}" for word, said in (("Before", one.before), ("After", one.after)) if said]
        feed.add_item(
            one.title,
            f"{base}/notices#{one.public_id}",
            "\n".join(change),
            unique_id=f"tag:vigil,2026:{one.public_id}",
            pubdate=one.at,
            updateddate=one.at,
            categories=[one.get_kind_display()],
        )
    return feed.writeString("utf-8").encode()
