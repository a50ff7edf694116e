"""Real PostgreSQL and Redis for the whole test session, and the settings that point every process at them."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer

from tests.scheduling import PacedScheduling
from vigil.local.servers import postgres as local_postgres
from vigil.local.servers import redis as local_redis

# Modules and tests stay to the end: looking through them for garbage while they grow, and at each collection
# afterwards, is a tenth of the time of a run.
gc.disable()

_SERVERS = pytest.StashKey[contextlib.ExitStack]()

# How long an example takes to draw or to run says how busy the machine is, and nothing of what is tested.
settings.register_profile("tests", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        config.stash[_SERVERS] = _start_servers()
    else:
        # Each worker has its own Redis database; its PostgreSQL database is pytest-django's doing.
        server = os.environ["VIGIL_REDIS_URL"].rsplit("/", 1)[0]
        os.environ["VIGIL_REDIS_URL"] = f"{server}/{int(worker.removeprefix('gw')) + 1}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "vigil.settings"
    import django

    django.setup()
    from tests.empty_tables import empty_after_tests_that_commit
    from tests.static_files import look_up_static_files_once

    empty_after_tests_that_commit()
    look_up_static_files_once()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> PacedScheduling | None:
    return PacedScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


def _start_servers() -> contextlib.ExitStack:
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-test-", ignore_cleanup_errors=True)))
        # PostgreSQL started by root runs as another account, which must be able to pass.
        home.chmod(0o711)
        password = secrets.token_urlsafe(24)
        database = stack.enter_context(local_postgres.running(home, password, home / "postgres.log", durable=False))
        broker = stack.enter_context(local_redis.running(home, password, home / "redis.log"))
        with redis.Redis.from_url(broker.url) as client:
            # The workers share it: what one would empty, another stands on.
            client.acl_setuser("default", enabled=True, commands=["-flushall", "-swapdb", "-shutdown"])
        (home / "data").mkdir(mode=0o700)
        os.environ |= {
            "VIGIL_DATABASE_URL": database.url,
            "VIGIL_REDIS_URL": broker.url,
            "VIGIL_DATA_DIR": str(home / "data"),
            "VIGIL_SECRET_KEY": secrets.token_urlsafe(50),
            "VIGIL_SEAL_KEYS": Fernet.generate_key().decode(),
            "VIGIL_BASE_URL": "http://testserver",
            "VIGIL_ALLOWED_HOSTS": "*",
            "VIGIL_ALERT_EGRESS": "private",
            "VIGIL_DEBUG": "false",
        }
        return stack.pop_all()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Where several workers want a test database, migrations run once for all of them."""
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        from tests.template_database import copy_test_database_from_template

        with django_db_blocker.unblock():
            copy_test_database_from_template()


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of the session's PostgreSQL, for tests that want no Django."""
    return os.environ["VIGIL_DATABASE_URL"]


_REGIONS = ("eu", "us", "ap", "eu-west", "us-east", "us-west", "ap-south", "good", "bad", "one", "two")
_CACHED = (
    ("vigil.monitors.live.results", "region_keys"),
    ("vigil.control_keys", "control_macs"),
    ("vigil.configuration", "configuration"),
    ("vigil.monitors.live.results", "redis_client"),
    ("vigil.monitors.live.results", "region_client"),
    ("vigil.heartbeats.receiving.call", "ping_client"),
)


@pytest.fixture(autouse=True)
def _no_guesses() -> Iterator[None]:
    """Calls without a token in one test make no other wait."""
    yield
    if "vigil.guess_limits" in sys.modules:
        sys.modules["vigil.guess_limits"].SECRETS.forget()


def _trust_regions(client: redis.Redis) -> None:
    """Publish the keys of the regions that tests stand in for; ingest replaces the list by those of its rows."""
    from tests.signed import trust

    trust(client, *_REGIONS)


@pytest.fixture
def redis_url() -> str:
    """The address of this test's Redis database, empty at the start."""
    url = os.environ["VIGIL_REDIS_URL"]
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        _trust_regions(client)
    # A test with settings of its own, or with another server, may have left them in these caches.
    for module, name in _CACHED:
        if module in sys.modules:
            getattr(sys.modules[module], name).cache_clear()
    return url
