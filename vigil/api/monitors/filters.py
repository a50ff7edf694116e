"""Filters of the list of monitors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Func, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KT

from probes.reasons import Status
from vigil.api.base.filters import AllOfFilter, AnyOfFilter, ListFilters, NamedRowsFilter, SearchFilter
from vigil.api.base.permissions import may_write
from vigil.incidents.shown_status import PAUSED
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.monitors.validation import MAX_TAG_LENGTH

#: As they are shown.
STATUSES = [*(status.value for status in Status), PAUSED]


#: The host of an address, without what may be a credential: its user, path and query.
_ADDRESS_HOST = Func(
    KT("config__url"),
    Value(r"^[a-z0-9+.-]+://(?:[^/?#]*@)?([^/?#@]*)"),
    function="substring",
    output_field=TextField(),
)


def monitor_kinds() -> list[str]:
    """Kinds of monitors: those that regions check, and those whose status comes from elsewhere."""
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.probers import PROBERS

    return [*PROBERS, *DerivedKind.values]


class MonitorSearch(SearchFilter):
    """Text in the name, host or address. Readers do not see credentials in an address, and do not find by them."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value or may_write(self.parent.request):  # type: ignore[attr-defined]
            return super().filter(qs, value)
        return SearchFilter(("name", "config__host", "address_host")).filter(
            qs.alias(address_host=_ADDRESS_HOST), value
        )


class MonitorFilter(ListFilters):
    q = MonitorSearch(
        ("name", "config__url", "config__host"),
        label="Text in name, url, host; for callers that may only read, of the url in its host.",
    )
    kind = AnyOfFilter(among=monitor_kinds)
    tag = AllOfFilter(field_name="tags", max_length=MAX_TAG_LENGTH)
    region = NamedRowsFilter(Region, "slug", field_name="regions__slug", distinct=True)
    status = AnyOfFilter(
        field_name="believed__status", among=[*(status.value for status in Status), PAUSED], method="of_status"
    )

    class Meta:
        model = Monitor
        fields = ("kind", "paused", "name", "priority", "sensitivity")

    def of_status(self, queryset: QuerySet[Monitor], name: str, values: Sequence[str]) -> QuerySet[Monitor]:
        """As it is shown: a paused monitor has no other status, and one that has no state yet is unknown."""
        watched = Q(believed__status__in=values)
        if Status.UNKNOWN in values:
            watched |= Q(believed=None)
        found = Q(paused=False) & watched
        return queryset.filter(found | Q(paused=True) if PAUSED in values else found)
