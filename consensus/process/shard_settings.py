"""Settings that say which shard a process is of (VIGIL_SHARDS, VIGIL_SHARD)."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from consensus.shards import SHARDS_MOST, Shard
from probes.process.metrics.address import MetricsAddressText


class ShardSettings(BaseSettings):
    """How many shards monitors are spread over, and which of them this process is of, from 0."""

    shards: int = Field(default=1, ge=1, le=SHARDS_MOST)
    shard: int = Field(default=0, ge=0)
    #: Where the process serves its metrics besides the port of its health; empty: nowhere.
    metrics_address: MetricsAddressText = ""

    @field_validator("shard")
    @classmethod
    def _is_one_of_them(cls, shard: int, info: ValidationInfo) -> int:
        shards = info.data.get("shards", SHARDS_MOST)
        if shard >= shards:
            raise ValueError(f"must be 0 to {shards - 1} with VIGIL_SHARDS={shards}")
        return shard

    @property
    def own_shard(self) -> Shard:
        return Shard(self.shard, self.shards)
