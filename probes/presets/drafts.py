"""Drafts: how a preset and its inputs become a complete monitor. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from probes.presets.addresses import joined
from probes.presets.shape import Json, Key, Models, Preset, PresetError


@dataclass(frozen=True, slots=True)
class MonitorDraft:
    """A complete monitor, ready to be saved; `secrets` apart from `config`."""

    name: str
    kind: str
    config: Json
    secrets: Mapping[str, str] = field(repr=False)
    interval_s: int
    timeout_ms: int
    doc: str
    warnings: tuple[str, ...] = ()


#: Secrets that are not headers.
_SECRETS = frozenset({"bearer", "basic", "password"})
#: Kinds that take a host and a port instead of a URL.
_HOST_AND_PORT = frozenset({"tcp", "postgresql", "redis"})
#: Inputs of a preset.
WANTED = frozenset({"key", "address", "model", "models", "region", "name", "billing_acknowledged"})


def draft(preset: Preset, wanted: Mapping[str, Any]) -> MonitorDraft:
    """Turn a preset and its inputs into a monitor; raises `PresetError`.

    `wanted`: `key`, `address`, `model` (or a list of `models`), `region`, `name` where the preset needs one, and
    `billing_acknowledged` where its checks cost money.
    """
    unknown = sorted(set(wanted) - WANTED)
    if unknown:
        raise PresetError(unknown[0], f"a preset takes {', '.join(sorted(WANTED))}")
    given = {name: value for name, value in wanted.items() if value not in (None, "", [], ())}
    for name in preset.needs:
        if name not in given:
            raise PresetError(name, f"the preset {preset.name} needs it")
    key = str(given.get("key", ""))
    if preset.key is Key.REQUIRED and not key:
        raise PresetError("key", f"{preset.title} answers only with a key")
    if key and preset.key is Key.NONE:
        raise PresetError("key", f"{preset.title} asks for no key here; leave it out, so that it stays secret")
    if key and preset.key_header == "basic" and ":" not in key:
        raise PresetError("key", f"{preset.title} has user and password: write them user:password")
    if preset.billed and not given.get("billing_acknowledged"):
        raise PresetError("billing_acknowledged", f"{preset.billed}; set it to true if every check may cost that")
    models = _models(preset, given)
    config = _config(preset, given, models)
    named = preset.key_header if preset.key_header in _SECRETS else f"header.{preset.key_header}"
    return MonitorDraft(
        name=_title(preset, given),
        kind=preset.kind,
        config=config,
        secrets={named: preset.key_prefix + key} if key else {},
        interval_s=preset.interval_s,
        timeout_ms=preset.timeout_ms,
        doc=preset.doc,
        warnings=_warnings(preset, given),
    )


def _warnings(preset: Preset, given: Mapping[str, Any]) -> tuple[str, ...]:
    if not preset.own_address or "address" in given:
        return preset.warnings
    return (*preset.warnings, f"No address was given: each region looks at {preset.address}, which is itself.")


def _config(preset: Preset, given: Mapping[str, Any], models: list[str]) -> Json:
    if preset.kind in _HOST_AND_PORT:
        return _host_and_port(preset, given)
    if preset.kind == "saturation":
        return {"url": _url(preset, given, preset.path), "engine": preset.engine, **preset.limits}
    if preset.kind == "mcp":
        # The address is the endpoint itself, whatever its path looks like.
        return {"url": _checked(str(given.get("address", preset.address))), **preset.limits}
    return _http(preset, given, models)


def _models(preset: Preset, given: Mapping[str, Any]) -> list[str]:
    models = [str(given["model"])] if "model" in given else [str(model) for model in given.get("models", [])]
    if models and preset.models is None and "{model" not in preset.path:
        raise PresetError("model", f"the preset {preset.name} cannot ask for a model")
    in_path = "{model_path}" in preset.path
    if any(not model.isprintable() or (in_path and {"", ".", ".."} & set(model.split("/"))) for model in models):
        raise PresetError("model", "is not the name of a model")
    return models


def _http(preset: Preset, given: Mapping[str, Any], models: list[str]) -> Json:
    asked = preset.models if models else None
    path = asked.path if asked and asked.path else preset.path
    first = models[0] if models else ""
    path = path.replace("{model}", quote(first, safe="")).replace("{model_path}", quote(first))
    path = path.replace("{name}", quote(str(given.get("name", "")), safe=""))
    assertions = [dict(each) for each in preset.assertions if not (asked and asked.path)]
    if asked and asked.comparison:
        assertions += [_model_assertion(asked, model) for model in models]
    config: Json = {
        "url": _url(preset, given, path),
        "method": preset.method,
        "expected_status": list(preset.expected_status),
        "provider": preset.family,
        "body_limit": preset.body_limit,
        "follow_redirects": False,
    }
    body = preset.body.replace("{name}", _within_json(str(given.get("name", ""))))
    optional: Json = {"headers": [list(pair) for pair in preset.headers], "assertions": assertions, "body": body}
    optional["billing_acknowledged"] = bool(preset.billed)
    return config | {name: value for name, value in optional.items() if value}


def _within_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _model_assertion(asked: Models, model: str) -> Json:
    tagged = model if ":" in model or "{tagged}" not in asked.template else f"{model}:latest"
    called = asked.template.replace("{tagged}", tagged).replace("{model}", model)
    if called.startswith("models/models/"):
        called = called.removeprefix("models/")
    return {
        "type": "jsonpath",
        "path": asked.names.replace("{model}", model.replace("\\", "\\\\").replace("'", "\\'")),
        **({"exists": True} if asked.comparison == "exists" else {asked.comparison: called}),
        "gives": asked.gives,
        "reason": asked.missing.value,
    }


def _url(preset: Preset, given: Mapping[str, Any], path: str) -> str:
    if "address" in given:
        if not preset.own_address:
            raise PresetError("address", f"{preset.title} is at {preset.address}; use a preset for your own server")
        return joined(_checked(str(given["address"])), path, preset.client_base)
    address = preset.address
    for name in ("region", "name"):
        address = address.replace("{" + name + "}", quote(str(given.get(name, "")), safe=""))
    return address + path


def _checked(address: str) -> str:
    address = address.strip()
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = False
    if not usable:
        raise PresetError("address", "looks like http://host:port, or the base address that a client is given")
    return address


def _host_and_port(preset: Preset, given: Mapping[str, Any]) -> Json:
    try:
        parts = urlsplit("//" + str(given.get("address") or preset.address).rpartition("://")[2])
        host, port = parts.hostname, parts.port or urlsplit(f"//{preset.address}").port
    except ValueError:
        host, port = None, None
    names_user = preset.kind == "postgresql"
    if not host or not port or parts.password is not None:
        raise PresetError("address", f"looks like host:port, as in {preset.address}")
    if not names_user and (parts.username is not None or parts.path.strip("/")):
        raise PresetError("address", f"looks like host:port, as in {preset.address}")
    config: Json = {"host": host, "port": port}
    if parts.username:
        config["user"] = unquote(parts.username)
    if names_user and parts.path.strip("/"):
        config["database"] = unquote(parts.path.strip("/"))
    return config


def _title(preset: Preset, given: Mapping[str, Any]) -> str:
    model = given.get("model") or ", ".join(str(model) for model in given.get("models", []))
    return f"{preset.title}: {model}"[:200] if model else preset.title
