"""A status page as Markdown, and its llms.txt: where programs that read text find what. Pure.

llms.txt has a heading, a quoted summary, and lists of links (llmstxt.org).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from vigil.status.core.elsewhere.safe_markdown import in_markdown, quoted, safe_markdown
from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.figures import uptime_of
from vigil.status.core.incidents.told import said_texts, window_lines
from vigil.status.core.languages.words import PageWords
from vigil.status.core.sentences import says, says_stale

#: Paths of the two below the page.
PAGE_FILE, LLMS_FILE = "index.md", "llms.txt"


def markdown_page(facts: PageFacts, frame: PageFrame) -> bytes:
    """The page: state, open incidents, components with their uptime, and past incidents."""
    words = facts.words
    past = [one for one in facts.incidents if not one.is_open]
    blocks = [
        f"# {in_markdown(facts.title)}",
        f"**{in_markdown(says(facts))}.** {words.changed.format(time=words.moment(facts.changed_at))}",
        *filter(None, [safe_markdown(facts.header)]),
        *_incidents(words.open_incidents, facts.open_incidents, facts),
        *_components(facts),
        *_incidents(words.planned_maintenance, facts.open_maintenances, facts),
        *_incidents(words.past_incidents, past, facts),
        *filter(None, [safe_markdown(facts.footer)]),
        f"{words.uptime_rule} {words.times_in_utc}",
        f"[{words.the_page}]({frame.address}) · [JSON]({frame.address}/api/v2/summary.json)"
        f" · [Atom]({frame.address}/history.atom)",
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def stale_markdown(page: bytes, heard_at: datetime, words: PageWords) -> bytes:
    """The page with a line below its heading that says since when its source has not been heard."""
    heading, _, rest = page.partition(b"\n\n")
    return b"\n\n".join([heading, f"**{says_stale(heard_at, words)}**".encode(), rest])


def llms_text(facts: PageFacts, frame: PageFrame) -> bytes:
    """The llms.txt of a page; it tells no state, so that it is never old."""
    documents = (
        (PAGE_FILE, "Page as Markdown", "states, incidents and uptime in one text"),
        ("api/v2/status.json", "Status", "one word and one sentence"),
        ("api/v2/summary.json", "Summary", "components, open incidents and maintenance"),
        ("api/v2/components.json", "Components", "with their states"),
        ("api/v2/incidents.json", "Incidents", "open ones and the newest others, with all updates"),
    )
    others = (
        ("", "Page", "for people"),
        ("api/v2/scheduled-maintenances.json", "Planned maintenance", "to come, under way and over"),
        ("history.atom", "Atom", "incidents as a feed; also history.rss and feed.json"),
        ("maintenance.ics", "Calendar", "planned maintenance"),
        ("badge.svg", "Badge", "SVG"),
    )
    return (
        f"# {in_markdown(facts.title)}: status\n\n"
        f"> How the services of {in_markdown(facts.title)} are, with incidents and 90 days of uptime.\n\n"
        "The JSON documents have the form of Atlassian Statuspage, version 2. Times are in UTC. Answers may be kept for"
        " 5 s; ask with If-None-Match.\n\n"
        f"## Documents\n\n{_links(documents, frame)}\n\n## Optional\n\n{_links(others, frame)}\n"
    ).encode()


def _links(documents: Iterable[tuple[str, str, str]], frame: PageFrame) -> str:
    return "\n".join(
        f"- [{name}]({frame.address}{'/' if path else ''}{path}): {says_what}" for path, name, says_what in documents
    )


def _components(facts: PageFacts) -> Iterator[str]:
    if not facts.components:
        return
    words = facts.words
    rows = [f"| {words.service} | {words.group} | {words.state} | {words.uptime_90_days} |", "|---|---|---|---|"]
    for one in facts.components:
        ratio = uptime_of(one.spans, facts.now).ratio
        cells = (
            in_markdown(one.name), in_markdown(one.group), words.states[facts.state_of(one)],
            words.not_measured if ratio is None else words.percent(ratio),
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    yield f"## {words.services}"
    yield "\n".join(rows)


def _incidents(title: str, incidents: Iterable[PublicIncidentFacts], facts: PageFacts) -> Iterator[str]:
    for place, one in enumerate(incidents):
        if place == 0:
            yield f"## {title}"
        yield f"### {in_markdown(one.title)}"
        yield from window_lines(one, facts.words, lambda at: f"{facts.words.moment(at)} UTC")
        names = ", ".join(in_markdown(each.name) for each in facts.components if each.id in one.components)
        if names:
            yield facts.words.affects.format(names=names)
        for said in said_texts(one, facts.words):
            edited = facts.words.edited.format(time=facts.words.moment(said.edited_at)) if said.edited_at else ""
            said_at = f"{facts.words.moment(said.at)} UTC{f' ({edited})' if edited else ''}"
            yield f"**{said.state}**, {said_at}"
            yield quoted(safe_markdown(said.text))
