"""Delivery benchmark rig: writes incidents, has them sent, counts received messages."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from vigil.alerts.core.decision import Event
from vigil.alerts.models import Channel, Delivery
from vigil.bench.deliver.rows import SECRET, make_channel, make_incidents, make_webhook, tell
from vigil.bench.measure import cpu_ns, percentile
from vigil.bench.report import say, until
from vigil.demo.alert_receivers import AlertReceiver, ReceivedRequest, ReceiverReply
from vigil.incidents.models import Incident

Sender = Callable[[], AbstractContextManager[int]]
CHANNELS = 50
AT_ONCE = 100
STORM_S, STORM_PARTS, STORM_HOSTS = 10.0, 20, 25
_until = partial(until, problem="not everything was delivered", within_s=240.0)


def measure(deliveries: int, storm: int, sender: Sender) -> dict[str, float]:
    """Run all parts in turn, with one receiver and one sender."""
    with _receiving() as (receiver, url), sender() as pid:
        _warm_up(receiver, url)
        report: dict[str, float] = {}
        parts: dict[str, Callable[[], dict[str, float]]] = {
            "throughput": lambda: _throughput(receiver, url, deliveries, pid),
            "from trigger to accepted": lambda: _latency(receiver, url),
            "beside a provider that hangs": lambda: _hanging(receiver, url),
            "a storm and its end": lambda: _storm(receiver, url, storm),
        }
        for name, part in parts.items():
            say(f"{name} ...")
            report |= part()
    return report


def _warm_up(receiver: AlertReceiver, url: str) -> None:
    channel = make_webhook(url, "warm")
    tell(make_incidents("warm", 5, hosts=5), [channel])
    _until(lambda: receiver.count >= 5)


def _throughput(receiver: AlertReceiver, url: str, deliveries: int, pid: int) -> dict[str, float]:
    channels = [make_webhook(url, f"fast-{number}") for number in range(CHANNELS)]
    incidents = make_incidents("fast", deliveries // CHANNELS, hosts=deliveries)
    before, cpu_before = receiver.count, cpu_ns(pid)
    expected = len(incidents) * len(channels)
    began_s = tell(incidents, channels)
    _until(lambda: receiver.count - before >= expected)
    took_s = time.time() - began_s
    cpu_us = (cpu_ns(pid) - cpu_before) / 1_000 / expected
    _until(lambda: not Delivery.objects.exclude(state="sent").exists())
    accepted = {took.headers["webhook-id"] for took in receiver.at("/hook")}
    return {
        "deliveries_per_s": round(expected / took_s, 1),
        "deliveries": expected,
        "deliveries_lost": expected + 5 - len(accepted),
        "cpu_us_per_delivery": round(cpu_us, 1),
    }


def _latency(receiver: AlertReceiver, url: str) -> dict[str, float]:
    channels, paths = _one_of_each(url, "at-once")
    incidents = make_incidents("at-once", AT_ONCE, hosts=AT_ONCE)
    began_s = tell(incidents, channels)
    names = [incident.title for incident in incidents]
    waits: list[float] = []
    for path in paths.values():
        _until(lambda path=path: _named(receiver.at(path), names) == AT_ONCE)  # type: ignore[misc]
        waits += _times(receiver.at(path), names, began_s)
    return {"trigger_to_accepted_p99_s": round(percentile(waits, 0.99) or 0.0, 3)}


def _one_of_each(url: str, name: str) -> tuple[list[Channel], dict[str, str]]:
    """A webhook, a Slack and a PagerDuty channel of this name, and the path of each at the receiver."""
    paths = {"webhook": f"/hook/{name}", "slack": f"/slack/api/{name}", "pagerduty": f"/pagerduty/{name}"}
    channels = [
        make_channel("webhook", {"url": url + paths["webhook"]}, {"secret": SECRET}, name),
        make_channel("slack", {"channel": "C1", "api": url + paths["slack"]}, {"token": "xoxb-fake"}, f"{name}, Slack"),
        make_channel("pagerduty", {"url": url + paths["pagerduty"]}, {"routing_key": "f" * 32}, f"{name}, PagerDuty"),
    ]
    return channels, paths


def _hanging(receiver: AlertReceiver, url: str) -> dict[str, float]:
    """A good channel alone, and beside 100 channels of a provider that never answers."""
    good = make_webhook(url, "good")
    alone = _slowest(receiver, "good", make_incidents("alone", 20, hosts=20), [good], good)
    hanging = [make_webhook(url, f"hanging-{number}") for number in range(100)]
    for number in range(100):
        receiver.script[f"/hook/hanging-{number}"].append(ReceiverReply(hang=True))
    beside = _slowest(receiver, "good", make_incidents("beside", 20, hosts=20), [*hanging, good], good)
    Channel.objects.filter(pk__in=[one.pk for one in hanging]).delete()
    return {"others_delayed_s": round(max(0.0, beside - alone), 3)}


def _slowest(
    receiver: AlertReceiver, path: str, incidents: Sequence[Incident], channels: Sequence[Channel], good: Channel
) -> float:
    before = len(receiver.at(f"/hook/{path}"))
    began_s = tell(incidents, channels)
    _until(lambda: len(receiver.at(f"/hook/{path}")) - before >= len(incidents))
    return max(took.at_s for took in receiver.at(f"/hook/{path}")) - began_s


def _storm(receiver: AlertReceiver, url: str, storm: int) -> dict[str, float]:
    channels, paths = _one_of_each(url, "storm")
    incidents = make_incidents("storm", storm, hosts=STORM_HOSTS)
    began_s = time.time()
    for part in range(STORM_PARTS):
        tell(incidents[part::STORM_PARTS], channels)
        time.sleep(max(0.0, began_s + STORM_S / STORM_PARTS * (part + 1) - time.time()))
    keys = [channel.pk for channel in channels]
    _until(lambda: not Delivery.objects.filter(channel__in=keys).exclude(state="sent").exists())
    names = [incident.title for incident in incidents]
    begun = {kind: len(receiver.at(path)) for kind, path in paths.items()}
    named = min(_named(receiver.at(path), names) for path in paths.values())
    told_s = time.time() - began_s
    tell(incidents, channels, Event.RESOLVE)
    _until(lambda: not Delivery.objects.filter(channel__in=keys).exclude(state="sent").exists())
    ended = {kind: len(receiver.at(path)) - begun[kind] for kind, path in paths.items()}
    return {
        "storm_messages": max(begun.values()),
        "storm_incidents_named": named,
        "storm_told_s": round(told_s, 1),
        "storm_ends_messages": max(ended.values()),
        **{f"storm_messages_{kind}": count for kind, count in begun.items()},
    }


# What came ---------------------------------------------------------------------------------------------------------


def _named(took: Sequence[ReceivedRequest], names: Sequence[str]) -> int:
    said = "\n".join(one.raw.decode() for one in took)
    return sum(name in said for name in names)


def _times(took: Sequence[ReceivedRequest], names: Sequence[str], began_s: float) -> list[float]:
    """Delay from the commit to the first message with each name."""
    said = [(one.at_s, one.raw.decode()) for one in took]
    return [min(at_s for at_s, text in said if name in text) - began_s for name in names]


@contextmanager
def _receiving() -> Iterator[tuple[AlertReceiver, str]]:
    receiver, loop = AlertReceiver(), asyncio.new_event_loop()
    port = loop.run_until_complete(receiver.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(receiver.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
