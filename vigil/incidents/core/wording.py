"""Incident titles and notes. Pure."""

from __future__ import annotations

from vigil.incidents.core.model import IncidentKind, StepReason

_TITLES = {
    IncidentKind.OUTAGE: "{name} is down",
    IncidentKind.DEGRADED: "{name} is degraded",
    IncidentKind.ACCOUNT: "{name} refuses our key or request (not an outage)",
    IncidentKind.REGIONAL: "{name} cannot be reached from some regions",
    IncidentKind.BLIND: "Too few regions can vote ({cause}): the status of {name} and perhaps others is unknown",
    IncidentKind.HEARTBEAT: "{name} missed its ping or failed",
    IncidentKind.SLO: "{name} uses its error budget too fast",
}

_NOTES = {
    StepReason.STABLE_AGAIN: "Up for 30 minutes after flapping.",
    StepReason.MONITOR_PAUSED: "The monitor was paused.",
    StepReason.MONITOR_DELETED: "The monitor was deleted.",
    StepReason.CAN_SEE_AGAIN: "Enough regions can vote again, or no monitor is left.",
    StepReason.REGION_DARK: "No status from this region: its votes do not count, and it runs no checks.",
    StepReason.MINORITY_EXCLUDED: "The regions that failed alone are in quarantine: the fault is theirs.",
    StepReason.REGION_WELL: "The region's votes count again.",
    StepReason.REGIONS_FOUND: "The regions see their targets again: their votes count.",
    StepReason.REGION_BACK: "The region reports its status again.",
    StepReason.NOT_RECEIVING: "No process receives pings. No job is marked late meanwhile.",
    StepReason.NO_DEAD_LETTERS: "No dead letter waits any more.",
    StepReason.DISK_WELL: "There is enough room on the disk again.",
    StepReason.HEADROOM_BACK: "The quota of the key is not about to be used up any more.",
    StepReason.REGIONS_ADMITTED: "Most regions are served again, or no region is kept out any more.",
    StepReason.EXPIRY_AVERTED: "It was renewed, or is not used any more.",
    StepReason.RECEIVING_AGAIN: "Pings are received again. Jobs due meanwhile get a new grace period.",
}

NAME_LIMIT = 200


def title(name: str, kind: IncidentKind, cause: str = "") -> str:
    """Title of an incident of this kind, for a monitor of this name."""
    return _TITLES[kind].format(name=name[: NAME_LIMIT - len(cause)], cause=cause)


def note_text(reason: StepReason) -> str:
    """Note of a step without a verdict."""
    return _NOTES.get(reason, reason.replace("_", " ").capitalize() + ".")


def kind_in_words(kind: IncidentKind) -> str:
    """A kind in a list or a mark: `Self test`, `SLO`."""
    return "SLO" if kind is IncidentKind.SLO else kind.value.replace("_", " ").capitalize()
