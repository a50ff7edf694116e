"""What the command `check` is asked to look at: an address of any kind, or a preset."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from probes.presets import PresetError, build
from probes.probers import PROBERS
from vigil.cli.errors import CommandError

#: Scheme of a target host:port -> the kind, its default port (0: none), and more configuration.
_SCHEMES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "tcp": ("tcp", 0, {}),
    "tls": ("tls", 443, {}),
    "redis": ("redis", 6379, {}),
    "rediss": ("redis", 6379, {"tls": True}),
    "postgresql": ("postgresql", 5432, {}),
    "postgres": ("postgresql", 5432, {}),
    "grpc": ("grpc", 0, {"tls": False}),
    "grpcs": ("grpc", 443, {"tls": True}),
}
_WRITTEN = (
    "write it with its scheme: http, https, ws, wss, tcp, tls, dns, domain, icmp, grpc, grpcs, postgresql, redis or "
    "rediss"
)
_DNS_FIELDS = ("record", "resolver", "expected", "match")
#: Options of a preset -> its parameters.
GIVEN = {"address": "address", "model": "model", "region": "region", "resource": "name"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one check is of: `secrets` apart from the configuration, as in a monitor."""

    target: str
    kind: str
    config: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 10.0
    interval_s: int = 60
    warnings: tuple[str, ...] = ()
    #: Name that the preset suggests.
    preset_name: str = ""

    @property
    def name(self) -> str:
        """Name of a monitor of it: the preset's, else the address without its query, which may hold a key."""
        return self.preset_name or self.target.partition("?")[0].partition("#")[0]


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is checked, beside the URL."""
    parser.add_argument("--preset", metavar="NAME", help="check a known AI service or server instead of a URL")
    parser.add_argument("--key-env", metavar="VARIABLE", help="the environment variable that holds the preset's key")
    for name, about in (
        ("address", "the address of your own server, like http://localhost:11434"),
        ("model", "a model that the service must have"),
        ("region", "the provider's region, if the preset needs one"),
        ("resource", "the index or collection, if the preset needs one"),
    ):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=about)
    parser.add_argument("--kind", choices=sorted(PROBERS), help="use this prober, whatever the URL's scheme")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="text, or JSON; repeatable")
    parser.add_argument(
        "--secret-env", action="append", default=[], metavar="NAME=VARIABLE", help="bearer=API_KEY, ..."
    )
    parser.add_argument("--billing-acknowledged", action="store_true", help="accept that the check may cost money")


def asked_for(args: argparse.Namespace) -> Asked:
    """The check that the command line asks for: of a URL, or of a preset. Raises CommandError."""
    given = {name: getattr(args, option) for option, name in GIVEN.items() if getattr(args, option)}
    if args.preset is not None:
        return _of_preset(args, given)
    if not args.url:
        raise CommandError("name a URL, or a preset with --preset; --list-presets lists them")
    stray = next((option for option in ("key_env", *GIVEN) if getattr(args, option)), "")
    if stray:
        raise CommandError(f"--{stray.replace('_', '-')} goes with --preset")
    kind, config = (args.kind, {"url": args.url}) if args.kind else target_of(args.url)
    if args.billing_acknowledged:
        config["billing_acknowledged"] = True
    interval_s = max(60, 24 * PROBERS[kind].least_interval_s)
    return Asked(args.url, kind, config | _fields(kind, args.set), _secrets(args), interval_s=interval_s)


def _of_preset(args: argparse.Namespace, given: dict[str, Any]) -> Asked:
    if args.url:
        raise CommandError("name a URL or a preset, not both; --address says where your own server is")
    if args.kind:
        raise CommandError("a preset has its own kind: leave --kind out")
    if args.key_env:
        given["key"] = _variable(args.key_env)
    try:
        made = build(args.preset, {**given, "billing_acknowledged": args.billing_acknowledged})
    except PresetError as problem:
        option = {"key": "key-env", "name": "resource"}.get(problem.field, problem.field.replace("_", "-"))
        raise CommandError(f"--{option}: {problem.problem}") from None
    target = str(made.config.get("url") or f"{made.kind}://{made.config.get('host')}:{made.config.get('port')}")
    config, secrets = made.config | _fields(made.kind, args.set), {**made.secrets, **_secrets(args)}
    return Asked(target, made.kind, config, secrets, made.timeout_ms / 1000, made.interval_s, made.warnings, made.name)


def with_headers(config: Mapping[str, Any], written: Sequence[str]) -> dict[str, Any]:
    """A configuration with the headers of the command line, each `Name: value`; raises CommandError."""
    if not written:
        return dict(config)
    return {**config, "headers": [*config.get("headers", []), *(list(_header(text)) for text in written)]}


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CommandError("a header is written 'Name: value'")
    return name.strip(), value.strip()


def target_of(url: str) -> tuple[str, dict[str, Any]]:
    """The kind of monitor that a URL stands for, and its configuration; raises CommandError."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if separator and scheme in ("ws", "wss"):
        return "websocket", {"url": url}
    if separator and scheme == "dns":
        return "dns", _dns(rest)
    if separator and scheme == "domain":
        return "domain", {"domain": rest.rstrip("/")}
    if separator and scheme in ("icmp", "ping"):
        return "icmp", {"host": rest.rstrip("/").removeprefix("[").removesuffix("]")}
    if separator and scheme in ("http", "https"):
        return "http", {"url": url}
    if not separator or scheme not in _SCHEMES:
        example = f"tcp://{rest[:100]}" if separator else f"https://{url[:100]}"
        raise CommandError(f"{url[:100]!r} is no address of a check: {_WRITTEN}, such as {example}")
    kind, default_port, more = _SCHEMES[scheme]
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise CommandError(
            "a login does not belong into an address: name a variable with --secret-env password=VARIABLE"
        )
    host, colon, port = authority.rpartition(":")
    if (not colon or authority.endswith("]")) and default_port:
        host, port = authority, str(default_port)
    if not host or not port.isdecimal() or len(port) > 5 or (path and kind != "grpc"):
        example = f"{scheme}://127.0.0.1:{default_port or 5432}"
        beside = "; a database is given by --set database=NAME" if path and kind == "postgresql" else ""
        raise CommandError(f"a {kind} target is written {scheme}://host:port, like {example}{beside}")
    service = {"service": unquote(path)} if path else {}
    return kind, {"host": host.removeprefix("[").removesuffix("]"), "port": int(port), **more, **service}


def _dns(rest: str) -> dict[str, Any]:
    """`name?record=MX&resolver=192.0.2.53&expected=...`, expected as often as there are values."""
    parts = urlsplit("//" + rest)
    asked = parse_qs(parts.query)
    unknown = sorted(set(asked) - set(_DNS_FIELDS))
    if unknown:
        raise CommandError(f"dns://name takes {', '.join(_DNS_FIELDS)}, not {unknown[0][:40]!r}")
    fields: dict[str, Any] = {name: values[-1] for name, values in asked.items() if name != "expected"}
    if "expected" in asked:
        fields["expected"] = asked["expected"]
    return {"name": parts.netloc, **fields}


def _fields(kind: str, given: Sequence[str]) -> dict[str, Any]:
    """The fields of the configuration that --set gives: of a text as written, of any other type as JSON."""
    texts = {each.name for each in msgspec.structs.fields(PROBERS[kind].spec) if _takes_text(each.type)}
    fields: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise CommandError(f"--set is written FIELD=VALUE, like --set method=POST, not {text[:40]!r}")
        fields[name] = value if name in texts else _as_json(value)
    return fields


def _takes_text(type_: Any) -> bool:
    """Whether a field of this type holds a text: `str`, alone, limited, or beside None."""
    origin = get_origin(type_)
    if origin is Annotated:
        return _takes_text(get_args(type_)[0])
    if origin in (Union, UnionType):
        return any(_takes_text(one) for one in get_args(type_))
    return isinstance(type_, type) and issubclass(type_, str)


def _as_json(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _secrets(args: argparse.Namespace) -> dict[str, str]:
    secrets = {}
    for text in args.secret_env:
        name, equals, variable = text.partition("=")
        if not equals or not name or not variable:
            raise CommandError("--secret-env is written NAME=VARIABLE, like --secret-env bearer=API_KEY")
        secrets[name] = _variable(variable)
    return secrets


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise CommandError(f"the environment variable {name} is not set or empty")
    return os.environ[name]
