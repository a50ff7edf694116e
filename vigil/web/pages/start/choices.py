"""Choices of the guided start: what a person runs, the fields that it takes, and the monitor that these make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from vigil.monitors.core.litellm_keys import DEFAULT_KEYS
from vigil.monitors.presets import fields_from_preset
from vigil.web.parts.fields import FormField

URL, TCP, JOB, LITELLM, PROVIDER = "url", "tcp", "job", "litellm", "provider"
KINDS = (URL, TCP, JOB, LITELLM, PROVIDER)
#: Fields of presets that a form gives; a box is `on`.
_PRESET_FIELDS = ("key", "address", "model", "region", "resource", "billing_acknowledged")
#: Inputs that a preset needs, as the catalogue calls them -> as forms do.
_NEEDS = {"name": "resource"}
_MINUTES_MOST = 525_600


@dataclass(frozen=True, slots=True)
class StartChoice:
    """One thing to run: its parameters in the address, its words, and the heading of step 2."""

    query: str
    words: str
    says: str
    icon: str


#: On step 1, in this order.
CHOICES = (
    StartChoice("preset=openai", "OpenAI", "Paste a key", "key"),
    StartChoice("preset=anthropic", "Anthropic", "Paste a key", "key"),
    StartChoice("kind=provider", "Other provider", "60 of them, by name", "more"),
    StartChoice("preset=ollama", "Ollama", "An address of yours", "overview"),
    StartChoice("preset=vllm", "vLLM", "An address of yours", "overview"),
    StartChoice("kind=litellm", "LiteLLM file", "All of a proxy's providers", "pages"),
    StartChoice("kind=url", "Any URL", "A page or an API", "search"),
    StartChoice("kind=tcp", "TCP port", "A database, a queue", "regions"),
    StartChoice("kind=job", "A job that calls", "Cron, batch, training", "heartbeats"),
)


def presets() -> list[tuple[str, str]]:
    """Every preset: its name, and its title."""
    from probes.presets import CATALOGUE

    return sorted(((one.name, one.title) for one in CATALOGUE.values()), key=lambda pair: pair[1].lower())


def is_choice(choice: str) -> bool:
    """Whether this can be watched: a kind, or the name of a preset."""
    from probes.presets import CATALOGUE

    return choice in KINDS or choice in CATALOGUE


def title_of(choice: str) -> str:
    """What is run, in words."""
    from probes.presets import CATALOGUE

    if choice in CATALOGUE:
        return CATALOGUE[choice].title
    return {URL: "address", TCP: "port", JOB: "job", LITELLM: "LiteLLM file"}.get(choice, "provider")


def heading_of(choice: str) -> str:
    """Heading of step 2."""
    from probes.presets import CATALOGUE, Key

    if choice not in CATALOGUE:
        return {
            URL: "Which address?",
            TCP: "Which host and port?",
            JOB: "How often does it run?",
            LITELLM: "Give your proxy's config.yaml",
        }.get(choice, "Which provider?")
    preset = CATALOGUE[choice]
    if preset.own_address:
        return f"Where is your {preset.title}?"
    return f"Watch {preset.title}" if preset.key is Key.NONE else f"Paste your {preset.title} key"


def fields_of(choice: str, given: Mapping[str, str], errors: Mapping[str, list[str]]) -> list[FormField]:
    """Fields of a choice with what was given; a key is never shown again."""
    shown = {
        URL: _of_url,
        TCP: _of_tcp,
        JOB: _of_job,
    }.get(choice)
    fields = shown(given) if shown else _of_preset(choice, given)
    return [_with(one, given, errors) for one in fields]


def wanted_of(choice: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Fields of the write path of monitors. Raises `ValidationError` by the names of the form's fields."""
    named = {"name": given["name"]} if given.get("name") else {}
    if choice == URL:
        return {**_url_monitor(given), **named}
    if choice == TCP:
        return {**_tcp_monitor(given), **named}
    wanted, _ = fields_from_preset(choice, {name: given.get(name, "") for name in _PRESET_FIELDS}, named)
    return wanted


def job_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Fields of the write path of heartbeats. Raises `ValidationError` by the names of the form's fields."""
    problems: dict[str, list[str]] = {}
    found: dict[str, Any] = {"name": given.get("name", "").strip(), "schedule": "period"}
    if not found["name"]:
        problems["name"] = ["Name the job."]
    for name, field in (("every", "period_s"), ("grace", "grace_s")):
        try:
            minutes = int(given.get(name, "").strip()[:10])
        except ValueError:
            minutes = 0
        if not 1 <= minutes <= _MINUTES_MOST:
            problems[name] = ["A whole number of minutes, 1 or more."]
        found[field] = minutes * 60
    if problems:
        raise ValidationError(problems)
    return found


def key_variable(choice: str) -> str:
    """Environment variable in which people keep the key of a preset."""
    return DEFAULT_KEYS.get(choice, f"{choice.upper().replace('-', '_')}_API_KEY")


def _with(one: FormField, given: Mapping[str, str], errors: Mapping[str, list[str]]) -> FormField:
    kind = "stored" if one.kind == "password" and given.get(one.name) else one.kind
    value = "" if one.kind == "password" else given.get(one.name, one.value)
    return replace(one, kind=kind, value=value, errors=errors.get(one.name, ()))


def _of_preset(choice: str, given: Mapping[str, str]) -> list[FormField]:
    from probes.presets import CATALOGUE, Key

    preset, fields = CATALOGUE[choice], []
    needs = {_NEEDS.get(one, one) for one in preset.needs}
    costs = "Used to list models, which is free." if not preset.billed and "model" in preset.path else "It is sealed."
    if preset.own_address:
        hint = f"As a client is given it, such as {preset.address}."
        fields.append(FormField("address", "Address", preset.address if "://" not in preset.address else "", hint=hint))
    if preset.key is not Key.NONE:
        required = preset.key is Key.REQUIRED
        label = "Key" if required else "Key, if it wants one"
        fields.append(FormField("key", label, kind="password", hint=costs, required=required))
    if "region" in needs:
        fields.append(FormField("region", "Region of the provider", hint="Such as us-east-1.", required=True))
    if "resource" in needs:
        fields.append(FormField("resource", "Name of the resource", required=True))
    if preset.models is not None or "{model" in preset.path:
        must = "model" in needs
        hint = "It must be there." if must else "Empty to watch the list alone. With a name, the model must be there."
        fields.append(FormField("model", "Model", hint=hint, required=must))
    if preset.billed:
        fields.append(FormField("billing_acknowledged", f"Agreed: {preset.billed}", kind="checkbox"))
    return fields


def _of_url(given: Mapping[str, str]) -> list[FormField]:
    return [
        FormField("address", "Address", kind="text", hint="Such as https://api.example.com/health.", required=True),
        FormField("contains", "Must contain", hint="A text of a good answer; empty if the status is enough."),
    ]


def _of_tcp(given: Mapping[str, str]) -> list[FormField]:
    return [FormField("address", "Host and port", hint="Such as db.example.com:5432.", required=True)]


def _of_job(given: Mapping[str, str]) -> list[FormField]:
    return [
        FormField("name", "Name of the job", hint="Such as nightly embeddings.", required=True),
        FormField("every", "It runs every", "60", kind="number", unit="minutes", required=True),
        FormField("grace", "It may be late by", "10", kind="number", unit="minutes", required=True),
    ]


def _url_monitor(given: Mapping[str, str]) -> dict[str, Any]:
    address = given.get("address", "").strip()
    if not address:
        raise ValidationError({"address": ["Give the address that is to be watched."]})
    address = address if "://" in address else f"https://{address}"
    config: dict[str, Any] = {"url": address}
    if given.get("contains", "").strip():
        config["assertions"] = [{"type": "body_contains", "text": given["contains"].strip()}]
    try:
        host = urlsplit(address).hostname or address
    except ValueError:
        host = address
    return {"name": host[:200], "kind": "http", "config": config, "interval_s": 60}


def _tcp_monitor(given: Mapping[str, str]) -> dict[str, Any]:
    address = given.get("address", "").strip().rpartition("://")[2].rstrip("/")
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or len(port) > 5:
        raise ValidationError({"address": ["Write host and port, as in db.example.com:5432."]})
    config = {"host": host.strip("[]"), "port": int(port)}
    return {"name": f"{host}:{port}"[:200], "kind": "tcp", "config": config, "interval_s": 60}
