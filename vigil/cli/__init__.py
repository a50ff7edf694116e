"""The commands of `manage.py` and `vigil`: one file each, imported only when asked for."""

from __future__ import annotations

import argparse
import getpass
import importlib
import importlib.util
import os
import select
import signal
import sys
from contextlib import nullcontext

from vigil.accounts.authors import Author, acting
from vigil.cli.errors import CommandError
from vigil.cli.program import PROGRAM, as_called
from vigil.local.errors import CannotStart

#: name -> (module, what it does in one line). The names of processes, such as `dispatch`, stand for `run dispatch`.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("vigil.cli.installation.up", "run the whole system on this machine"),
    "demo": (
        "vigil.cli.installation.demo",
        "run the system against a fake AI provider, and prove one alert and one resolve",
    ),
    "run": (
        "vigil.cli.processes.run",
        "run one process: web, dispatch, ingest, record, deliver, witness, ping, heartbeats, mail or mcp "
        "(consensus is `python -m consensus`)",
    ),
    "init": ("vigil.cli.code.init", "write a first vigil.yaml: monitors, channels and routes as code"),
    "validate": ("vigil.cli.code.validate", "check a vigil.yaml without a server"),
    "plan": ("vigil.cli.code.plan", "show what a vigil.yaml would change, and what of it changes for paging"),
    "apply": ("vigil.cli.code.apply", "apply a vigil.yaml, or a plan of it, all or nothing"),
    "trial": ("vigil.cli.code.trial", "try every monitor of a vigil.yaml once, from its regions"),
    "export": ("vigil.cli.code.export", "write the configuration as a vigil.yaml"),
    "adopt": ("vigil.cli.code.adopt", "take over objects made by hand into a vigil.yaml"),
    "check": ("vigil.cli.monitors.check", "check an address once from this machine, and explain the result"),
    "monitor": ("vigil.cli.monitors.monitor", "create a monitor, or list, pause, resume or delete monitors"),
    "region": ("vigil.cli.monitors.region", "add a region, or list the regions"),
    "probe": ("vigil.cli.processes.probe", "enrol and run the worker of a region"),
    "heartbeat": (
        "vigil.cli.monitors.heartbeat",
        "create a heartbeat for a job, or list the heartbeats with their status",
    ),
    "import": (
        "vigil.cli.monitors.importing",
        "turn the configuration of another monitoring tool into a vigil.yaml and a report",
    ),
    "replay": ("vigil.cli.monitors.replay", "decide a stored incident again, or backtest a policy on stored checks"),
    "feeds": ("vigil.cli.monitors.feeds", "list the status feeds of providers, or switch them on and off"),
    "channel": ("vigil.cli.alerts.channel", "list channels and the settings of each kind, or send a test message"),
    "routes": ("vigil.cli.alerts.routes", "show which channels the routes choose, or create the starter routes"),
    "whom": ("vigil.cli.alerts.whom", "show who would be alerted, and why; sends nothing"),
    "monitors": ("vigil.cli.remote.monitors", "list monitors with their status, here or on another installation"),
    "incidents": ("vigil.cli.remote.incidents", "list incidents, or follow them as they open and resolve"),
    "ack": ("vigil.cli.remote.ack", "acknowledge or snooze an incident"),
    "silence": ("vigil.cli.remote.silence", "mute alerts, or plan a maintenance"),
    "login": ("vigil.cli.installation.login", "print a new one-time login link"),
    "token": ("vigil.cli.installation.token", "create, list, rotate or revoke API tokens"),
    "doctor": (
        "vigil.cli.installation.doctor",
        "report what is wrong with this installation, and when its disk is full",
    ),
    "deadletters": (
        "vigil.cli.installation.deadletters",
        "list what could not be processed, replay it after a fix, or discard it",
    ),
    "backup": ("vigil.cli.installation.backup", "write the database and the keys of this installation to one file"),
    "restore": ("vigil.cli.installation.restore", "put a backup in place, or try it with --verify"),
    "status": ("vigil.cli.installation.status", "write public status pages as static files"),
    "reseal": ("vigil.cli.installation.reseal", "encrypt every stored secret again with the first key"),
    "test": ("vigil.cli.development.test", "run the tests, with a PostgreSQL and a Redis of their own"),
    "simulate": (
        "vigil.cli.development.simulate",
        "test the decision law under simulated faults, and compare it with other rules",
    ),
    "bench": ("vigil.cli.development.bench", "run the benchmarks behind the published figures"),
    "screenshots": ("vigil.cli.development.screenshots", "make the pictures of the guide again"),
}

#: PostgreSQL's codes for a column and a table that are not there.
_ANOTHER_SHAPE = frozenset({"42703", "42P01"})
#: Exit codes for what a person has to mend, where 2 says something else.
_FAILED = {"plan": 1}

#: Packages that the MCP server alone needs.
_OF_MCP = frozenset({"mcp", "mcp_types", "starlette"})

#: Commands that change what people have set; what a process writes is Vigil's own doing.
_CHANGES = frozenset({"monitor", "heartbeat", "import", "apply"})


def main(argv: list[str] | None = None) -> int:
    """Run the command of `argv`, else of the command line; returns its exit code, 2 for what a person has to mend."""
    try:
        try:
            return _run_named(sys.argv[1:] if argv is None else argv)
        finally:
            # Here, because the interpreter would print a failure of its own flush at exit. There may be no stdout.
            print(end="", flush=True)
    except BrokenPipeError:
        if not _reader_has_left():
            raise
        return 128 + signal.SIGPIPE


def _reader_has_left() -> bool:
    """Whether nothing reads the output any more, as after `| head`; what is left of it is then dropped."""
    output = select.poll()
    # Without a mask only errors are reported, such as a pipe without a reader.
    output.register(sys.stdout, 0)
    if not output.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _run_named(argv: list[str]) -> int:
    name, arguments = (argv[0], argv[1:]) if argv else ("help", [])
    if name in ("help", "-h", "--help"):
        print(_overview())
        return 0
    try:
        if name == "test" and not _is_here(COMMANDS[name][0]):
            # An installed Vigil has no tests of its own: there it tries the monitors.
            name = "trial"
        if name in COMMANDS:
            return _run(name, arguments)
        if name in importlib.import_module(COMMANDS["run"][0]).PROCESSES:
            return _run("run", argv)
        return _run_django(argv)
    except (CommandError, CannotStart) as problem:
        return _complain(as_called(str(problem)), name)
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        line = _line_of_known(problem)
        if line is None:
            raise
        return _complain(as_called(line), name)


def _is_here(module: str) -> bool:
    """Whether the module's folder is here; a wheel leaves out what only developers run."""
    return importlib.util.find_spec(module.rpartition(".")[0]) is not None


def _run(name: str, arguments: list[str]) -> int:
    module_name, summary = COMMANDS[name]
    if not _is_here(module_name):
        return _complain(f"`{name}` is only in the source checkout: run `python3 manage.py {name}` there", name)
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}",
        description=as_called(module.__doc__ or summary),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add(parser)
    args = _parsed(parser, arguments, getattr(module, "PASSES_ON", False), _FAILED.get(name, 2))
    with acting(_author) if name in _CHANGES else nullcontext():
        return int(module.run(args))


def _parsed(parser: argparse.ArgumentParser, arguments: list[str], passes_on: bool, failed: int) -> argparse.Namespace:
    """The arguments; exits with `failed` where they are wrong."""
    try:
        args, unknown = parser.parse_known_args(arguments)
        if passes_on:
            args.passed_on = unknown
        elif unknown:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as left:
        raise SystemExit(failed if left.code == 2 else left.code) from None
    return args


def _author() -> Author:
    try:
        return Author(getpass.getuser(), "command line")
    except (OSError, KeyError):
        # A container may run as a number without a name.
        return Author(str(os.getuid()), "command line")


def _run_django(argv: list[str]) -> int:
    """Anything else is a management command of Django, such as migrate or shell."""
    from django.core.management import execute_from_command_line, get_commands

    from vigil.cli.connection import connect

    connect()
    if argv[0] not in get_commands():
        raise CommandError(f"there is no command `{argv[0]}`: see `manage.py help`")
    execute_from_command_line([PROGRAM, *argv])
    if argv[0] == "migrate":
        from vigil.cli.installation.migrated import commit_shards

        commit_shards(argv[1:])
    return 0


def _line_of_known(problem: Exception) -> str | None:
    """One line for a missing extra, a wrong setting or an unreachable server; None for what needs a traceback."""
    if isinstance(problem, ModuleNotFoundError):
        return _line_of_missing((problem.name or "").partition(".")[0])
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError, ProgrammingError
    from redis.exceptions import ConnectionError as RedisConnectionError

    if isinstance(problem, ImproperlyConfigured):
        return str(problem)
    if isinstance(problem, OperationalError):
        return f"cannot reach PostgreSQL: {_first_line(problem)}; is VIGIL_DATABASE_URL right, and the server up?"
    if isinstance(problem, ProgrammingError) and getattr(problem.__cause__, "sqlstate", "") in _ANOTHER_SHAPE:
        return f"the database is of another version of Vigil: {_first_line(problem)}; start `up` again, or migrate"
    if isinstance(problem, RedisConnectionError):
        return f"cannot reach Redis: {_first_line(problem)}; is VIGIL_REDIS_URL right, and the server up?"
    return None


def _line_of_missing(package: str) -> str | None:
    if importlib.util.find_spec(package or "vigil") is not None:
        return None
    extras = "`control` (`probe` is enough for `check`; `up` and `demo` want `embedded`)"
    extras = "`mcp`" if package in _OF_MCP else extras
    return f"{package} is not installed: install vigilmon with its extra {extras}"


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


def _complain(problem: str, name: str) -> int:
    print(f"vigil: {problem}", file=sys.stderr)
    return _FAILED.get(name, 2)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    here = {name: summary for name, (module, summary) in COMMANDS.items() if _is_here(module)}
    listed = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in here.items())
    return (
        f"usage: {as_called('python3 manage.py')} COMMAND [options]\n\n{listed}\n\n"
        "Every command explains itself with --help. Any other name is a management command of Django\n"
        "(migrate, shell, createsuperuser, ...), run against the same installation."
    )
