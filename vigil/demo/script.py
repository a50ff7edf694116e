"""Demo output: events as they happen, the alert's votes, and the summary."""

from __future__ import annotations

from typing import TextIO

from vigil.demo.story import AlertKind, Chapter, Mark, SeenAlert, Story, broken, once_each, tell

_OPENING = """\
Vigil demo: five regions watch a fake AI provider, and a webhook receiver stands in for your pager.
All processes and sockets are real and on this machine. It takes about a minute and a half.
"""


class Narrator:
    """Writes to a stream; times are seconds since the start."""

    def __init__(self, stream: TextIO, started_ms: int) -> None:
        self._stream = stream
        self._started_ms = started_ms

    def begin(self) -> None:
        self.say(_OPENING)
        self.say("     0.0 s  starting PostgreSQL, Redis and 12 processes")

    def tell(self, mark: Mark) -> None:
        self.say(line_of(mark, self._started_ms))
        if mark.chapter is Chapter.RECOVERY:
            self.say(" " * 12 + "(a resolve takes two passing rounds, a minute or more after the outage was confirmed)")

    def conclude(self, story: Story) -> None:
        self.say(closing(story))

    def invite(self, address: str, login_link: str) -> None:
        self.say(f"\nStill running:  {address}/\nLog in (once, within the hour):  {login_link}\nStop:           Ctrl-C")

    def say(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def line_of(mark: Mark, started_ms: int) -> str:
    """One event with its time."""
    return f"  {(mark.at_ms - started_ms) / 1000:>6.1f} s  {mark.what}"


def ballot(alert: SeenAlert) -> str:
    """Votes of an alert, one line a region."""
    region = max((len(vote.region) for vote in alert.votes), default=0)
    domain = max((len(vote.domain) for vote in alert.votes), default=0)
    return "\n".join(
        f"    {vote.region:<{region}}  {vote.domain:<{domain}}  {vote.status.upper():<8}  {vote.reason}"
        + ("" if vote.counted else "  (not counted)")
        for vote in alert.votes
    )


def closing(story: Story) -> str:
    """The alert's votes, the four delays, and the result."""
    told, problems = tell(story), broken(story)
    lines = [""]
    trigger = next((alert for alert in once_each(story.alerts) if alert.kind is AlertKind.TRIGGER), None)
    if trigger is not None:
        lines += ["The votes in the alert:", ballot(trigger), ""]
    for name, words in (
        ("fault_to_first_failure_s", "from the fault to the first region that saw it"),
        ("fault_to_verdict_s", "from the fault to the verdict"),
        ("fault_to_alert_s", "from the fault to the alert in the receiver's hands"),
        ("recovery_to_resolve_s", "from the recovery to the resolve"),
    ):
        if told[name] is not None:
            lines.append(f"  {told[name]:>6.1f} s  {words}")
    if problems:
        return "\n".join([*lines, "", "The story did NOT hold:", *(f"  - {problem}" for problem in problems)])
    return "\n".join([*lines, "", "The story held: no alert for one blind region, one alert, one resolve."])
