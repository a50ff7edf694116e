"""German."""

from __future__ import annotations

from vigil.status.core.languages.words import PageWords
from vigil.status.core.states import PublicState, UpdateState

GERMAN = PageWords(
    tag="de",
    name="Deutsch",
    months=("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."),
    decimal=",",
    date_form="{day}. {month} {year}",
    day_form="{day}. {month}",
    moment_form="{date}, {time}",
    states={
        PublicState.OPERATIONAL: "In Betrieb",
        PublicState.DEGRADED: "Langsam",
        PublicState.PARTIAL_OUTAGE: "Teilweise gestört",
        PublicState.MAJOR_OUTAGE: "Ausgefallen",
        PublicState.MAINTENANCE: "Wartung",
        PublicState.NOT_MEASURED: "Nicht gemessen",
    },
    updates={
        UpdateState.INVESTIGATING: "In Untersuchung",
        UpdateState.IDENTIFIED: "Ursache gefunden",
        UpdateState.MONITORING: "Unter Beobachtung",
        UpdateState.RESOLVED: "Behoben",
        UpdateState.SCHEDULED: "Geplant",
        UpdateState.IN_PROGRESS: "Im Gange",
        UpdateState.VERIFYING: "In Prüfung",
        UpdateState.COMPLETED: "Abgeschlossen",
    },
    says={
        PublicState.OPERATIONAL: "Alle Dienste sind in Betrieb",
        PublicState.MAINTENANCE: "Wartungsarbeiten sind im Gange",
        PublicState.DEGRADED: "Einige Dienste sind langsam",
        PublicState.PARTIAL_OUTAGE: "Einige Dienste sind ausgefallen",
        PublicState.MAJOR_OUTAGE: "Einige Dienste sind ausgefallen",
        PublicState.NOT_MEASURED: "Noch wird nichts gemessen",
    },
    says_of_one={
        PublicState.DEGRADED: "{name} ist langsam",
        PublicState.PARTIAL_OUTAGE: "{name} ist teilweise gestört",
        PublicState.MAJOR_OUTAGE: "{name} ist ausgefallen",
        PublicState.MAINTENANCE: "{name} wird gewartet",
    },
    all_down="Alle Dienste sind ausgefallen",
    all_measured_work="Alle gemessenen Dienste sind in Betrieb",
    no_incident_open="Keine Störung ist offen",
    an_incident_open="Eine Störung ist offen",
    one_affected="1 von {count} Diensten ist betroffen.",
    many_affected="{hit} von {count} Diensten sind betroffen.",
    skip="Zum Inhalt springen",
    services="Dienste",
    service="Dienst",
    group="Gruppe",
    state="Zustand",
    uptime_90_days="Verfügbarkeit, 90 Tage",
    changed="Geändert am {time} UTC.",
    old_news="Zuletzt aktualisiert am {time} UTC. Neuere Angaben können fehlen.",
    as_of="Stand: {time} UTC.",
    no_news="keine Nachricht",
    affects="Betrifft {names}.",
    open_incidents="Offene Störungen",
    past_incidents="Vergangene Störungen",
    incidents="Störungen",
    incidents_of="Status von {title}: Störungen",
    maintenance_of="{title}: geplante Wartung",
    subscribe="Abonnieren",
    status_of="Status von {title}",
    postmortem="Nachbetrachtung",
    planned_from_to="Geplant von {start} bis {end}.",
    planned_maintenance="Geplante Wartung",
    edited="bearbeitet am {time} UTC",
    the_page="Die Seite",
    not_measured="nicht gemessen",
    up="{percent} verfügbar",
    last_90_days="{name}, letzte 90 Tage: {up}",
    today="Heute",
    nothing_ended="In den letzten 14 Tagen endete keine Störung.",
    all_together="Alle Dienste zusammen: {percent} verfügbar.",
    uptime_rule=(
        "Verfügbarkeit ist der Anteil der letzten 90 Tage ohne Ausfall. Wartung und nicht gemessene Zeit zählen nicht"
        " mit; langsame Zeit zählt als verfügbar. Steht ein Dienst für mehrere Messungen, werden deren Zeiten"
        " zusammengezählt."
    ),
    times_in_utc="Zeiten in UTC.",
)
