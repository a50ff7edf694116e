"""T-SEC: ways by which other monitoring systems were broken, held out by what the code does not contain at all."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("probes", "consensus", "vigil")
#: What only runs on a developer's machine, or starts the servers and processes of one machine.
NOT_SERVED = ("vigil/bench/", "vigil/simulation/", "vigil/local/", "vigil/demo/", "vigil/cli/")
#: Modules that make connections, and to whom. Whatever else connects goes through the dialer.
DIALS = {
    "probes/net/dialer.py": "the dialer: every address was judged",
    "probes/net/race.py": "the dialer's own connections",
    "probes/net/dns/asking.py": "a resolver that the dialer judged, or the host's own",
    "probes/probers/icmp.py": "echoes to addresses that the dialer judged",
    "probes/net/own_address.py": "a route that is chosen; no packet is sent",
    "probes/net/stream.py": "the dialer's connection",
    "vigil/alerts/channels/email.py": "the mail server of VIGIL_EMAIL_URL, the operator's choice",
    "vigil/heartbeats/vigil_ping.py": "a program that runs at jobs, and has one address",
    "vigil/alerts/channels/apprise.py": "hosts that the schemes of apprise fix",
    "probes/process/watch/notify.py": "the socket file of systemd",
    "probes/process/metrics/server.py": "a server: it listens where VIGIL_METRICS_ADDRESS says, and dials nobody",
    "vigil/doctor/base_address.py": "VIGIL_BASE_URL, the operator's own",
    "vigil/expiries.py": "the servers of the operator's settings",
    "vigil/status/letters/mail_sessions.py": "the same mail server: each session is opened by the channel",
    "vigil/status/letters/smtp_session.py": "one of these sessions",
}
#: Clients of httpx without the guard, and to whom they speak.
SPEAKS = {
    "probes/enrolment/exchange.py": "the control plane that the operator of the worker names",
    "vigil/client/senders.py": "the installation that the program which uses the client names",
    "vigil/importers/api.py": "hosted services whose addresses are written there",
}
#: How a connection begins, as an attribute that is called or a module that does it by itself.
_CONNECTING = {"create_connection", "open_connection", "create_datagram_endpoint", "sock_connect", "getaddrinfo"}
_CLIENTS = {
    "requests", "urllib.request", "urllib3", "http.client", "httpcore", "aiohttp", "websockets", "pycurl",
    "xmlrpc.client", "smtplib", "imaplib", "poplib", "ftplib", "telnetlib", "asyncssh", "paramiko", "socketserver",
}  # fmt: skip
#: What httpx makes a client of or asks by itself; without the module's name before it, it would not be found.
_ASKING = {"Client", "AsyncClient", "get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
_STARTING = {"system", "popen", "create_subprocess_exec", "create_subprocess_shell", "execv", "execvp", "posix_spawn"}


@functools.cache
def parsed(package: str) -> dict[str, ast.Module]:
    paths = sorted((CHECKOUT / package).rglob("*.py"))
    return {str(path.relative_to(CHECKOUT)): ast.parse(path.read_text()) for path in paths}


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    return (each for package in packages for each in parsed(package).items())


@functools.cache
def nodes(tree: ast.Module) -> Sequence[ast.AST]:
    """All of a module, which every test here asks for."""
    return tuple(ast.walk(tree))


@functools.cache
def imported(tree: ast.Module) -> Set[str]:
    """The modules that are imported, anywhere in the file."""
    found: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


@functools.cache
def called(tree: ast.Module) -> Set[str]:
    """The last names of all that is called: `loop.create_connection(...)` calls create_connection."""
    return {last_name(call.func) for call in calls(tree)}


def served() -> Iterator[tuple[str, ast.Module]]:
    """The modules that run where strangers, members and regions are heard."""
    return ((path, tree) for path, tree in modules(*PACKAGES) if not path.startswith(NOT_SERVED))


def opens_connections(tree: ast.Module) -> bool:
    by_itself = any(name == one or name.startswith(f"{one}.") for name in imported(tree) for one in _CLIENTS)
    return by_itself or bool(called(tree) & {*_CONNECTING, "socket"})


def test_t_sec_13_only_the_dialer_and_named_modules_open_connections() -> None:
    found = {path for path, tree in served() if opens_connections(tree)}
    assert found - set(DIALS) == set()


def test_t_sec_13_each_named_module_is_still_there() -> None:
    assert [path for path in DIALS if not (CHECKOUT / path).is_file()] == []


def test_t_sec_13_clients_of_httpx_have_the_guarded_transport() -> None:
    unguarded = {
        path for path, tree in served() for call in calls(tree) if is_httpx_client(call) and not is_guarded(call)
    }
    assert unguarded == set(SPEAKS)


def test_t_sec_13_clients_of_httpx_are_made_by_its_name() -> None:
    taken = {f"httpx.{name}" for name in _ASKING}
    assert [path for path, tree in served() if imported(tree) & taken] == []
    renamed = [name for _, tree in served() for name in renamed_modules(tree) if name.partition(".")[0] == "httpx"]
    assert renamed == []


@pytest.mark.parametrize(
    "text",
    ["httpx.get(url)", "httpx.AsyncClient()", "httpx.Client(trust_env=False)", "httpx.stream('GET', url)",
     "httpx.Client(transport=httpx.HTTPTransport(), trust_env=False)"],
)  # fmt: skip
def test_t_sec_13_a_client_without_the_guard_would_be_found(text: str) -> None:
    (first, *_) = calls(ast.parse(text))
    assert is_httpx_client(first) and not is_guarded(first)


@pytest.mark.parametrize("name", ["from urllib import request", "import http.client", "import websockets.sync.client"])
def test_t_sec_13_a_module_that_connects_by_itself_would_be_found(name: str) -> None:
    assert opens_connections(ast.parse(name))


def renamed_modules(tree: ast.Module) -> Iterator[str]:
    return (name.name for node in nodes(tree) if isinstance(node, ast.Import) for name in node.names if name.asname)


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in nodes(tree) if isinstance(node, ast.Call))


def is_httpx_client(call: ast.Call) -> bool:
    return last_name(call.func) in _ASKING and ast.unparse(call.func).startswith("httpx.")


def is_guarded(call: ast.Call) -> bool:
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    transport = options.get("transport", "")
    return (transport == "transport" or transport.startswith("GuardedTransport(")) and options.get(
        "trust_env"
    ) == "False"


def test_t_sec_05_no_prober_and_no_served_module_starts_a_program() -> None:
    # vigil_ping runs at jobs, where it starts the job's own command.
    found = {
        path
        for path, tree in served()
        if "subprocess" in imported(tree) or called(tree) & _STARTING or "pty" in imported(tree)
    }
    assert found == {"vigil/heartbeats/vigil_ping.py"}


def test_t_sec_14_no_served_module_runs_text_as_code() -> None:
    running = {"eval", "exec", "compile", "__import__"}
    found = {path for path, tree in served() for call in calls(tree) if is_name(call.func, running)}
    assert found == set()


def test_t_sec_14_workers_and_consensus_import_no_database_and_no_django() -> None:
    for path, tree in modules("probes", "consensus"):
        assert not {name.partition(".")[0] for name in imported(tree)} & {"django", "psycopg", "vigil"}, path


def test_t_sec_03_no_text_of_a_user_is_a_template() -> None:
    engines = {"jinja2", "mako", "string.Template", "django.template.Template", "django.template.Engine"}
    for path, tree in served():
        assert not imported(tree) & engines, path
        assert not called(tree) & {"from_string", "format_map", "render_to_string_from_source"}, path


def test_t_sec_07_nothing_is_installed_or_loaded_by_a_name_that_a_user_chose() -> None:
    loading = {"import_module", "import_string", "exec_module", "spec_from_file_location", "load_module"}
    for path, tree in served():
        found = [node for node in calls(tree) if last_name(node.func) in loading]
        for node in found:
            assert is_fixed(node), f"{path}:{node.lineno}"
        assert not {name.partition(".")[0] for name in imported(tree)} & {"pip", "zipimport", "ensurepip"}, path


def last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    # Unparsing takes a hundred times as long.
    return function.id if isinstance(function, ast.Name) else ast.unparse(function).rpartition(".")[2]


def is_name(function: ast.expr, names: Set[str]) -> bool:
    return isinstance(function, ast.Name) and function.id in names


def is_fixed(call: ast.Call) -> bool:
    """Whether what is loaded is written out, or begins with the name of one of our own packages."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.JoinedStr):
        first = first.values[0]
    return isinstance(first, ast.Constant) and isinstance(first.value, str)
