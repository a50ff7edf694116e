"""Settings of the consensus service, read once from the environment (VIGIL_*)."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from consensus.process.shard_settings import ShardSettings
from probes.process.connections.plaintext import Plaintext, checked_redis_url
from probes.signing.control_macs import ControlMacs
from probes.signing.private_keys import KeyUnusable, decoded_keys, stream_key


class ConsensusSettings(ShardSettings):
    """`redis_url` may hold a password, so it is never printed."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", extra="ignore", frozen=True, hide_input_in_errors=True)

    #: Where Redis may be used without TLS. Before its address, which it judges.
    redis_plaintext: Plaintext = Plaintext.LOOPBACK
    redis_url: SecretStr
    #: Redis of the control plane's own messages, which regions do not reach; empty: that of `redis_url`.
    control_redis_url: SecretStr = SecretStr("")

    @field_validator("redis_url", "control_redis_url")
    @classmethod
    def _a_redis_url(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.field_name == "control_redis_url" and not url.get_secret_value():
            return url
        checked_redis_url(url.get_secret_value(), info.data.get("redis_plaintext"))
        return url

    #: Keys of the control plane's own messages, comma separated; without them, they follow from VIGIL_SEAL_KEYS.
    stream_keys: SecretStr = SecretStr("")
    seal_keys: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _keys_are_there(self) -> Self:
        self.macs()
        return self

    def macs(self) -> ControlMacs:
        """What authenticates the control plane's own messages; raises ValueError."""
        try:
            own = list(decoded_keys(self.stream_keys.get_secret_value()))
            found = own or [stream_key(key) for key in self.seal_keys.get_secret_value().split(",") if key.strip()]
        except KeyUnusable:
            raise ValueError("VIGIL_STREAM_KEYS or VIGIL_SEAL_KEYS is wrong: base64, separated by commas") from None
        if not found:
            raise ValueError("set VIGIL_SEAL_KEYS as for the control plane, or VIGIL_STREAM_KEYS")
        return ControlMacs(found)

    sentry_dsn: SecretStr = SecretStr("")
    health_port: int = Field(default=0, ge=0, le=65535)
    #: How much of the streams is read again at start, in seconds: longer than any round lives.
    replay_s: int = Field(default=180, ge=30, le=3600)
    #: How far behind the recorder may be, in seconds, before results it has not stored are dropped from Redis.
    keep_results_s: int = Field(default=600, ge=60, le=86_400)
