"""Migrated servers for a benchmark, with Django set up."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
from cryptography.fernet import Fernet

from vigil.local.servers import postgres, redis

#: Where no Redis is needed: nothing listens there.
_NO_REDIS = "redis://127.0.0.1:1/0"


@contextlib.contextmanager
def own_database(durable: bool = True, with_redis: bool = True, **environment: str) -> Iterator[None]:
    """Servers as `up` would start them. The process's VIGIL_* variables are replaced by theirs and `environment`."""
    for name in [name for name in os.environ if name.startswith("VIGIL_") and name != "VIGIL_VENV"]:
        del os.environ[name]
    with contextlib.ExitStack() as stack:
        place = tempfile.TemporaryDirectory(prefix="vigil-bench-", dir="/var/tmp", ignore_cleanup_errors=True)
        home = Path(stack.enter_context(place))
        home.chmod(0o711)
        password = secrets.token_urlsafe(24)
        database = stack.enter_context(postgres.running(home, password, home / "postgres.log", durable=durable))
        redis_url = _NO_REDIS
        if with_redis:
            redis_url = stack.enter_context(redis.running(home, password, home / "redis.log")).url
        os.environ |= {
            "VIGIL_DATABASE_URL": database.url,
            "VIGIL_REDIS_URL": redis_url,
            "VIGIL_SECRET_KEY": secrets.token_urlsafe(50),
            "VIGIL_SEAL_KEYS": Fernet.generate_key().decode(),
            "VIGIL_ALLOWED_HOSTS": "*",
            "DJANGO_SETTINGS_MODULE": "vigil.settings",
            **environment,
        }
        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", interactive=False, verbosity=0)
        try:
            yield
        finally:
            connection.close()
