"""Connection of a command to an installation: the one in the environment, else the one that runs on this machine."""

from __future__ import annotations

import os
import sys

from vigil.cli.errors import CommandError
from vigil.local.environments import Addresses, control_env
from vigil.local.folder import chosen_path, is_held, read_secrets, read_settings, read_state
from vigil.local.servers import ports


def connect(data_dir: str | None = None) -> None:
    """Complete VIGIL_* from the running installation's data folder, and set Django up; raises CommandError.

    That includes what `up` was started with, such as its mail server. What this environment names itself counts first.

    An environment that names its database needs nothing from any folder.
    """
    # Before anything else, so that a missing extra is the first thing said.
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    if not os.environ.get("VIGIL_DATABASE_URL") or not os.environ.get("VIGIL_SECRET_KEY"):
        os.environ.update(environment_of_running(data_dir))
    django.setup()
    _log_to_stderr()


def _log_to_stderr() -> None:
    """Keep log lines out of standard output, which belongs to the answer of a command and may be JSON."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def environment_of_running(data_dir: str | None) -> dict[str, str]:
    """Environment of a process of the installation that runs in this folder; raises CommandError."""
    path = chosen_path(data_dir)
    state, secrets = read_state(path), read_secrets(path)
    if secrets is None or not is_held(path):
        raise CommandError(
            f"nothing runs on {path}: start it with `python3 manage.py up`, or set VIGIL_DATABASE_URL, "
            "VIGIL_REDIS_URL, VIGIL_SECRET_KEY and VIGIL_SEAL_KEYS"
        )
    environment = {**read_settings(path), **os.environ}
    database = f"postgresql://vigil:{secrets.database_password}@{ports.LOOPBACK}:{state.postgres_port}/vigil"
    redis = f"redis://:{secrets.redis_password}@{ports.LOOPBACK}:{state.redis_port}/0"
    pings = f"redis://:{secrets.redis_password}@{ports.LOOPBACK}:{state.ping_redis_port}/0"
    addresses = Addresses(
        database_url=environment.get("VIGIL_DATABASE_URL") or database,
        redis_url=environment.get("VIGIL_REDIS_URL") or redis,
        base_url=state.address,
        web_port=state.web_port,
        ping_redis_url=environment.get("VIGIL_PING_REDIS_URL") or (pings if state.ping_redis_port else ""),
        ping_port=state.ping_port,
    )
    return control_env(addresses, secrets, path, environment)
