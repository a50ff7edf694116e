"""Status page of the fake provider, in the form of Statuspage: it tells of trouble while the provider fails."""

from __future__ import annotations

from vigil.demo.exchange import ServedAnswer, as_json

STATUS_PAGE = "/status-page/api/v2/summary.json"


def status_page(is_well: bool) -> ServedAnswer:
    """The page: one component of the API, and an incident while it is not well."""
    incident = {"id": "fake-1", "name": "Elevated errors", "status": "investigating", "impact": "major"}
    components = [{"id": "api", "name": "API", "status": "operational" if is_well else "major_outage"}]
    return as_json(
        200,
        {
            "page": {"id": "fake", "name": "Fake provider"},
            "status": {"indicator": "none" if is_well else "major"},
            "components": components,
            "incidents": [] if is_well else [{**incident, "components": components}],
            "scheduled_maintenances": [],
        },
    )
