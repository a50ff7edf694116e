"""Terraform document: every resource of a monitoring service as a monitor, heartbeat or channel. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vigil.importers.core import channels
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedChannel, ImportedHeartbeat, ImportedMonitor
from vigil.importers.core.report import SourceError
from vigil.importers.core.services import betterstack, checkly, grafana, healthchecks, pingdom, statuscake, uptimerobot
from vigil.importers.core.terraform.resources import Resource, resources_of, with_references
from vigil.importers.core.values import mapping, text

Made = ImportedMonitor | ImportedHeartbeat | str
_Maker = Callable[[Draft, dict[str, Any], str], Made]


def _checkly(kind: str) -> _Maker:
    return lambda draft, given, origin: checkly.check_of(draft, given, kind, origin)


def _heartbeat(maker: Callable[[dict[str, Any], str], ImportedHeartbeat]) -> _Maker:
    return lambda draft, given, origin: maker(given, origin)


_MAKERS: dict[str, _Maker] = {
    "uptimerobot_monitor": uptimerobot.watched_of,
    "betteruptime_monitor": betterstack.monitor_of,
    "betteruptime_heartbeat": _heartbeat(betterstack.heartbeat_of),
    "healthchecksio_check": _heartbeat(healthchecks.heartbeat_of),
    "statuscake_uptime_check": statuscake.uptime_check_of,
    "statuscake_test": statuscake.old_test_of,
    "statuscake_heartbeat_check": _heartbeat(statuscake.heartbeat_check_of),
    "statuscake_ssl_check": lambda draft, given, origin: statuscake.ssl_check_of(given, origin),
    "pingdom_check": pingdom.check_of,
    "grafana_synthetic_monitoring_check": grafana.check_of,
    **{
        f"checkly_{kind}": _checkly(kind)
        for kind in ("check", "url_monitor", "tcp_check", "tcp_monitor", "heartbeat_check", "heartbeat_monitor",
                     "heartbeat", "icmp_monitor", "ssl_monitor", "grpc_monitor", "dns_monitor",
                     "browser_check", "multi_step_check",
                     "playwright_check_suite")
    },
}  # fmt: skip
_PREFIXES = ("uptimerobot_", "betteruptime_", "healthchecksio_", "checkly_", "statuscake_", "pingdom_",
             "grafana_synthetic_monitoring_")  # fmt: skip
#: Attributes that hold the name of a monitor.
_NAMES = ("name", "friendly_name", "pronounceable_name", "website_name", "job")
#: What only links others, and is followed where it matters.
_LINKS = frozenset({"betteruptime_monitor_group", "betteruptime_heartbeat_group", "grafana_synthetic_monitoring_probe",
                    "grafana_synthetic_monitoring_installation", "checkly_check_group"})  # fmt: skip


def plan(document: Any, draft: Draft) -> None:
    """Add every resource of a monitoring service; raises `SourceError`."""
    resources = resources_of(document)
    known = [each for each in resources if each.type.startswith(_PREFIXES)]
    if not known:
        raise SourceError(
            f"none of its {len(resources)} resources is of UptimeRobot, Better Uptime, Healthchecks.io, Checkly, "
            "StatusCake, Pingdom or Grafana Synthetic Monitoring"
        )
    for resource in sorted(known, key=lambda each: each.type not in _CHANNELS):
        _add(draft, resource)
    others = len(resources) - len(known)
    if others:
        draft.note(f"{others} resources of other providers are left out")


def _add(draft: Draft, resource: Resource) -> None:
    given = with_references(resource, draft.variables)
    origin = f"Terraform {resource.address}"
    if resource.type in _CHANNELS:
        channel = _CHANNELS[resource.type](given, resource.address, origin)
        if isinstance(channel, str):
            draft.refuse("channel", resource.address, channel)
        else:
            channel.id = text(given.get("id"))
            draft.add_channel(channel)
        return
    maker = _MAKERS.get(resource.type)
    if maker is None:
        if resource.type not in _LINKS:
            draft.refuse("resource", resource.address, "nothing in a vigil.yaml stands for it")
        return
    made = maker(draft, given, origin)
    if isinstance(made, str):
        named = next((text(given[field]) for field in _NAMES if given.get(field)), resource.address)
        draft.refuse("monitor", named, made)
        return
    made.name = made.name or resource.address
    if isinstance(made, ImportedHeartbeat):
        draft.add_heartbeat(made)
    else:
        draft.add_monitor(made)


def _checkly_channel(given: dict[str, Any], address: str, origin: str) -> ImportedChannel | str:
    email, slack, webhook = (mapping(given.get(kind)) for kind in ("email", "slack", "webhook"))
    pagerduty, opsgenie = mapping(given.get("pagerduty")), mapping(given.get("opsgenie"))
    if email:
        return channels.email(text(email.get("address")) or address, email.get("address"), origin)
    if slack:
        return channels.with_url("slack", text(slack.get("channel")) or address, slack.get("url"), origin)
    if webhook:
        return channels.webhook(text(webhook.get("name")) or address, webhook.get("url"), origin)
    if pagerduty:
        return channels.pagerduty(text(pagerduty.get("service_name")) or address, pagerduty.get("service_key"), origin)
    if opsgenie:
        name, is_eu = text(opsgenie.get("name")) or address, text(opsgenie.get("region")).upper() == "EU"
        return channels.opsgenie(name, opsgenie.get("api_key"), is_eu, origin)
    return "its SMS and calls go out by Checkly: make an `sms` channel"


def _uptimerobot_contact(given: dict[str, Any], address: str, origin: str) -> ImportedChannel | str:
    name = text(given.get("friendly_name") or given.get("name")) or address
    kind, value = text(given.get("type")).lower(), given.get("value")
    if kind in ("email", "e-mail", "2"):
        return channels.email(name, value, origin)
    if kind in ("slack", "11"):
        return channels.with_url("slack", name, value, origin)
    if kind in ("webhook", "web-hook", "5"):
        return channels.webhook(name, value, origin)
    return f"{channels.NO_KIND} ({kind[:40]})"


_CHANNELS: dict[str, Callable[[dict[str, Any], str, str], ImportedChannel | str]] = {
    "checkly_alert_channel": _checkly_channel,
    "uptimerobot_alert_contact": _uptimerobot_contact,
}
