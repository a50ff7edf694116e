"""The same as code: the `vigil.yaml` and the call of the API that make what a form makes, with secrets by reference."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from vigil.alerts.channels import CHANNELS
from vigil.code.core.document import VERSION
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.configuration import configuration
from vigil.web.forms.channel_form import FIRST
from vigil.web.forms.controls import Control, controls_of
from vigil.web.pages.start.choices import JOB, LITELLM, PROVIDER, TCP, URL, key_variable

_UNFIT = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class SameAsCode:
    """The two texts."""

    yaml: str
    curl: str


def same_as_code(choice: str, given: Mapping[str, str]) -> SameAsCode | None:
    """What a choice makes, as code; None before there is anything to write."""
    if choice in (PROVIDER, ""):
        return None
    if choice == LITELLM:
        return SameAsCode("# This writes a vigil.yaml:\npython3 manage.py import litellm config.yaml\n", "")
    if choice == JOB:
        return _job(given)
    body, document = _monitor(choice, given)
    return SameAsCode(_yaml("monitors", _key(choice, given), document), _curl("monitors", body, choice))


def channel_as_code(kind: str, config: Mapping[str, Any]) -> SameAsCode:
    """A channel as code; its secrets are references."""
    found = CHANNELS[kind]
    secrets = [name for name, secret in found.secrets.items() if secret.needed or name in FIRST.get(kind, ())]
    struct: type[msgspec.Struct] = found.config
    needed = {
        one.name: ["<one>"] if one.control is Control.LINES else f"<{one.name}>"
        for one in controls_of(struct)
        if one.required
    }
    settings = {**needed, **config}
    document: dict[str, Any] = {kind: settings}
    variables = {name: f"{kind}_{name}".upper() for name in secrets}
    if secrets:
        document["secrets"] = {name: f"${{env:{variable}}}" for name, variable in variables.items()}
    body = {"name": kind, "kind": kind, "config": settings}
    body |= {"secrets": {name: f"${variable}" for name, variable in variables.items()}} if secrets else {}
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    for variable in variables.values():
        text = text.replace(f'"${variable}"', f'"\'"${variable}"\'"')
    return SameAsCode(_yaml("channels", kind, document), _call("channels", text))


def _monitor(choice: str, given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of a call, and the object of a document."""
    if choice == URL:
        config: dict[str, Any] = {"url": given.get("address") or "https://api.example.com/health"}
        if given.get("contains"):
            config["assertions"] = [{"type": "body_contains", "text": given["contains"]}]
        return _by_hand("http", config, given), {"http": config}
    if choice == TCP:
        host, _, port = (given.get("address") or "db.example.com:5432").rpartition(":")
        config = {"host": host, "port": int(port) if port.isascii() and port.isdigit() else 5432}
        return _by_hand("tcp", config, given), {"tcp": config}
    names = ("address", "model", "region", "resource")
    plain: dict[str, Any] = {"preset": choice, **{name: given[name] for name in names if given.get(name)}}
    plain |= {"billing_acknowledged": True} if given.get("billing_acknowledged") else {}
    if not _takes_key(choice):
        return plain, plain
    variable = key_variable(choice)
    return {**plain, "key": f"${variable}"}, {**plain, "key": f"${{env:{variable}}}"}


def _takes_key(choice: str) -> bool:
    from probes.presets import CATALOGUE, Key

    return choice in CATALOGUE and CATALOGUE[choice].key is not Key.NONE


def _by_hand(kind: str, config: dict[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    return {"name": given.get("name") or _key(kind, given), "kind": kind, "config": config}


def _job(given: Mapping[str, str]) -> SameAsCode:
    every, grace = (_minutes(given.get(name, ""), usual) for name, usual in (("every", 60), ("grace", 10)))
    name = given.get("name") or "nightly embeddings"
    body = {"name": name, "period_s": every * 60, "grace_s": grace * 60}
    document = {"name": name, "every": f"{every}m", "grace": f"{grace}m"}
    return SameAsCode(_yaml("heartbeats", _key(JOB, {"name": name}), document), _curl("heartbeats", body, JOB))


def _minutes(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else usual


def _key(choice: str, given: Mapping[str, str]) -> str:
    written = given.get("name") or given.get("address") or choice
    return _UNFIT.sub("-", written.rpartition("://")[2].lower()).strip("-")[:60] or choice


def _yaml(section: str, key: str, document: Mapping[str, Any]) -> str:
    return to_yaml({"version": VERSION, section: {key: dict(document)}})


def _curl(path: str, body: Mapping[str, Any], choice: str) -> str:
    """A line of a shell; the key is the one value that the shell puts in."""
    variable = key_variable(choice)
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    if body.get("key") == f"${variable}":
        text = text.replace(f'"${variable}"', f'"\'"${variable}"\'"')
    return _call(path, text)


def _call(path: str, text: str) -> str:
    address = f"{configuration().base_url}/api/v1/{path}"
    return f'curl {address} \\\n  -H "Authorization: Bearer $VIGIL_TOKEN" \\\n  --json {text}\n'
