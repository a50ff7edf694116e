"""The compose file keeps the containers apart from each other, and from their host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from vigil.cli.processes.run import PROCESSES
from vigil.enrolment.core.commands import EnrolmentPlace, commands
from vigil.local.environments import SHARDED
from vigil.local.servers.redis import OUTPUT_LIMIT

FILE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"
REGION = FILE.with_name("compose.region.yaml")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
WORKER: dict[str, Any] = yaml.safe_load(REGION.read_text())["services"]["worker"]


SHARDS: dict[str, dict[str, Any]] = yaml.safe_load(FILE.with_name("compose.shards.yaml").read_text())["services"]


@pytest.mark.parametrize("service", [*SERVICES.values(), WORKER], ids=[*SERVICES, "worker of a region"])
def test_s31_each_container_is_read_only_bounded_and_without_rights(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] and service["mem_limit"]


def test_the_second_shard_has_each_part_that_is_split_and_differs_in_nothing_else() -> None:
    assert {service["extends"]["service"] for service in SHARDS.values()} == set(SHARDED) <= SERVICES.keys()
    for name, service in SHARDS.items():
        assert service == {
            "extends": {"file": FILE.name, "service": name.removesuffix("-1")},
            "environment": {"VIGIL_SHARD": "1"},
        }


def test_s31_no_image_is_taken_by_a_tag_that_changes_its_branch() -> None:
    images = {service["image"] for service in SERVICES.values()}
    ours = {"vigil-control", "vigil-probe"}
    assert ours < images
    assert {re.sub(r"@sha256:[0-9a-f]{64}$", "", image) for image in images - ours if "@" in image} == {
        "postgres:18-bookworm",
        "redis:7.4-bookworm",
    }
    assert all("@" in image for image in images - ours)


def test_s10_a_worker_shares_a_network_with_the_message_redis_and_with_no_other_server() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert {name: networks[name] for name in ("postgres", "redis", "ping-log")} == {
        "postgres": {"control"},
        "redis": {"broker"},
        "ping-log": {"pings"},
    }
    workers = [name for name in SERVICES if name.startswith("worker-")]
    assert workers and all(networks[name] == {"broker"} for name in (*workers, "consensus"))
    assert {name for name, joined in networks.items() if "pings" in joined} == {
        "ping-log",
        "web",
        "ping",
        "mail",
        "heartbeats",
    }


def test_each_process_has_its_container() -> None:
    ran = {
        service["command"][2] for service in SERVICES.values() if service.get("command", "")[:2] == ["vigil.cli", "run"]
    }
    assert ran == set(PROCESSES)


def test_the_worker_of_a_region_enrols_once_and_keeps_what_it_got() -> None:
    assert WORKER["command"][0] == "enrol" and WORKER["command"][-1] == "--run"
    kept = WORKER["command"][WORKER["command"].index("--file") + 1]
    (volume,) = WORKER["volumes"]
    assert kept.startswith(volume.split(":")[1] + "/")
    shared = (
        "read_only",
        "cap_drop",
        "security_opt",
        "pids_limit",
        "mem_limit",
        "init",
        "logging",
        "stop_grace_period",
    )
    assert {name: WORKER[name] for name in shared} == {name: SERVICES["worker-eu-west"][name] for name in shared}


def test_the_line_of_a_region_for_docker_starts_the_same_container() -> None:
    line = commands(EnrolmentPlace("eu-west", "public", "https://vigil.example.com"), "CODE")["docker"]
    options = line.partition(" vigil-probe ")[0]
    wanted = [
        f"--restart {WORKER['restart']}",
        *(["--init"] if WORKER["init"] else []),
        *(["--read-only"] if WORKER["read_only"] else []),
        *(f"--tmpfs {folder}" for folder in WORKER["tmpfs"]),
        *(f"--cap-drop {name}" for name in WORKER["cap_drop"]),
        *(f"--security-opt {option}" for option in WORKER["security_opt"]),
        f"--pids-limit {WORKER['pids_limit']}",
        f"--memory {WORKER['mem_limit']}",
    ]
    assert len(wanted) == 8
    assert [option for option in wanted if f" {option} " not in f"{options} "] == []
    assert options.endswith(f"-v vigil-eu-west:{WORKER['volumes'][0].split(':')[1]}")
    assert line.endswith("enrol https://vigil.example.com CODE --file /var/lib/vigil/identity.json --run")


@pytest.mark.parametrize("name", ["redis", "ping-log"])
def test_s10_each_redis_has_users_a_memory_bound_and_a_bound_of_values(name: str) -> None:
    _, *given = SERVICES[name]["command"].removeprefix("redis-server").split("--")
    options = {"--" + option: value for option, _, value in (one.strip().partition(" ") for one in given)}
    assert options["--client-output-buffer-limit"] == OUTPUT_LIMIT
    assert options["--maxmemory-clients"] == "384mb"
    assert options["--aclfile"] == "/etc/redis/users.acl"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--maxmemory"] and options["--proto-max-bulk-len"] == "32mb"
    (users,) = (one for one in SERVICES[name]["volumes"] if "/etc/redis/" in one)
    example = FILE.parent / users.split(":")[0].replace(".acl", ".acl.example")
    assert "user default reset on nopass -@all +ping" in example.read_text().splitlines()
