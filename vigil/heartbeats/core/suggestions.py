"""Suggested schedules and grace times for common AI jobs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Defaults for one kind of job, with its description."""

    job: str
    title: str
    terms: dict[str, Any]


SUGGESTIONS: dict[str, Suggestion] = {
    one.job: one
    for one in (
        Suggestion(
            "embeddings",
            "Embeddings, every hour",
            {"schedule": "period", "period_s": 3_600, "grace_s": 1_200},
        ),
        Suggestion(
            "nightly-batch",
            "Batch of a night: summaries, evaluations, fine-tuning",
            {"schedule": "cron", "expression": "0 2 * * *", "grace_s": 7_200},
        ),
        Suggestion(
            "classification",
            "Classification or moderation, every two hours",
            {"schedule": "period", "period_s": 7_200, "grace_s": 2_700},
        ),
        Suggestion(
            "weekly-report",
            "Report of a week",
            {"schedule": "cron", "expression": "0 6 * * 1", "grace_s": 10_800},
        ),
        Suggestion(
            "real-time",
            "Real-time: queues, agents, streams",
            {"schedule": "period", "period_s": 300, "grace_s": 300},
        ),
    )
}
