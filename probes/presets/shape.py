"""Preset model: one service, and the free request that monitors it. Pure.

A preset names the free request that says most about a service, what its answer must hold, and the provider whose
rules classify the answer. With a model it also asks for that model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from probes.reasons import Reason

Json = dict[str, Any]


class Key(StrEnum):
    """Whether a preset takes a key."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class PresetError(Exception):
    """The inputs do not make a monitor: the field, and one line that says what to do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Models:
    """How a preset asks for a model: another path if need be, and where the names are in the answer.

    `template` turns the user's name of the model into the name in the answer. `missing` is the reason when it is not
    there, and `gives` the status. With `comparison` "" the path itself asks for the model, and the status code decides.
    """

    path: str = ""
    names: str = "$.data[*].id"
    template: str = "{model}"
    missing: Reason = Reason.MODEL_MISSING
    gives: str = "down"
    comparison: str = "contains"
    means: str = "the model is in the list that this key may use"


@dataclass(frozen=True, slots=True)
class Preset:
    """One service, and the free request that monitors it.

    `address` is fixed, a template with `{region}` or `{name}`, or a default that users replace (then `own_address` is
    true). `path` may hold `{model}`, `{model_path}` (with its slashes) and `{name}`. `client_base` is what of the path
    is in the base address of the service's own client, such as /v1. `also` are other names of the service. `billed`
    says what a check costs, if it does: it needs an acknowledgement. The key goes into `key_header` (`bearer`: the
    Authorization header) after `key_prefix`. With kind `saturation`, `engine` names the metrics; `limits` are
    more fields of kinds other than `http`.
    """

    name: str
    title: str
    family: str
    address: str
    path: str
    doc: str
    says: str
    own_address: bool = False
    client_base: str | None = None
    key: Key = Key.NONE
    key_header: str = "bearer"
    key_prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    assertions: tuple[Json, ...] = ()
    models: Models | None = None
    needs: tuple[str, ...] = ()
    kind: str = "http"
    engine: str = ""
    limits: Json = field(default_factory=dict)
    method: str = "GET"
    body: str = ""
    expected_status: tuple[str, ...] = ("200",)
    timeout_ms: int = 10_000
    interval_s: int = 60
    body_limit: int = 1_048_576
    warnings: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    billed: str = ""
