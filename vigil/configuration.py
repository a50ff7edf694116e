"""Configuration of the control plane: VIGIL_* variables, read once, typed, never printed."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from consensus.process.shard_settings import ShardSettings
from probes.process.connections.address import without_login
from probes.process.connections.plaintext import Plaintext, checked_redis_url
from vigil.client_address import Network, parse_networks

_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]+")


class ConfigurationError(ImproperlyConfigured):
    """A missing or wrong setting; the message is one line with its name and the remedy, without its value."""


class AlertEgress(StrEnum):
    """Where alerts may go: public addresses only, or this network too."""

    PUBLIC = "public"
    PRIVATE = "private"


class Configuration(ShardSettings):
    """All VIGIL_* variables of the control plane. Secrets are `SecretStr`, so no repr shows them."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr
    #: Where Redis may be used without TLS. Before the addresses, which it judges.
    redis_plaintext: Plaintext = Plaintext.LOOPBACK
    redis_url: SecretStr
    #: Redis of the control plane's own messages, which regions do not reach; default: that of `redis_url`.
    control_redis_url: SecretStr | None = None
    ping_redis_url: SecretStr | None = None
    #: Redis as the workers of regions reach it, without user; default: host and port of `redis_url`.
    regions_redis_url: str = Field(default="", max_length=500)
    #: Certificate of its authority (PEM), for workers that do not know it.
    regions_redis_ca: Path | None = None
    #: The user that makes the Redis users of regions; default: that of `redis_url`.
    users_redis_url: SecretStr | None = None
    secret_key: SecretStr
    seal_keys: SecretStr
    data_dir: Path | None = None
    #: Folders whose disks are watched, comma separated; empty: those of the data that is on this machine.
    disk_folders: str = Field(default="", max_length=2_000)
    base_url: str = "http://127.0.0.1:8000"
    ping_url: str = ""
    mail_host: str = "127.0.0.1"
    mail_port: int = Field(default=0, ge=0, le=65535)
    mail_domain: str = Field(default="", max_length=200)
    allowed_hosts: str = ""
    trusted_proxies: str = ""
    debug: bool = False
    health_port: int = Field(default=0, ge=0, le=65535)
    email_url: SecretStr | None = None
    sentry_dsn: SecretStr | None = None
    email_from: str = "vigil@localhost"
    alert_egress: AlertEgress = AlertEgress.PUBLIC
    deadman_url: SecretStr | None = None
    old_deadman_url: SecretStr | None = Field(default=None, validation_alias="VIGIL_HEARTBEAT_URL")  # its old name
    retirements: Path | None = None  # a table of retirements that counts before the shipped one
    #: Retention in days: packed checks (charts by the minute need two), hours, days (0: unlimited).
    keep_checks_days: int = Field(default=30, ge=2, le=3650)
    keep_hours_days: int = Field(default=400, ge=2, le=36500)
    keep_days_days: int = Field(default=0, ge=0, le=36500)

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr) -> SecretStr:
        parse_database_url(url.get_secret_value())
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        checked_redis_url(url.get_secret_value(), info.data.get("redis_plaintext"))
        return url

    @field_validator("regions_redis_url")
    @classmethod
    def _is_redis_without_user(cls, url: str, info: ValidationInfo) -> str:
        return url and checked_redis_url(without_login(url), info.data.get("redis_plaintext")).rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value()) < 32:
            raise ValueError("must be at least 32 random characters")
        return key

    @field_validator("seal_keys")
    @classmethod
    def _are_fernet_keys(cls, keys: SecretStr) -> SecretStr:
        found = split_list(keys.get_secret_value())
        try:
            for key in found:
                Fernet(key)
        except ValueError as problem:
            raise ValueError("must be Fernet keys (32 bytes, URL-safe base64), separated by commas") from problem
        if not found:
            raise ValueError("must hold at least one Fernet key")
        return keys

    @field_validator("disk_folders")
    @classmethod
    def _are_folders(cls, folders: str) -> str:
        if not all(Path(folder).is_absolute() for folder in split_list(folders)):
            raise ValueError("must be absolute folders separated by commas, such as /var/lib/postgresql")
        return folders

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        try:
            parse_networks(networks)
        except ValueError:
            raise ValueError("must be networks separated by commas, such as 10.0.0.0/8, 127.0.0.1") from None
        return networks

    @field_validator("control_redis_url", "ping_redis_url", "users_redis_url")
    @classmethod
    def _is_redis_or_unset(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return cls._is_redis(url, info) if url is not None and url.get_secret_value() else None

    @field_validator("ping_url")
    @classmethod
    def _is_web_address_or_unset(cls, url: str) -> str:
        return cls._is_web_address(url) if url else ""

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must look like https://vigil.example.com")
        # It is shown in commands that people run.
        if not _PLAIN_ADDRESS.fullmatch(url):
            raise ValueError("must hold letters, digits and .-_~:/[] only, like https://vigil.example.com/vigil")
        return url.rstrip("/")

    @field_validator("email_url")
    @classmethod
    def _is_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
        return url

    @field_validator("deadman_url", "old_deadman_url")
    @classmethod
    def _is_outside(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must look like https://hc-ping.com/0000-...")
        return url

    @property
    def deadman(self) -> SecretStr | None:
        """Dead man's switch address, under its new or old name."""
        return self.deadman_url or self.old_deadman_url

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def pings_at(self) -> str:
        """Base address of pings: its own, or that of the pages."""
        return self.ping_url or self.base_url

    @property
    def ping_log_url(self) -> str:
        """Redis of the ping log: its own, or the one of the control plane's messages."""
        return (self.ping_redis_url or self.control_redis_url or self.redis_url).get_secret_value()

    @property
    def control_url(self) -> str:
        """Redis of the control plane's own messages."""
        return (self.control_redis_url or self.redis_url).get_secret_value()

    @property
    def hosts(self) -> list[str]:
        """Host names of the web process; loopback always, by which its supervisor asks how it is."""
        named = split_list(self.allowed_hosts) or [urlsplit(self.base_url).hostname or ""]
        return sorted({*named, "localhost", "127.0.0.1", "[::1]"})

    @cached_property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Networks of the proxies whose X-Forwarded-For is believed."""
        return parse_networks(self.trusted_proxies)

    @property
    def seal_key_list(self) -> list[str]:
        return split_list(self.seal_keys.get_secret_value())


def split_list(text: str) -> list[str]:
    """Non-empty parts of a comma separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_database_url(url: str) -> dict[str, Any]:
    """Parse postgresql://user:password@host:port/name?option=value (`?host=/folder`: a socket); else `ValueError`."""
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port
    except ValueError:
        name, port = "", None
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ValueError("must look like postgresql://user:password@host:5432/name")
    options = dict(parse_qsl(parts.query))
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": options.pop("port", "") or (str(port) if port else ""),
        "OPTIONS": options,
    }


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """Configuration of this process; raises `ConfigurationError` with one line."""
    try:
        return Configuration()  # type: ignore[call-arg]
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False, include_context=False)[0]
        name = "VIGIL_" + "_".join(str(part) for part in first["loc"]).upper().removeprefix("VIGIL_")
        if first["type"] == "missing":
            raise ConfigurationError(f"{name} is not set; `manage.py up` sets it, a deployment must") from None
        raise ConfigurationError(f"{name} {first['msg'].removeprefix('Value error, ')}") from None
