"""Findings about regions: alive, on time, and in independent domains."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import cast

from probes import keys
from probes.net.egress import LISTED
from probes.process.region_statuses import read_signed_statuses
from probes.reasons import Refusal
from probes.wire import RegionStatus
from vigil.clock import database_now
from vigil.control_keys import published_keys
from vigil.doctor.findings import ExaminationContext, Finding, ago, note, problem, warning, well
from vigil.enrolment.ending import BY_HAND_ADVICE, by_hand_in_words
from vigil.enrolment.models import EnrolmentCode
from vigil.monitors.models import Region

SKEW_MS = 2_000
BEHIND_MS = 30_000
STRANGERS_WITHIN = timedelta(days=1)
SAME_RELEASE = "Run the same release everywhere."
_NEW_KEY = "Run this release there, by the line that `manage.py region rotate NAME` prints."
_OWN_STREAMS = frozenset({"calls", "rounds", "verdicts"})
_CLOCK = "Run NTP there, and here."
#: What an operator does where a region's messages are refused for this.
_REMEDIES = {
    Refusal.UNSIGNED: _NEW_KEY,
    Refusal.UNKNOWN_KEY: _NEW_KEY,
    Refusal.EXPIRED: _CLOCK,
    Refusal.PREMATURE: _CLOCK,
}


def alive(around: ExaminationContext) -> Iterator[Finding]:
    rows = Region.objects.filter(enabled=True).values_list("slug", "worker_since", "egress")
    since = {slug: started for slug, started, _ in rows}
    egress = {slug: chosen for slug, _, chosen in rows}
    slugs = list(since)
    if not slugs:
        yield problem("No region exists: no checks can run.", "Run `manage.py region add NAME`.")
        return
    statuses = read_signed_statuses(around.redis, slugs, published_keys(around.redis))
    troubled = 0
    for slug in slugs:
        for finding in (
            _trouble(slug, statuses) if slug in statuses else _silence(slug, started=since[slug] is not None)
        ):
            troubled += 1
            yield finding
        status = statuses.get(slug)
        if isinstance(status, RegionStatus) and status.egress not in (egress[slug], LISTED):
            troubled += 1
            yield warning(
                f"Region {slug} is known as {egress[slug]}, and its worker runs as {status.egress}.",
                f"Set VIGIL_EGRESS={egress[slug]} there, or the region's egress here.",
            )
    if not troubled:
        yield well(f"{len(slugs)} regions are alive and on schedule.")


def domains(around: ExaminationContext) -> Iterator[Finding]:
    """A domain that holds most regions can lose the quorum."""
    found = Counter(Region.objects.filter(enabled=True).values_list("domain", flat=True))
    regions = sum(found.values())
    if regions == 1:
        yield warning("There is one region: no other confirms its results.", "Add two more, with other providers.")
    elif len(found) == 1 and regions > 1:
        yield note(f"All {regions} regions are in one domain ({next(iter(found))}).", "Add regions of other providers.")
    elif len(found) == 2:
        yield note("Regions are in two domains: both are needed for a quorum.", "Add a third domain.")
    elif found:
        yield well(f"{regions} regions in {len(found)} domains.")


def refused(around: ExaminationContext) -> Iterator[Finding]:
    """What regions wrote lately, and nothing took."""
    counted = cast(dict[bytes, bytes], around.redis.hgetall(keys.REFUSED))
    by_region: defaultdict[str, list[str]] = defaultdict(list)
    for name, count in sorted(counted.items()):
        region, _, cause = name.decode("utf-8", "replace").rpartition("/")
        by_region[region].append(f"{int(count)} {cause.replace('_', ' ')}")
    for origin, causes in by_region.items():
        yield warning(f"Of what {origin} wrote, this was refused: {', '.join(causes)}.", _remedy(origin, causes))


def _remedy(origin: str, causes: list[str]) -> str:
    """What to do about refusals of a region, or of one of the control plane's own streams."""
    if origin in _OWN_STREAMS:
        return "Give VIGIL_SEAL_KEYS the same value in every process; if it has, ask who has the password of Redis."
    if any(cause.endswith((Refusal.UNSIGNED.value, _words(Refusal.UNKNOWN_KEY))) for cause in causes):
        return _NEW_KEY.replace("NAME", origin)
    if any(cause.endswith(_words(Refusal.OVER_ITS_BOUND)) for cause in causes):
        mend = "give Redis more memory, or start it again if the log of dispatch tells of connections"
        return f"If its worker is yours, {mend}; else run `manage.py region revoke {origin}`."
    return f"{SAME_RELEASE[:-1]}; if it does, ask who has this region's password."


def _words(cause: Refusal) -> str:
    return cause.value.replace("_", " ")


def redis_users(_: object = None) -> Iterator[Finding]:
    """Whether Vigil can end the connections of a region."""
    words = by_hand_in_words()
    if words:
        yield note(words, BY_HAND_ADVICE)


def strangers(_: object = None) -> Iterator[Finding]:
    """Codes that a second worker tried: one of the two is not the operator's."""
    since = database_now() - STRANGERS_WITHIN
    tried = EnrolmentCode.objects.filter(refused_at__gt=since).select_related("region")
    for code in tried:
        yield problem(
            f"Two workers used one code of {code.region.slug}: from {code.used_from}, and from {code.refused_from},"
            " which was refused.",
            f"If the first is not yours, run `manage.py region revoke {code.region.slug}`.",
        )


def _silence(slug: str, started: bool) -> Iterator[Finding]:
    if started:
        yield problem(f"Region {slug} is dark: no status for 45 s.", "Start its worker, or disable the region.")
    else:
        yield warning(
            f"Region {slug} waits for its worker: none has reported yet.",
            f"Start it, or run `manage.py region rotate {slug}` for a new line that does.",
        )


def _trouble(slug: str, statuses: Mapping[str, RegionStatus | Refusal]) -> Iterator[Finding]:
    status = statuses[slug]
    if isinstance(status, Refusal):
        why = _words(status)
        yield problem(
            f"Region {slug} sends a status that cannot be read: {why}.",
            _REMEDIES.get(status, SAME_RELEASE).replace("NAME", slug),
        )
        return
    if status.refused:
        counted = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in sorted(status.refused.items()))
        yield warning(
            f"{slug} refused orders: {counted}.",
            "Give it VIGIL_CONTROL_KEYS of this installation; if it has them, ask who has the password of Redis.",
        )
    if abs(status.clock_offset_ms) > SKEW_MS:
        off = ago(abs(status.clock_offset_ms) / 1000)
        yield warning(f"The clock of {slug} is wrong by {off}; above 5 s it has no vote.", "Run NTP there.")
    if status.is_adrift and status.anchors:
        yield warning(f"{slug} cannot reach most of its anchors: its own network is at fault.", "See its uplink.")
    if status.queue_age_ms > BEHIND_MS:
        behind = ago(status.queue_age_ms / 1000)
        yield warning(f"{slug} is behind by {behind}.", "Give it more CPU, or a second worker.")
    if status.alone:
        yield warning(f"{slug} has no dispatcher and runs its last schedule.", "Start `manage.py run dispatch`.")
    if status.kept:
        yield note(f"{slug} was cut off and still has {status.kept} results to send.", "No action is needed.")
