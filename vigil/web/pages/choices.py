"""Choices of the overview's filter bar, and the reader's saved views: one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from vigil.web.models import SavedView
from vigil.web.pages.shell import PageReader

#: Name and query of a saved view.
SavedQuery = tuple[str, str]
#: Choices of each select at most.
MOST = 200

_READ = """
SELECT DISTINCT 'kind', kind, '' FROM monitors_monitor WHERE team_id = %(team)s AND deleted_at IS NULL
UNION ALL
(SELECT DISTINCT 'tag', tag, '' FROM monitors_monitor, jsonb_array_elements_text(tags) AS tag
 WHERE team_id = %(team)s AND deleted_at IS NULL ORDER BY tag LIMIT %(most)s)
UNION ALL
(SELECT 'region', slug, '' FROM monitors_region WHERE enabled ORDER BY slug LIMIT %(most)s)
UNION ALL
SELECT 'view', name, query FROM web_savedview WHERE team_id = %(team)s AND user_id = %(user)s
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """Kinds, tags and regions to filter by; views as names and queries."""

    kinds: Sequence[str] = ()
    tags: Sequence[str] = ()
    regions: Sequence[str] = ()
    views: Sequence[SavedQuery] = field(default=())


def read_choices(reader: PageReader) -> Choices:
    """What the filter bar offers to a reader, each sorted by name."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"team": reader.team.pk, "user": reader.user.pk, "most": MOST})
        rows = sorted(cursor.fetchall())

    def names(of: str) -> list[str]:
        return [name for what, name, _ in rows if what == of]

    views = [(name, query) for what, name, query in rows if what == "view"]
    return Choices(names("kind"), names("tag"), names("region"), views)


def read_views(reader: PageReader) -> list[SavedQuery]:
    """The reader's saved views by name, where nothing else of the choices is shown."""
    mine = SavedView.objects.filter(team=reader.team, user=reader.user).order_by("name")
    return list(mine.values_list("name", "query"))
