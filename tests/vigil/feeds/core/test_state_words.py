"""A state is said in a whole phrase, and not where a word negates or limits it."""

from __future__ import annotations

import pytest

from vigil.feeds.core.page import PostState
from vigil.feeds.core.state_words import state_of, subject_of

OPEN, OVER, PLANNED = PostState.OPEN, PostState.OVER, PostState.PLANNED


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (
            "Increased error rates: we are investigating, this is not yet resolved; some requests are not completed",
            OPEN,
        ),
        ("This has not been resolved.", OPEN),
        ("The issue hasn't been mitigated", OPEN),
        ("We will update once the issue is resolved", OPEN),
        ("Requests fail until this is fixed", OPEN),
        ("It is resolved for some users", OPEN),
        ("We expect this to be resolved by noon", OPEN),
        ("The issue is being resolved", OPEN),
        ("An issue that remains unresolved", OPEN),
        ("Partially resolved", OPEN),
        ("The issue was previously resolved but errors continue to occur", OPEN),
        ("Monitoring - A fix has been implemented", OPEN),
        ("<p><small>Mar 1, 11:40 UTC</small><br><strong>Monitoring</strong> - It was fixed.</p>", OPEN),
        ("<p><strong>Investigating</strong> - errors after a scheduled maintenance</p>", OPEN),
        ("This incident has been resolved.", OVER),
        ("The issue is now fully resolved", OVER),
        ("We have mitigated the issue", OVER),
        ("[RESOLVED] Increased error rates", OVER),
        ("Resolved: errors", OVER),
        ("Errors (resolved)", OVER),
        ("RESOLVED", OVER),
        ("Service is operating normally: errors", OVER),
        ("The service is now operating normally.", OVER),
        ("All systems are back to normal", OVER),
        (
            "<p><small>Mar 1, 11:40 UTC</small><br><strong>Resolved</strong> - over</p><p>Investigating - we look</p>",
            OVER,
        ),
        ("&lt;b&gt;Resolved&lt;/b&gt;", OVER),
        ("Completed - The scheduled maintenance has been completed.", OVER),
        ("Scheduled maintenance of the API", PLANNED),
        ("Scheduled - we will upgrade", PLANNED),
        ("Maintenance: databases", PLANNED),
        ("Unscheduled maintenance", None),
        ("Elevated errors on the API", None),
        ("", None),
    ],
)
def test_b2_22_the_first_clause_with_a_state_decides(text: str, state: PostState | None) -> None:
    assert state_of(text) is state


IS_OVER = (
    "Resolved at 12:05 UTC", "Service restored", "Services are now fully operational.", "Incident over",
    "We are no longer seeing errors.", "The issue no longer occurs", "Normal service has resumed", "Problem solved",
    "We've resolved the issue", "Engineers resolved the issue", "Update: this incident is resolved",
    "Maintenance completed", "The scheduled maintenance is complete", "Maintenance cancelled",
    "The issue which affected some users has been resolved",
    "The issue preventing most users from logging in has been fixed",
    "The issue where requests would fail has been resolved.", "The issue was resolved while we were investigating",
)  # fmt: skip
IS_OPEN = (
    "Resolved? Not yet.", "We thought this was resolved, but errors are back", "Resolved for EU, US still affected",
    "The issue reoccurred after it was resolved", "An issue we resolved yesterday is back", "no longer resolved",
    "We are working with AWS until this is resolved", "We cannot confirm that this has been resolved",
    "Some issues with partial outage have been resolved", "We have fixed one of two causes",
    "We have completed our investigation and identified the cause", "A fix is completed and being deployed",
    "The database has recovered but queues are delayed", "Complete outage of the API", "working to get it fixed",
    "the issue which has not been resolved", "Mitigated in part",
)  # fmt: skip


@pytest.mark.parametrize(("text", "state"), [*((one, OVER) for one in IS_OVER), *((one, OPEN) for one in IS_OPEN)])
def test_b2_22_a_state_is_read_with_what_it_is_said_of(text: str, state: PostState) -> None:
    # A post that says no state is of an event that is open.
    assert (state_of(text) or OPEN) is state


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("[RESOLVED] Increased error rates", ("increased error rates", True)),
        ("Informational message: Increased Error Rates", ("increased error rates", True)),
        ("Service is operating normally: [RESOLVED] Increased error rates", ("increased error rates", True)),
        ("Increased error rates", ("increased error rates", False)),
    ],
)
def test_b2_22_a_title_is_about_the_same_whatever_its_state(title: str, subject: tuple[str, bool]) -> None:
    assert subject_of(title) == subject
