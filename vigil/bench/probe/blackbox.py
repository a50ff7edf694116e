"""Baseline: Debian's prometheus-blackbox-exporter on the same checks, if installed."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from vigil.bench.measure import cpu_ns
from vigil.bench.probe.rig import program
from vigil.bench.report import until
from vigil.cli.errors import CommandError
from vigil.local.servers import ports

PROGRAM = "prometheus-blackbox-exporter"
_WARM_UP = 100


class Blackbox:
    """A running exporter: `cost_us` is its CPU for a check, from scrape to answer."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port

    def cost_us(self, url: str, checks: int) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            self._look(connection, url, _WARM_UP)
            begun = cpu_ns(self._pid)
            self._look(connection, url, checks)
            return (cpu_ns(self._pid) - begun) / checks / 1000
        finally:
            connection.close()

    def _look(self, connection: http.client.HTTPConnection, url: str, checks: int) -> None:
        for _ in range(checks):
            connection.request("GET", f"/probe?module=http&target={quote(url, safe='')}")
            if b"\nprobe_success 1\n" not in connection.getresponse().read():
                raise CommandError(f"the exporter's check of {url} failed")


@contextmanager
def blackbox(home: Path, authority: Path) -> Iterator[Blackbox | None]:
    """A running exporter, or None if it is not installed."""
    found = shutil.which(PROGRAM)
    if found is None:
        yield None
        return
    settings, port = home / "blackbox.yml", ports.take_free_port()
    settings.write_text(
        "modules:\n  http:\n    prober: http\n    http:\n      preferred_ip_protocol: ip4\n"
        f"      tls_config:\n        ca_file: {authority}\n"
    )
    argv = [found, f"--config.file={settings}", f"--web.listen-address=127.0.0.1:{port}"]
    with program(argv, home / "blackbox.log") as pid:
        until(lambda: not ports.is_free(port), "the exporter does not start")
        yield Blackbox(pid, port)
