"""Sites: what a target belongs to and may fail with, such as its provider; and targets to compare with it. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address

from msgspec.structs import replace

from consensus.verdicts import Call
from consensus.vocabulary import Cause
from vigil.dispatch.core.plans import Plan
from vigil.monitors.core.providers import provider_of_host

#: Targets of other sites that are asked for in one comparison, and plans that are tried to find them.
COMPARED = 12
TRIED = 400
#: More sites than this change nothing.
SITES_MOST = 100
#: A label before the last one that is no name of an owner: co.uk, com.au.
_SHORT = 3
_NAME_LIMIT = 100


@lru_cache(maxsize=50_000)
def site_of(host: str) -> str:
    """The site of a target, given its host and port: monitors of one site may fail together.

    The provider where it is known; the domain under which a name is registered, as far as the name tells; the network
    of a public address. An address that is not public says nothing of what is behind it, so each port is a site.
    """
    name, port = _split(host)
    provider = provider_of_host(name)
    if provider:
        return f"provider:{provider}"
    try:
        address = ip_address(name)
    except ValueError:
        return _domain_of(name, port)[:_NAME_LIMIT]
    if not address.is_global:
        return f"host:{name}:{port}"[:_NAME_LIMIT]
    group = ":" if address.version == 6 else "."
    return f"net:{group.join(str(address).split(group)[:2])}"


def comparable(plans: Mapping[str, Plan], about: Plan, seed: int) -> list[str]:
    """Monitors of other sites, each of another one, that all regions of this plan check too."""
    wanted = {region.slug for region in about.regions}
    names = list(plans)
    chosen: list[str] = []
    taken = {about.site}
    for name in random.Random(seed).sample(names, min(TRIED, len(names))):
        plan = plans[name]
        if plan.site not in taken and wanted <= {region.slug for region in plan.regions}:
            taken.add(plan.site)
            chosen.append(name)
            if len(chosen) >= COMPARED:
                break
    return chosen


class WatchedSites:
    """Counts the plans of each site, as plans come and go."""

    def __init__(self) -> None:
        self._plans: Counter[str] = Counter()

    def change(self, before: Plan | None, after: Plan | None) -> None:
        if before is not None:
            self._plans[before.site] -= 1
            if self._plans[before.site] <= 0:
                del self._plans[before.site]
        if after is not None:
            self._plans[after.site] += 1

    def besides(self, site: str) -> int:
        """How many sites there are besides this one, up to what matters."""
        return min(SITES_MOST, len(self._plans) - (site in self._plans))


def spread(calls: Iterable[Call], plans: Mapping[str, Plan]) -> Iterator[Call]:
    """The calls, with those for a comparison replaced by a call for each of the targets that are compared."""
    for call in calls:
        if call.cause is not Cause.COMPARISON:
            yield call
        elif (about := plans.get(call.monitor)) is not None:
            yield from (replace(call, monitor=name, region="") for name in comparable(plans, about, call.at_ms))


def _split(host: str) -> tuple[str, str]:
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        return name, port.lstrip(":")
    name, _, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "")
    return name.lower().rstrip("."), port


def _domain_of(name: str, port: str) -> str:
    labels = name.split(".")
    if len(labels) == 1:
        return f"host:{name}:{port}"
    kept = 3 if len(labels) > 2 and len(labels[-2]) <= _SHORT and len(labels[-1]) == 2 else 2
    return "domain:" + ".".join(labels[-kept:])
