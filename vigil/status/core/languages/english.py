"""English."""

from __future__ import annotations

from vigil.status.core.languages.words import PageWords
from vigil.status.core.states import PublicState, UpdateState

ENGLISH = PageWords(
    tag="en",
    name="English",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    decimal=".",
    date_form="{day} {month} {year}",
    day_form="{day} {month}",
    moment_form="{date} {time}",
    states={
        PublicState.OPERATIONAL: "Working",
        PublicState.DEGRADED: "Slow",
        PublicState.PARTIAL_OUTAGE: "Partly down",
        PublicState.MAJOR_OUTAGE: "Down",
        PublicState.MAINTENANCE: "Maintenance",
        PublicState.NOT_MEASURED: "Not measured",
    },
    updates={
        UpdateState.INVESTIGATING: "Investigating",
        UpdateState.IDENTIFIED: "Identified",
        UpdateState.MONITORING: "Monitoring",
        UpdateState.RESOLVED: "Resolved",
        UpdateState.SCHEDULED: "Scheduled",
        UpdateState.IN_PROGRESS: "In progress",
        UpdateState.VERIFYING: "Verifying",
        UpdateState.COMPLETED: "Completed",
    },
    says={
        PublicState.OPERATIONAL: "All services work",
        PublicState.MAINTENANCE: "Maintenance is under way",
        PublicState.DEGRADED: "Some services are slow",
        PublicState.PARTIAL_OUTAGE: "Some services are down",
        PublicState.MAJOR_OUTAGE: "Some services are down",
        PublicState.NOT_MEASURED: "Nothing is measured yet",
    },
    says_of_one={
        PublicState.DEGRADED: "{name} is slow",
        PublicState.PARTIAL_OUTAGE: "{name} is partly down",
        PublicState.MAJOR_OUTAGE: "{name} is down",
        PublicState.MAINTENANCE: "{name} is in maintenance",
    },
    all_down="All services are down",
    all_measured_work="All services that are measured work",
    no_incident_open="No incident is open",
    an_incident_open="An incident is open",
    one_affected="1 of {count} services is affected.",
    many_affected="{hit} of {count} services are affected.",
    skip="Skip to content",
    services="Services",
    service="Service",
    group="Group",
    state="State",
    uptime_90_days="Uptime, 90 days",
    changed="Changed {time} UTC.",
    old_news="Last updated {time} UTC. Newer facts may be missing.",
    as_of="As of {time} UTC.",
    no_news="no news",
    affects="Affects {names}.",
    open_incidents="Open incidents",
    past_incidents="Past incidents",
    incidents="Incidents",
    incidents_of="{title} status: incidents",
    status_of="{title}: status",
    postmortem="Postmortem",
    planned_from_to="Planned from {start} to {end}.",
    the_page="The page",
    not_measured="not measured",
    up="{percent} up",
    last_90_days="{name}, last 90 days: {up}",
    today="Today",
    nothing_ended="No incident ended in the last 14 days.",
    all_together="All services together: {percent} up.",
    uptime_rule=(
        "Uptime is the part of the last 90 days that was not down. Maintenance and time that was not measured are left"
        " out; slow time counts as up. Where a component stands for several monitors, their times are added up."
    ),
    times_in_utc="Times in UTC.",
)
