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
