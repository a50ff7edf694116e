"""Settings of a region worker: read once from the environment, checked at the start, never printed whole."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic_settings import BaseSettings, SettingsConfigDict

from probes.net.egress import BadEgress, EgressRule, parse_egress
from probes.net.guard import Egress
from probes.net.targets import BadTarget, parse_url
from probes.process.connections.address import SCHEMES, parse_redis_url
from probes.process.connections.plaintext import Plaintext, checked_redis_url
from probes.process.metrics.address import MetricsAddressText
from probes.signing.private_keys import KeyUnusable, decoded_keys
from probes.worker import anchors
from probes.worker.control_plane_silence import AlarmSettings
from probes.worker.identity import IdentityUnusable, RegionIdentity, identity_of

REGION_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


_ENROL = "enrol this worker by the line that `region rotate NAME` prints, and give --identity FILE"
_ADVICE = {"region": "give --region NAME or set VIGIL_REGION", "region_key": _ENROL, "control_keys": _ENROL}


class SettingsError(Exception):
    """A setting that is missing or wrong, in one line that says what to do."""


def _egress(value: object) -> EgressRule:
    try:
        return parse_egress(str(value or Egress.PUBLIC))
    except BadEgress as error:
        raise ValueError(str(error)) from None


class ProbeSettings(BaseSettings):
    """The worker's own settings, each from `VIGIL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", frozen=True, extra="ignore", hide_input_in_errors=True)

    region: str
    #: Where Redis may be used without TLS. Before its address, which it judges.
    redis_plaintext: Plaintext = Plaintext.LOOPBACK
    redis_url: pydantic.SecretStr
    #: Certificate of the authority of Redis (PEM), where this host does not know it.
    redis_ca: str = pydantic.Field(default="", max_length=100_000)
    region_key: pydantic.SecretStr
    #: Public keys of the control plane, comma separated: orders by any other are refused.
    control_keys: str = pydantic.Field(max_length=10_000)
    #: Where this worker may dial: `public`, `private`, or networks and ports. The control plane has no say in it.
    egress: Annotated[EgressRule, pydantic.BeforeValidator(_egress)] = Egress.PUBLIC
    probe_source: str | None = None
    #: Hosts that this region can surely reach, `host[:port], ...`: its votes do not count while most of them fail.
    anchors: str = ""
    #: How many scheduled checks may run at one target at once.
    target_concurrency: int = pydantic.Field(default=50, ge=1, le=1000)
    #: The file of the local store, which keeps results and orders across restarts; without one they are in memory.
    journal: Path | None = None
    health_port: int = 0
    #: Where the worker serves its metrics besides the port of its health; empty: nowhere.
    metrics_address: MetricsAddressText = ""
    sentry_dsn: pydantic.SecretStr = pydantic.SecretStr("")
    region_alarm_url: pydantic.SecretStr | None = None
    region_alarm_format: Literal["json", "text"] = "json"
    region_alarm_after_s: float = pydantic.Field(default=120.0, ge=2.0, le=3600.0)
    region_alarm_memory: Path | None = None

    @pydantic.field_validator("region")
    @classmethod
    def _a_region_name(cls, value: str) -> str:
        if not REGION_NAME.match(value):
            raise ValueError("a region name is up to 40 of a-z, 0-9 and -, like eu-west")
        return value

    @pydantic.field_validator("redis_url")
    @classmethod
    def _a_redis_url(cls, value: pydantic.SecretStr, info: pydantic.ValidationInfo) -> pydantic.SecretStr:
        parse_redis_url(value.get_secret_value(), SCHEMES - {"unix"})
        checked_redis_url(value.get_secret_value(), info.data.get("redis_plaintext"))
        return value

    @pydantic.field_validator("region_key")
    @classmethod
    def _a_private_key(cls, value: pydantic.SecretStr) -> pydantic.SecretStr:
        try:
            identity_of("", value.get_secret_value(), "")
        except IdentityUnusable as error:
            raise ValueError(str(error)) from None
        return value

    @pydantic.field_validator("control_keys")
    @classmethod
    def _public_keys(cls, value: str) -> str:
        try:
            known = decoded_keys(value)
        except KeyUnusable:
            known = ()
        if not known:
            raise ValueError("the public keys that `region add` printed: base64, separated by commas")
        return value

    @pydantic.field_validator("journal", mode="before")
    @classmethod
    def _a_file(cls, value: str | None) -> str | None:
        if value and Path(value).is_dir():
            raise ValueError("a file, and this is a folder: add a name like journal.sqlite")
        return value or None

    @pydantic.field_validator("probe_source", mode="before")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError("an IP address of this host") from None

    @pydantic.field_validator("anchors")
    @classmethod
    def _some_anchors(cls, value: str) -> str:
        anchors.parse(value)
        return value

    @pydantic.field_validator("region_alarm_url", mode="before")
    @classmethod
    def _a_web_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        try:
            parse_url(value)
        except BadTarget:
            raise ValueError("a web address like https://ntfy.example/vigil") from None
        return value

    @pydantic.field_validator("health_port", mode="before")
    @classmethod
    def _a_port(cls, value: str | int | None) -> int:
        text = str(value or "0")
        if not text.isascii() or not text.isdigit() or int(text) > 65_535:
            raise ValueError("a port between 0 (none) and 65535")
        return int(text)

    def alarm(self) -> AlarmSettings | None:
        """Where the region reports a silent control plane, or None."""
        if self.region_alarm_url is None:
            return None
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        return AlarmSettings(
            region=self.region,
            url=self.region_alarm_url.get_secret_value(),
            after_s=self.region_alarm_after_s,
            memory=self.region_alarm_memory or state / "vigil" / f"alarm-{self.region}.json",
            plain=self.region_alarm_format == "text",
        )

    def identity(self) -> RegionIdentity:
        """The worker's keys, and whom it takes orders from."""
        return identity_of(self.region, self.region_key.get_secret_value(), self.control_keys)


def read(given: Mapping[str, str]) -> ProbeSettings:
    """The settings from the environment, with what the command line gave on top; raises SettingsError."""
    try:
        return ProbeSettings(**dict(given))  # type: ignore[arg-type]
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "region"
        variable = f"VIGIL_{name.upper()}"
        if first["type"] == "missing":
            raise SettingsError(f"{variable} is missing: {_ADVICE.get(name, f'set {variable}')}") from None
        raise SettingsError(f"{variable} is wrong: {first['msg'].removeprefix('Value error, ')}") from None
