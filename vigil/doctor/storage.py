"""Findings about storage: size and growth of history, free disk, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Sum

from vigil.disks import disks_of
from vigil.doctor.findings import ExaminationContext, Finding, ago, note, problem, size, warning, well
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import HOURS_IN_DAY
from vigil.history.models import Gap, Progress, RecordedDay, RecordedHour
from vigil.history.storage import partitions
from vigil.history.storage.size import database_bytes, forecast, growth
from vigil.incidents.core.disks import Shortage, in_words, shortage

RECENT = timedelta(hours=24)
SOON_DAYS, LATER_DAYS = 14, 60
_CLASSES = {
    partitions.CHUNKS.table: "the open hours",
    partitions.PACKED_HOURS.table: "checks",
    partitions.ROLLED_HOURS.table: "hours",
    partitions.ROLLED_DAYS.table: "days",
}


def room(around: ExaminationContext) -> Iterator[Finding]:
    """Room on the disks of this machine that hold data."""
    for disk in disks_of(around.folders):
        if shortage(disk) is Shortage.NONE:
            yield well(in_words(disk))
        else:
            yield problem(in_words(disk), "Free some room, or give it more: on a full disk nothing is written.")


def gaps(around: ExaminationContext) -> Iterator[Finding]:
    """Gaps in history."""
    found = Gap.objects.filter(to_at__gt=around.now - RECENT).select_related("region")
    for gap in found[:20]:
        many = f"{gap.results:,} results" if gap.results is not None else f"{ago((gap.to_at - gap.from_at).seconds)}"
        yield warning(
            f"History of {gap.region.slug} lacks {many}: {gap.get_reason_display()}, until {gap.to_at:%H:%M} UTC.",
            "If the recorder was stopped for long: raise VIGIL_KEEP_RESULTS_S, or run a second one.",
        )
    if not found.exists():
        yield well("No gap in 24 h.")


def rollups(around: ExaminationContext) -> Iterator[Finding]:
    """Unpacked hours, and days not rolled up."""
    hour = around.now_ms // HOUR_MS
    unpacked = RecordedHour.objects.filter(state=Progress.OPEN, hour__lt=hour - 3).count()
    unrolled = RecordedDay.objects.filter(state=Progress.OPEN, day__lt=hour // HOURS_IN_DAY - 2).count()
    if unpacked or unrolled:
        yield warning(f"{unpacked} hours are not packed, {unrolled} days not rolled up.", "See the log of record.")
    else:
        yield well("Every finished hour is packed.")


def disk(around: ExaminationContext) -> Iterator[Finding]:
    whole, by_table = database_bytes(), partitions.bytes_by_table()
    parts = ", ".join(f"{_CLASSES[name]} {size(count)}" for name, count in by_table.items() if count > 1e6)
    yield well(f"The database is {size(whole)}" + (f": {parts}." if parts else "."))
    yield from _forecast()
    grows = growth()
    if grows is None:
        yield note("Growth is measured from the second day on.")
        return
    yield well(f"It grew by {size(grows.bytes_per_day)} a day over {grows.days} days.")
    if around.disk_free_bytes is None:
        yield note("Free disk space is unknown.", "Pass it: `doctor --disk-free-gb N`.")
    elif grows.bytes_per_day > 0:
        yield _full(around, int(around.disk_free_bytes / grows.bytes_per_day))
    else:
        yield well(f"{size(around.disk_free_bytes)} of disk are free, and the database does not grow.")


def _full(around: ExaminationContext, days: int) -> Finding:
    when = f"in {days:,} days"
    if days < 3650:
        when += f", on {around.now + timedelta(days=days):%d %B %Y}"
    told = f"The disk is full {when} at this rate ({size(around.disk_free_bytes or 0)} are free)."
    advice = "Keep less: VIGIL_KEEP_CHECKS_DAYS, VIGIL_KEEP_HOURS_DAYS; or give PostgreSQL a larger disk."
    if days < SOON_DAYS:
        return problem(told, advice)
    return warning(told, advice) if days < LATER_DAYS else well(told)


def _forecast() -> Iterator[Finding]:
    """Final size once each class has reached its retention."""
    settled = forecast()
    if settled is not None:
        yield well(
            f"{settled.checks_per_day:,.0f} checks a day at {settled.bytes_per_check:.1f} bytes each: "
            f"history settles at about {size(settled.settled_bytes)}, and {size(settled.yearly_bytes)} a year more."
        )
    recorded = RecordedHour.objects.aggregate(all=Sum("results"))["all"] or 0
    yield well(f"{recorded:,} results were recorded so far.")
