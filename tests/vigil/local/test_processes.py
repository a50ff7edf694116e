"""Each process of an installation on one machine knows only what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from probes import keys
from probes.seal import generate_keypair
from vigil.local.environments import SHARDED, Addresses, control_env, shard_count
from vigil.local.errors import CannotStart
from vigil.local.folder import LocalSecrets
from vigil.local.processes import LocalRegion, Servers, programs
from vigil.local.servers import redis

FOREIGN = {
    "AWS_SECRET_ACCESS_KEY": "obviously-fake-1", "VIGIL_HEARTBEAT_URL": "https://obviously-fake-2.example/",
    "VIGIL_DEADMAN_URL": "https://obviously-fake-3.example/", "VIGIL_EMAIL_URL": "smtp://obviously-fake-4@mail.example",
    "DJANGO_SETTINGS_MODULE": "vigil.settings", "SOMETHING_NEW": "obviously-fake-5",
}  # fmt: skip


def test_s03_t_sec_14_a_worker_of_up_gets_its_own_settings_and_redis_user_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (FOREIGN | {"VIGIL_ANCHORS": "a.example, b.example, c.example", "LC_ALL": "C"}).items():
        monkeypatch.setenv(name, value)
    regions = [LocalRegion("one"), LocalRegion("two")]
    private = {region.name: generate_keypair()[0] for region in regions}
    secrets = LocalSecrets("secret-key-of-django", "seal-key", "of-the-database", "of-redis", private)
    server = redis.prepare(tmp_path, "of-redis", 6379, regions=[region.name for region in regions])
    addresses = Addresses(
        "postgresql://vigil:of-the-database@127.0.0.1/vigil", server.url, "http://127.0.0.1:8000", 8000
    )
    control = control_env(addresses, secrets, tmp_path)
    declared = {one.name: one for one in programs(Servers(None, server), control, secrets, regions, addresses)}

    for name in ("worker-one", "worker-two", "consensus"):
        env = declared[name].env
        known = " ".join(f"{key}={value}" for key, value in env.items())
        for secret in ("obviously-fake", "secret-key-of-django", "seal-key", "of-the-database", "of-redis", "DJANGO"):
            assert secret not in known
        assert env["PATH"] and env["LC_ALL"] == "C"
    assert declared["worker-one"].env["VIGIL_ANCHORS"] == "a.example, b.example, c.example"
    assert private["two"] not in declared["worker-one"].env.values()
    assert len({declared[name].env["VIGIL_REDIS_URL"] for name in ("worker-one", "worker-two", "consensus")}) == 3


@pytest.mark.parametrize(
    ("shards", "found"),
    [
        ("1", ["consensus", "ingest", "record"]),
        ("2", ["consensus-0", "consensus-1", "ingest-0", "ingest-1", "record-0", "record-1"]),
    ],
)
def test_up_starts_a_process_of_each_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: str, found: list[str]
) -> None:
    monkeypatch.setenv("VIGIL_SHARDS", shards)
    secrets = LocalSecrets("secret-key-of-django", "seal-key", "of-the-database", "of-redis", {})
    server = redis.prepare(tmp_path, "of-redis", 6379, regions=[])
    addresses = Addresses("postgresql://vigil@127.0.0.1/vigil", server.url, "http://127.0.0.1:8000", 8000)
    declared = programs(Servers(None, server), control_env(addresses, secrets, tmp_path), secrets, [], addresses)

    sharded = {one.name: one.env.get("VIGIL_SHARD") for one in declared if one.name.split("-")[0] in SHARDED}
    assert sorted(sharded) == found
    assert all(shard is None or name.endswith(f"-{shard}") for name, shard in sharded.items())


@pytest.mark.parametrize("shards", ["", "0", "65", "two", "-1", "99999999999"])
def test_a_wrong_number_of_shards_is_refused_in_one_line(shards: str) -> None:
    with pytest.raises(CannotStart, match=r"VIGIL_SHARDS is .* from 1 to 64"):
        shard_count({"VIGIL_SHARDS": shards})


def test_s03_a_redis_of_up_holds_the_users_of_its_regions(tmp_path: Path) -> None:
    with redis.running(tmp_path, "of-redis", tmp_path / "log", regions=["one", "two"]) as server:
        with Redis.from_url(server.url_for("worker-one"), driver_info=None) as client:
            client.set(keys.status("one"), "")
            for forbidden in (
                lambda: client.set(keys.status("two"), ""),
                client.dbsize,
                lambda: client.eval("return 1", 0),
            ):
                with pytest.raises(NoPermissionError):
                    forbidden()
        with Redis.from_url(server.url_for("consensus")) as client:
            assert client.get(keys.status("one")) == b""
        with Redis.from_url(server.url) as client:
            assert client.config_get("proto-max-bulk-len") == {"proto-max-bulk-len": str(32 * 1024 * 1024)}
            limit = client.config_get("client-output-buffer-limit")["client-output-buffer-limit"]
            assert "normal 268435456 67108864 60" in limit
            assert client.config_get("maxmemory") == {"maxmemory": str(1024**3)}


def test_s03_consensus_has_its_user_also_where_no_region_runs_here(tmp_path: Path) -> None:
    with (
        redis.running(tmp_path, "of-redis", tmp_path / "log") as server,
        Redis.from_url(server.url_for("consensus")) as client,
    ):
        assert client.ping()
