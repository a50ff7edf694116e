"""Start functions of the control plane's processes: each builds its loop and runs it until a signal."""

from __future__ import annotations

import argparse
import asyncio
import logging
from functools import partial

from probes.process.health import MAIN, Health
from probes.process.liveness import LivenessReporter
from probes.process.watch.standstill import LoopKind
from probes.process.watch.watchdog import EVENT_LOOP, ON_EVENT_LOOP
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.processes.listening import QUIET_LOGS, allow_files, cannot_listen, check_free, name_route
from vigil.cli.processes.process import begin, begin_alone, begin_reports, own_shard, redis_client, stop_on_signals

#: Loops that are watched, besides the main ones: of dispatch, and of the receivers of pings.
WATCH, KEEPER = "watch of the configuration", "keeper of regions"
RECEIVER_LOOPS = {EVENT_LOOP: LoopKind.THREAD, "ping log": LoopKind.TASK}


def dispatch(args: argparse.Namespace) -> None:
    health = begin("dispatch", 15, dict.fromkeys((MAIN, WATCH, KEEPER), LoopKind.THREAD))

    from probes.queue.sender import RegionQueues
    from vigil.configuration import configuration
    from vigil.control_keys import control_signer
    from vigil.dispatch.bus import Bus
    from vigil.dispatch.region_keeper import RegionKeeper
    from vigil.dispatch.service import Dispatcher
    from vigil.dispatch.watch import Watch

    keeper = RegionKeeper(partial(health.turned, KEEPER))
    keeper.start()
    signer = control_signer(lambda: bus.clock.now_ms())
    bus = Bus(redis_client(), RegionQueues(configuration().redis_url.get_secret_value(), signer), health.counts)
    Dispatcher(bus, Watch(partial(health.turned, WATCH)), health, keeper.keep_alive).run(stop_on_signals())
    keeper.stop()


def ingest(args: argparse.Namespace) -> None:
    shard = own_shard()
    health = begin(shard.named("ingest"), stale_after_s=15)

    from vigil.ingest import Ingest

    Ingest(redis_client(), health, shard).run(stop_on_signals())


def record(args: argparse.Namespace) -> None:
    shard = own_shard()
    health = begin(shard.named("record"), stale_after_s=60)

    from vigil.alerts.outbox import enqueue
    from vigil.history.recording.service import Recorder
    from vigil.telemetry.start import exporting

    recorder = Recorder(redis_client(), health, enqueue=enqueue, shard=shard)
    with exporting(health.counts) as heard:
        if heard is not None:
            recorder.tell(heard)
        recorder.run(stop_on_signals())


def deliver(args: argparse.Namespace) -> None:
    health = begin("deliver", 30, ON_EVENT_LOOP)

    import uvloop

    from vigil.alerts.crashpoints import arm_from_environment
    from vigil.alerts.delivery.service import deliver
    from vigil.control_keys import control_macs
    from vigil.status.letters.service import keep_telling

    arm_from_environment()
    LivenessReporter(redis_client(), "deliver", control_macs(), lambda: _reaches_its_outbox(health)).start()
    uvloop.run(deliver(health, beside=[keep_telling]))


def _reaches_its_outbox(health: Health) -> bool:
    healthy, report = health.report()
    facts = report["facts"]
    return healthy and not (isinstance(facts, dict) and facts.get("database") is False)


def witness(args: argparse.Namespace) -> None:
    health = begin("witness", 60, ON_EVENT_LOOP)

    from vigil.witness import witness

    asyncio.run(witness(health))


def heartbeats(args: argparse.Namespace) -> None:
    health = begin("heartbeats", stale_after_s=15)

    from vigil.alerts.outbox import enqueue
    from vigil.configuration import configuration
    from vigil.heartbeats.service import HeartbeatService

    HeartbeatService(redis_client(configuration().ping_log_url), health, enqueue).run(stop_on_signals())


def ping(args: argparse.Namespace) -> None:
    health = begin_alone("ping", 15, RECEIVER_LOOPS)

    import uvloop

    from vigil.configuration import configuration
    from vigil.heartbeats.receiving.http_server import MAX_CONNECTIONS
    from vigil.heartbeats.receiving.service import serve

    allow_files(MAX_CONNECTIONS)
    try:
        uvloop.run(serve(configuration(), args.host, args.port, health))
    except OSError as problem:
        raise cannot_listen(args.host, args.port, problem, ": choose another --port") from None


def mail(args: argparse.Namespace) -> None:
    health = begin_alone("mail", 15, RECEIVER_LOOPS)

    from vigil.configuration import configuration
    from vigil.heartbeats.receiving.mail import serve_mail
    from vigil.status.subscribers.bounces import Bounces

    settings = configuration()
    if not settings.mail_port:
        raise CommandError("pings by mail are off: set VIGIL_MAIL_PORT, and VIGIL_MAIL_DOMAIN for your addresses")
    try:
        asyncio.run(serve_mail(settings, health, Bounces()))
    except OSError as problem:
        raise cannot_listen(settings.mail_host, settings.mail_port, problem) from None


def web(args: argparse.Namespace) -> None:
    connect()
    check_free(args.host, args.port)
    begin_reports("web")
    for name, least in QUIET_LOGS.items():
        logging.getLogger(name).setLevel(least)
    logging.getLogger("django.request").addFilter(name_route)

    from vigil.asgi import application, pings
    from vigil.web.serving.http_server import MAX_CONNECTIONS, serve

    allow_files(MAX_CONNECTIONS)
    serve(application, args.host, args.port)
    if pings.has_failed:
        raise SystemExit(1)
