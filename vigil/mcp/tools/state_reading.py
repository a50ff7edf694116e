"""Reading of what is known of one monitor: its state, regions, key, chains, and the provider's own feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from probes.reasons import Reason, Status
from vigil.access.core.region_access import Access
from vigil.client import ApiError
from vigil.incidents.core.model import IncidentKind
from vigil.mcp.api import CallerApi, cursor_of
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.core.route_choice import best_offer
from vigil.mcp.core.schemas import ArgumentsRefused
from vigil.mcp.core.state_facts import (
    Alternative,
    ChainSight,
    FeedWord,
    KeyTrend,
    RegionSight,
    StateFacts,
)
from vigil.monitors.core.named_models import named_models
from vigil.monitors.core.providers import PROVIDERS, name_of, provider_of

#: Monitors of a provider that are looked at, and chains of one.
MONITORS_MOST, CHAINS_MOST = 100, 3
#: Monitors among which those of the same model are looked for.
PAGE, PAGES_MOST = 200, 5
#: The gateway whose offers are read, and the age from which they are not those of now, as in alerts.
GATEWAY, FRESH = "openrouter", timedelta(minutes=20)
_WORST = ("down", "degraded", "unknown", "up")
_OUTAGE, _FALLING = frozenset({IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT}), "falling"


def monitors_of_provider(api: CallerApi, provider: str) -> list[dict[str, Any]]:
    """Monitors of a provider, the one to explain first: watched before paused, with a key before without, the worst.

    Raises `ArgumentsRefused` where the provider is not known or not watched.
    """
    if provider not in PROVIDERS:
        raise ArgumentsRefused(f"There is no provider {provider[:40]!r}. There are {', '.join(PROVIDERS)}.")
    try:
        budgets = api.get(f"providers/{provider}")["budgets"]
    except ApiError as refused:
        if refused.status != 404:
            raise
        budgets = []
    # Those in trouble first, which may be among the last of many.
    incidents = api.get("incidents", provider=provider, open=True, limit=MONITORS_MOST)["results"]
    known = dict.fromkeys(id for budget in budgets for id in budget["monitors"])
    failing = dict.fromkeys(one["monitor"] for one in incidents if one["monitor"] in known)
    ids = list(failing | known)[:MONITORS_MOST]
    rows = (
        api.get("monitors", id=ids, limit=MONITORS_MOST, fields="id,name,status,secret_names")["results"] if ids else []
    )
    if not rows:
        raise ArgumentsRefused(f"No monitor of this team checks {PROVIDERS[provider].name}: nothing is known of it.")
    return sorted(rows, key=_urgency)


def read_state(api: CallerApi, monitor: str, region: str) -> tuple[StateFacts, str | None]:
    """What is known of a monitor, and its open incident. Raises `ApiError` 404 for one of another team."""
    row = api.get(f"monitors/{monitor}")
    state, latest = api.get(f"monitors/{monitor}/state"), api.get(f"monitors/{monitor}/latest")
    provider = provider_of(row["config"])
    access = _access(api, provider)
    sights = [
        RegionSight(
            one["region"], Status(one["status"]), Reason(one["reason"]), one["detail"],
            access.get(one["region"], Access.UNKNOWN),
        )
        for one in latest["results"]
        if one["status"] and one["reason"]
    ]  # fmt: skip
    incident = next(iter(_open_incidents(api, monitor)), None)
    same_model = _same_model(api, monitor, row["config"])
    itself = Alternative(monitor, row["name"], Status(state["status"]), provider)
    facts = StateFacts(
        id=monitor,
        name=one_line(row["name"]),
        status=Status(state["status"]),
        provider=provider,
        account=state["account"],
        paused=row["paused"],
        flapping=state["flapping"],
        blind=state["blind"],
        reason=Reason(incident["failure"]) if incident and incident["failure"] in set(Reason) else None,
        region=region,
        sights=sights,
        key=_key(api.get(f"monitors/{monitor}/headroom")),
        feed=_feed(api, provider),
        chains=_chains(api, monitor),
        same_model=same_model,
        best_offer=_best_offer(api, itself, same_model),
        sights_known=latest["available"],
    )
    return facts, incident["id"] if incident else None


def _open_incidents(api: CallerApi, monitor: str) -> list[dict[str, Any]]:
    found = api.get("incidents", monitor=monitor, open=True, limit=20)["results"]
    return [one for one in found if one["kind"] in _OUTAGE]


def _access(api: CallerApi, provider: str) -> dict[str, Access]:
    """What each region may do at the provider: of its hosts, the one that keeps the region out counts."""
    if not provider:
        return {}
    hosts = [one for one in api.get("region-access")["providers"] if one["provider"] == provider]
    order = list(Access)
    found: dict[str, Access] = {}
    for one in (row for host in hosts for row in host["regions"]):
        seen = Access(one["access"])
        found[one["region"]] = min(seen, found.get(one["region"], seen), key=order.index)
    return found


def _key(headroom: Mapping[str, Any]) -> KeyTrend | None:
    trends = headroom["trends"]
    if not trends:
        return None
    tightest = min(trends, key=lambda one: (one["reason"] != "used_up", one["reason"] != _FALLING, one["left"] or 0.0))
    used_up = any(one["reason"] == "used_up" for one in trends)
    return KeyTrend(tightest["words"], headroom["is_short"], used_up)


def _feed(api: CallerApi, provider: str) -> FeedWord | None:
    if not provider:
        return None
    try:
        row = api.get(f"feeds/{provider}")
    except ApiError as refused:
        if refused.status != 404:
            raise
        return None
    titles = [one["title"] for one in row["declared"] if one["ended_at"] is None]
    return FeedWord(provider, bool(row["enabled"] and row["ok_at"] and not row["problem"]), titles)


def _chains(api: CallerApi, monitor: str) -> list[ChainSight]:
    """Chains with this monitor in them. A chain that is asked for itself counts too."""
    rows = api.get("composites", rule=["chain", "readiness"], limit=200)["results"]
    inside = [row for row in rows if row["id"] == monitor or monitor in (one["monitor"] for one in row["members"])]
    return [_chain(row, api.get(f"composites/{row['id']}/readiness")) for row in inside[:CHAINS_MOST]]


def _chain(row: Mapping[str, Any], seen: Mapping[str, Any]) -> ChainSight:
    members = [
        Alternative(
            one["monitor"], one["name"], Status(one["status"]), short=one["is_short"], p50_ms=one["p50_ms"]
        )
        for one in seen["targets"]
    ]  # fmt: skip
    return ChainSight(row["id"], row["name"], seen["reason"], seen["serving"], seen["next"], members)


def _same_model(api: CallerApi, monitor: str, config: Any) -> list[Alternative]:
    """Monitors of the same model, by its name without a vendor's prefix, whoever serves it."""
    mine, found, cursor = _models(config), [], None
    for _ in range(PAGES_MOST if mine else 0):
        page = api.get("monitors", limit=PAGE, paused=False, fields="id,name,status,config", cursor=cursor)
        found += [row for row in page["results"] if row["id"] != monitor and mine & _models(row["config"])]
        cursor = cursor_of(page["next"])
        if cursor is None:
            break
    return [Alternative(row["id"], row["name"], _status(row["status"]), provider_of(row["config"])) for row in found]


def _best_offer(api: CallerApi, failing: Alternative, same_model: Sequence[Alternative]) -> str:
    """The best fresh offer of a gateway that the team watches: another one, or this monitor's while it serves."""
    gateways = [one for one in (failing, *same_model) if one.provider == GATEWAY and one.status is not Status.DOWN]
    for gateway in gateways[:1]:
        found = api.get(f"monitors/{gateway.id}/offers")
        read_at = datetime.fromisoformat(found["read_at"]) if found["read_at"] else None
        if read_at is not None and datetime.now(UTC) - read_at < FRESH:
            mine = failing.provider if failing.provider != GATEWAY else ""
            return best_offer(found["offers"], name_of(GATEWAY), [mine, name_of(mine)] if mine else [])
    return ""


def _models(config: Any) -> set[str]:
    return {name.rpartition("/")[2].strip().lower() for name in named_models(config)}


def _urgency(row: Mapping[str, Any]) -> tuple[bool, bool, int, str]:
    status = row["status"]
    rank = _WORST.index(status) if status in _WORST else len(_WORST)
    return status == "paused", not row["secret_names"], rank, row["name"]


def _status(text: str) -> Status:
    return Status(text) if text in set(Status) else Status.UNKNOWN
