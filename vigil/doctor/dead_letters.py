"""Findings about dead letters: input that loops could not apply."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Max, Sum

from vigil.deadletters.actions import waiting
from vigil.deadletters.models import DeadLetterCount
from vigil.doctor.findings import ExaminationContext, Finding, ago, problem, warning, well


def dead_letters(around: ExaminationContext) -> Iterator[Finding]:
    """Letters that wait for a person, by process and step."""
    rows = waiting().values("source", "step").annotate(letters=Count("pk"), times=Sum("count"), last=Max("last_at"))
    for row in rows.order_by("-letters")[:20]:
        age = ago((around.now - row["last"]).total_seconds())
        yield problem(
            f"{row['letters']} dead letters of {row['source']} ({row['step']}): {row['times']} failures, "
            f"the last {age} ago.",
            "See `manage.py deadletters list`: replay them after a fix, or discard them.",
        )
    if not rows:
        yield well("No dead letters.")
    dropped = DeadLetterCount.objects.aggregate(all=Sum("dropped"))["all"]
    if dropped:
        yield warning(f"{dropped:,} dead letters were dropped: too many came.", "Find who sends them.")
