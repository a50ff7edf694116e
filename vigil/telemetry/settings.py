"""Settings of the export of results (VIGIL_OTLP_*), read by the recorder alone."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{1,4000}")


class TelemetrySettings(BaseSettings):
    """Where results are exported. No address: nowhere."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", frozen=True, extra="ignore", hide_input_in_errors=True)

    #: Address of a collector that takes OTLP over HTTP, without `/v1/traces`.
    otlp_endpoint: str = ""
    #: `name=value,...` with values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS.
    otlp_headers: SecretStr = SecretStr("")

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if url:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
                raise ValueError("must look like https://collector.example.com:4318")
        return url.rstrip("/")

    @field_validator("otlp_headers")
    @classmethod
    def _are_headers(cls, text: SecretStr) -> SecretStr:
        read_headers(text.get_secret_value())
        return text

    @property
    def headers(self) -> dict[str, str]:
        return read_headers(self.otlp_headers.get_secret_value())


def read_headers(text: str) -> dict[str, str]:
    """The headers of a setting; raises ValueError."""
    found = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, is_pair, value = part.partition("=")
        plain = unquote(value.strip())
        if not is_pair or not _HEADER.fullmatch(name.strip()) or not _VALUE.fullmatch(plain):
            raise ValueError("must be headers like authorization=Bearer%20abc, separated by commas")
        found[name.strip().lower()] = plain
    return found
