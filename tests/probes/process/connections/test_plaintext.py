"""Without TLS, Redis is used on this machine, and elsewhere only in a network that the operator calls private."""

from __future__ import annotations

import pytest

from probes.process.connections.plaintext import Plaintext, checked_redis_url


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0", "redis://:pw@localhost/0", "redis://[::1]:6379/0", "redis://127.9.9.9", "redis:///0",
        "rediss://redis.example.com:6380/0", "rediss://8.8.8.8/0", "unix:///run/redis.sock",
    ],
)  # fmt: skip
def test_s08_this_machine_and_tls_are_taken(url: str) -> None:
    assert checked_redis_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:hunter2@redis:6379/0", "redis://10.0.0.9/0", "redis://127.0.0.1.example.com/0", "REDIS://redis/0",
        "redis://localhost.example.com/0", "redis://[fd00::1]/0", "redis://0.0.0.0/0", "redis://[::ffff:10.0.0.1]/0",
    ],
)  # fmt: skip
def test_s08_another_machine_is_refused_unless_its_network_is_called_private(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be rediss://.*VIGIL_REDIS_PLAINTEXT=private-network") as refused:
        checked_redis_url(url)
    assert "hunter2" not in str(refused.value)
    assert checked_redis_url(url, Plaintext.PRIVATE_NETWORK) == url


@pytest.mark.parametrize("url", ["redis://8.8.8.8/0", "redis://[2606:4700::1111]/0"])
def test_s08_a_public_address_is_no_private_network(url: str) -> None:
    with pytest.raises(ValueError, match="must be rediss://: "):
        checked_redis_url(url, Plaintext.PRIVATE_NETWORK)
