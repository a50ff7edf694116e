"""The commands of `manage.py`: one file each, imported only when asked for."""

from __future__ import annotations

import argparse
import importlib
import sys

from vigil.cli.errors import CommandError
from vigil.local.errors import CannotStart

#: name -> (module, what it does in one line)
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("vigil.cli.installation.up", "run the whole system on this machine"),
    "demo": ("vigil.cli.installation.demo", "`up` with a proof: five regions, a fake AI provider, a webhook receiver"),
    "check": ("vigil.cli.monitors.check", "one check of an address from here, phases and classification shown"),
    "region": ("vigil.cli.monitors.region", "enrol a region, or list them"),
    "channel": ("vigil.cli.alerts.channel", "where alerts go: list, what each kind needs, send a test"),
    "routes": ("vigil.cli.alerts.routes", "whom the routes tell; the usual set-up in one step"),
    "whom": ("vigil.cli.alerts.whom", "who would be told of an incident, and why; nothing is sent"),
    "silence": ("vigil.cli.alerts.silence", "keep alerts back for a while, or checks from running"),
    "import": (
        "vigil.cli.monitors.importing",
        "watch what a LiteLLM configuration names, its fallback chains included",
    ),
    "replay": (
        "vigil.cli.monitors.replay",
        "take a decision again from its votes, or as it would have been otherwise",
    ),
    "feeds": ("vigil.cli.monitors.feeds", "the status feeds of providers: list them, switch them on and off"),
    "login": ("vigil.cli.installation.login", "print a new one-time login link"),
    "doctor": ("vigil.cli.installation.doctor", "what is wrong with this installation, and when its disk is full"),
    "reseal": ("vigil.cli.installation.reseal", "seal every stored secret anew under the first key"),
    "test": ("vigil.cli.installation.test", "the tests, against PostgreSQL and Redis that they start themselves"),
    "simulate": (
        "vigil.cli.installation.simulate",
        "the decision law under simulated faults, beside the rules of others",
    ),
    "bench": ("vigil.cli.installation.bench", "the benchmarks behind the numbers we promise"),
    "web": ("vigil.cli.processes.web", "one process: pages and API"),
    "heartbeat": ("vigil.cli.monitors.heartbeat", "make a heartbeat for a job, or list them with how they are"),
    "ping": ("vigil.cli.processes.ping", "one process: receives the pings of jobs"),
    "mail": ("vigil.cli.processes.mail", "one process: receives pings by mail (off unless VIGIL_MAIL_PORT is set)"),
    "heartbeats": ("vigil.cli.processes.heartbeats", "one process: pings into states, and jobs that stay silent"),
    "dispatch": ("vigil.cli.processes.dispatch", "one process: who is due now, in which region"),
    "ingest": ("vigil.cli.processes.ingest", "one process: verdicts into incidents and deliveries"),
    "record": ("vigil.cli.processes.record", "one process: results into packed history"),
    "deliver": ("vigil.cli.processes.deliver", "one process: deliveries to the channels"),
    "witness": (
        "vigil.cli.processes.witness",
        "one process: what providers say of themselves, and the outside heartbeat",
    ),
}


def main(argv: list[str]) -> int:
    """Run one command; returns its exit code, 2 for anything a person has to mend first."""
    name, arguments = (argv[0], argv[1:]) if argv else ("help", [])
    if name in ("help", "-h", "--help"):
        print(_overview())
        return 0
    try:
        return _run(name, arguments) if name in COMMANDS else _run_django(argv)
    except (CommandError, CannotStart) as problem:
        return _complain(str(problem))
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        line = _line_of_known(problem)
        if line is None:
            raise
        return _complain(line)


def _run(name: str, arguments: list[str]) -> int:
    module_name, summary = COMMANDS[name]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name != module_name:
            raise
        raise CommandError(f"`{name}` is not part of this version") from None
    parser = argparse.ArgumentParser(
        prog=f"manage.py {name}",
        description=module.__doc__ or summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add(parser)
    args, unknown = parser.parse_known_args(arguments)
    if getattr(module, "PASSES_ON", False):
        args.passed_on = unknown
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return int(module.run(args))


def _run_django(argv: list[str]) -> int:
    """Anything else is a management command of Django, such as migrate or shell."""
    from django.core.management import execute_from_command_line, get_commands

    from vigil.cli.connection import connect

    connect()
    if argv[0] not in get_commands():
        raise CommandError(f"there is no command `{argv[0]}`: see `manage.py help`")
    execute_from_command_line(["manage.py", *argv])
    return 0


def _line_of_known(problem: Exception) -> str | None:
    """One line for a wrong setting or an unreachable server; None for what only a traceback explains."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError
    from redis.exceptions import ConnectionError as RedisConnectionError

    if isinstance(problem, ImproperlyConfigured):
        return str(problem)
    if isinstance(problem, OperationalError):
        return f"cannot reach PostgreSQL: {_first_line(problem)}; is VIGIL_DATABASE_URL right, and the server up?"
    if isinstance(problem, RedisConnectionError):
        return f"cannot reach Redis: {_first_line(problem)}; is VIGIL_REDIS_URL right, and the server up?"
    return None


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


def _complain(problem: str) -> int:
    print(f"vigil: {problem}", file=sys.stderr)
    return 2


def _overview() -> str:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        f"usage: python3 manage.py COMMAND [options]\n\n{listed}\n\n"
        "Every command explains itself with --help. Any other name is a management command of Django\n"
        "(migrate, shell, createsuperuser, ...), run against the installation of this folder."
    )
