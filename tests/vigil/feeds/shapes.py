"""Status feeds in the shapes in which providers publish them, with words of our own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def statuspage(
    *incidents: dict[str, Any], api: str = "operational", chat: str = "operational", planned: int = 0
) -> bytes:
    document = {
        "page": {
            "id": "p1",
            "name": "Example AI",
            "url": "https://status.example",
            "updated_at": "2026-03-01T11:00:00Z",
        },
        "status": {"indicator": "none", "description": "All Systems Operational"},
        "components": [
            {"id": "c0", "name": "API group", "status": "major_outage", "group": True, "group_id": None},
            {"id": "c1", "name": "Example API (api.example.com)", "status": api, "group": False, "group_id": "c0"},
            {"id": "c2", "name": "Chat page", "status": chat, "group": False, "only_show_if_degraded": False},
        ],
        "incidents": list(incidents),
        "scheduled_maintenances": [
            {"id": f"m{n}", "name": "Works", "status": "in_progress", "created_at": "2026-03-01T09:00:00Z"}
            for n in range(planned)
        ],
    }
    return json.dumps(document).encode()


def incident(id: str = "i1", name: str = "Elevated error rates", status: str = "investigating", on: str = "") -> Any:
    return {
        "id": id,
        "name": name,
        "status": status,
        "impact": "major",
        "created_at": "2026-03-01T11:50:00.000Z",
        "started_at": "2026-03-01T11:20:00.000Z",
        "resolved_at": None,
        "components": [{"id": "c1", "name": on, "status": "partial_outage"}] if on else [],
        "incident_updates": [{"status": status, "body": "We are looking into it."}],
    }


def betterstack(state: str = "operational", ends_at: str | None = None, report: bool = True) -> bytes:
    included: list[dict[str, Any]] = [
        {"id": "91", "type": "status_page_section", "attributes": {"name": "Inference"}},
        {"id": "81", "type": "status_page_resource", "attributes": {"public_name": "Serverless API", "status": state}},
    ]
    if report:
        attributes = {
            "title": "Slow answers",
            "report_type": "manual",
            "starts_at": "2026-03-01T11:40:00.000Z",
            "ends_at": ends_at,
            "aggregate_state": "degraded",
            "affected_resources": [{"status_page_resource_id": "81", "status": "degraded"}],
        }
        included.append({"id": "71", "type": "status_report", "attributes": attributes})
    data = {"id": "1", "type": "status_page", "attributes": {"company_name": "Example", "aggregate_state": state}}
    return json.dumps({"data": data, "included": included}).encode()


def instatus(status: str = "HASISSUES") -> bytes:
    active = [
        {
            "name": "API errors",
            "started": "2026-03-01T11:45:00.000Z",
            "status": "INVESTIGATING",
            "impact": "MAJOROUTAGE",
        }
    ]
    return json.dumps(
        {
            "page": {"name": "Example", "url": "https://status.example", "status": status},
            "activeIncidents": active if status == "HASISSUES" else [],
            "activeMaintenances": [
                {"name": "Works", "start": "2026-03-01T10:00:00Z", "status": "INPROGRESS", "duration": "60"}
            ],
        }
    ).encode()


def google(end: str = "") -> bytes:
    old = {
        "id": "old", "begin": "2026-01-01T00:00:00+00:00", "created": "2026-01-01T00:10:00+00:00",
        "end": "2026-01-01T03:00:00+00:00", "external_desc": "Long over",
        "affected_products": [{"title": "Vertex Gemini API", "id": "x1"}],
    }  # fmt: skip
    now = {
        "id": "new", "begin": "2026-03-01T11:00:00+00:00", "created": "2026-03-01T11:30:00+00:00",
        "external_desc": "Raised latency", "severity": "medium", "status_impact": "SERVICE_DISRUPTION",
        "affected_products": [{"title": "Vertex Gemini API", "id": "x1"}],
    }  # fmt: skip
    return json.dumps([old, {**now, **({"end": end} if end else {})}]).encode()


def aws(status: str = "2") -> bytes:
    event = {
        "date": "1772365800", "arn": "arn:aws:health:us-east-1::event/BEDROCK/1", "region_name": "N. Virginia",
        "status": status, "service": "bedrock-us-east-1", "service_name": "Amazon Bedrock",
        "summary": "Increased error rates", "event_log": [{"summary": "x", "message": "y", "status": 1}],
    }  # fmt: skip
    return json.dumps([event]).encode("utf-16")


def checkly(*names: str) -> bytes:
    created = "2026-03-01T11:55:00.000Z"
    return json.dumps(
        [{"id": f"k{n}", "name": name, "severity": "MAJOR", "createdAt": created} for n, name in enumerate(names)]
    ).encode()


def rss(*items: tuple[str, str, str]) -> bytes:
    listed = "".join(
        f"<item><title>{title}</title><description><![CDATA[<p>{said}</p>]]></description>"
        f"<pubDate>{date}</pubDate><guid isPermaLink='false'>g{n}</guid><link>https://status.example/{n}</link></item>"
        for n, (title, said, date) in enumerate(items)
    )
    head = "<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'><channel><title>Status</title>"
    return f"{head}{listed}</channel></rss>".encode()


def atom(title: str, content: str, updated: str) -> bytes:
    return (
        "<?xml version='1.0' encoding='utf-8'?><feed xmlns='http://www.w3.org/2005/Atom'><title>Status</title>"
        f"<entry><id>tag:status.example,2026:1</id><published>2026-03-01T11:30:00Z</published>"
        f"<updated>{updated}</updated><link href='https://status.example/1'/><title>{title}</title>"
        f"<content type='html'>{content}</content></entry></feed>"
    ).encode()
