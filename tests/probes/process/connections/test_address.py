"""Addresses of Redis: a server's, and those of Sentinels; what is neither is refused with what it should look like."""

from __future__ import annotations

import pytest

from probes.process.connections.address import RedisAddress, parse_redis_url
from probes.process.connections.plaintext import Plaintext, checked_redis_url
from probes.queue.app import region_app
from probes.text import without_credentials

SENTINELS = "redis+sentinel://control:pass%40word@one:26379,[fd00::2]:26380,three/mymaster/2?sentinel_user=s&sentinel_password=s3cret"


def test_an_address_of_sentinels_names_them_the_primary_and_both_logins() -> None:
    found = parse_redis_url(SENTINELS)
    assert found.places == (("one", 26379), ("fd00::2", 26380), ("three", 26379))
    assert (found.service, found.path, found.is_tls) == ("mymaster", "/2", False)
    assert found.at(("10.0.0.9", 6379)) == "redis://control:pass%40word@10.0.0.9:6379/2"
    assert found.sentinel_at(("fd00::2", 26380)) == "redis://s:s3cret@[fd00::2]:26380"
    assert "pass" not in repr(found) and "s3cret" not in repr(found)


def test_tls_holds_for_servers_and_sentinels_with_the_same_options() -> None:
    found = parse_redis_url("rediss+sentinel://u:p@one,two/mymaster/0?ssl_ca_certs=/etc/ca.pem")
    assert found.is_tls
    assert found.at(("h", 1)) == "rediss://u:p@h:1/0?ssl_ca_certs=%2Fetc%2Fca.pem"
    assert found.sentinel_at(("one", 26379)) == "rediss://one:26379?ssl_ca_certs=%2Fetc%2Fca.pem"


@pytest.mark.parametrize(
    "url",
    [
        SENTINELS.replace("three/", "three:26379/"), "redis://u:p@host:6379/0", "rediss://host:6380/3",
        "unix:///run/redis.sock", "rediss+sentinel://u:p@one:26379/mymaster",
    ],
)  # fmt: skip
def test_an_address_is_written_as_it_was_read(url: str) -> None:
    assert parse_redis_url(url).url == url
    assert parse_redis_url(parse_redis_url(url).url) == parse_redis_url(url)


def test_an_address_for_another_user_keeps_all_but_the_login() -> None:
    other = parse_redis_url(SENTINELS).for_user("worker-eu", "a/b@c")
    assert other.startswith("redis+sentinel://worker-eu:a%2Fb%40c@one:26379,") and "control" not in other


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one,two", "redis+sentinel://one,/mymaster", "redis+sentinel://one/mymaster/x",
        "redis+sentinel://" + ",".join(f"s{number}" for number in range(10)) + "/mymaster", "http://one/mymaster", "",
        "redis+sentinel://one:port/mymaster", "redis://host:port/0",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        parse_redis_url(url)


def test_every_sentinel_off_this_machine_needs_tls_or_a_private_network() -> None:
    assert checked_redis_url("redis+sentinel://127.0.0.1:1,localhost:2/m")
    with pytest.raises(ValueError, match="must be rediss://"):
        checked_redis_url("redis+sentinel://127.0.0.1:1,10.0.0.2:2/m")
    with pytest.raises(ValueError, match="must be rediss://"):
        checked_redis_url("redis+sentinel://127.0.0.1:1,8.8.8.8:2/m", Plaintext.PRIVATE_NETWORK)


def test_no_password_of_an_address_is_shown() -> None:
    shown = without_credentials(f"no Redis at {SENTINELS} for 10 s")
    assert "pass" not in shown.replace("sentinel_password", "") and "s3cret" not in shown
    assert "one:26379" in shown and shown.endswith("for 10 s")


def test_celery_gets_the_same_sentinels_by_the_same_setting() -> None:
    conf = region_app("eu", SENTINELS).conf
    assert parse_redis_url(conf.broker_transport_options["vigil_sentinels"]) == parse_redis_url(SENTINELS)
    assert "vigil_sentinels" not in region_app("eu", "redis://127.0.0.1:1/0").conf.broker_transport_options
    assert isinstance(parse_redis_url(conf.broker_url), RedisAddress)
