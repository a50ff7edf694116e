"""Templates of alerts by the kind of their incident, or by what they are about. Pure tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """Template of one incident kind: headline word, meaning, first check; `since` precedes the start time."""

    word: str
    meaning: str
    look: str
    since: str = "First seen failing at"


TEMPLATES = {
    "outage": Template(
        "DOWN",
        "Most voting regions agree, so this is not a network problem of one region.",
        "Check the service and its last change: deployment, certificate, DNS.",
    ),
    "degraded": Template(
        "DEGRADED",
        "It answers, but with problems, in most voting regions.",
        "Check its load, its dependencies and its latency.",
    ),
    "account": Template(
        "ACCOUNT",
        "This is not an outage. The provider answers, but it refuses our account.",
        "Check the account of this key, not the service.",
    ),
    "regional": Template(
        "REGIONAL",
        "It works in most regions. The problem is in one part of the world or in that region's network.",
        "Check the users near that region. Other regions need no action.",
    ),
    "lost_way": Template(
        "REGIONS LOST",
        "It is an event of these regions, and no outage of their targets. Their votes do not count meanwhile.",
        "Check the network of these regions: uplink, DNS, firewall, egress rules. Set VIGIL_ANCHORS for each of them.",
        since="Since",
    ),
    "blind": Template(
        "BLIND",
        "Too few regions can vote, so its status is unknown. No failure is confirmed.",
        "Check the regions: workers, network and clocks.",
        since="Since",
    ),
    "heartbeat": Template(
        "MISSING",
        "The job, its machine or its scheduler may have failed. Vigil sees only its pings.",
        "Check the job: its scheduler, its last log lines and its machine.",
        since="Overdue since",
    ),
    "heartbeat_failed": Template(
        "FAILED",
        "The job called and said that it failed.",
        "Check the job: its last output and its log.",
        since="Failed at",
    ),
    "heartbeat_overran": Template(
        "OVERRAN",
        "The job said that it started, and has not said in time that it ended. It may hang, or have been killed.",
        "Check the job: whether it still runs, its last log lines and its machine.",
        since="Started at",
    ),
    "slo": Template(
        "BUDGET",
        "No new failure: downtime uses the error budget faster than the objective allows.",
        "Check the monitors with the most downtime. Postpone risky changes until the budget recovers.",
        since="Too fast since",
    ),
    "composite": Template(
        "DOWN TOGETHER",
        "The service behind these monitors is down.",
        "Check the members that are down, the first one first.",
    ),
    "provider": Template(
        "PROVIDER",
        "Several monitors of one provider fail at the same time, so the provider is the likely cause.",
        "Check the provider's status page, and whether a fallback works.",
    ),
    "fallback": Template(
        "ON FALLBACK",
        "Part of the service behind these monitors is down. The rest has taken over.",
        "Check the members that are down before another one fails.",
    ),
    "unready": Template(
        "NO FALLBACK READY",
        "Everything serves still. If the one that serves died now, no fallback could take over well.",
        "Check the fallbacks and the limits of their keys before they are needed.",
        since="Since",
    ),
    "headroom": Template(
        "HEADROOM",
        "Nothing fails yet: a quota of this key is about to be used up, and requests would be refused with 429.",
        "Check who uses this key, raise its limit, or send a part of the requests elsewhere.",
        since="Foretold since",
    ),
    "kept_out": Template(
        "KEPT OUT",
        "Most regions are kept out: refused by geography, or by a network in between. They cannot see the service.",
        "Check from which regions you use it: the region matrix says which of them may. Where none is served, check "
        "the service's own certificate and name as well.",
        since="Since",
    ),
    "provider_degraded": Template(
        "PROVIDER SLOW",
        "Several monitors of one provider are degraded at the same time, so the provider is the likely cause.",
        "Check the provider's status page, and the timeouts of your clients.",
    ),
    "unproven": Template(
        "CHANNEL UNPROVEN",
        "A self-test did not get through this channel, so real alerts may not either.",
        "Check the channel's settings and send a test message.",
        since="Not accepted since",
    ),
    "self_test": Template(
        "SELF-TEST",
        "Nothing is wrong. Vigil tests regularly that alerts get through this channel.",
        "No action is needed.",
        since="Started at",
    ),
    "external": Template(
        "REPORTED",
        "Another system reports this. Vigil has not seen it itself.",
        "Look where it was reported.",
        since="Firing since",
    ),
    "channel": Template(
        "CHANNEL OFF",
        "This channel gets no more alerts, because it refused several in a row.",
        "Check the channel's settings, send a test message, and switch it on again.",
        since="First refused at",
    ),
}
