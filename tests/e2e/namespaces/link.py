"""Networks of a scene: the world, where every address answers, and a worker's network with one link to the world.

Only for a script that runs in namespaces of its own (isolated.py).
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The world's own address on each link, by the number of the link; a worker has the next one.
WORLD4, WORLD6 = "10.77.{number}.1", "fd77:{number}::1"
WORKER4, WORKER6 = "10.77.{number}.2", "fd77:{number}::2"

#: All destinations to which this network sends packets, but for what IPv6 itself needs on a link.
_COUNTING = """
table inet counting {
    set seen4 { type ipv4_addr; size 65535; flags dynamic; counter; }
    set seen6 { type ipv6_addr; size 65535; flags dynamic; counter; }
    chain output {
        type filter hook output priority 100
        icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report, nd-router-solicit, \
            nd-neighbor-solicit, nd-neighbor-advert } return
        update @seen4 { ip daddr }
        update @seen6 { ip6 daddr }
    }
}
"""
#: Errors are told to a host as often as there are some: one after the other would take seconds.
_UNLIMITED = ("ipv4/icmp_ratemask", "ipv6/icmp/ratelimit")
#: Packets of one link are dropped, in both directions and without a word.
_CUT = """
table inet cut {{
    chain input {{ type filter hook prerouting priority -500; iifname "{device}" drop; }}
    chain output {{ type filter hook postrouting priority 500; oifname "{device}" drop; }}
}}
"""


def run(*command: str, stdin: str = "") -> str:
    """What a command prints; raises where it fails."""
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=20, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ended.stderr.strip()[:500]}")
    return ended.stdout


def open_world() -> None:
    """Let this network take packets for every address there is."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
    run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo", "table", "local")
    for name in _UNLIMITED:
        run("tee", f"/proc/sys/net/{name}", stdin="0")


class Network:
    """A worker's network, with the link of this number to the world. It lives until the scene ends."""

    def __init__(self, number: int = 0) -> None:
        self.number, self._device = number, f"world{number}"
        self.world4, self.world6 = WORLD4.format(number=number), WORLD6.format(number=number)
        self._holder = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-c", "print(flush=True); import time; time.sleep(10_000)"],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self._connect()
        for name in _UNLIMITED:
            self.run("tee", f"/proc/sys/net/{name}", stdin="0")
        self.run("nft", "-f", "-", stdin=_COUNTING)

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a command in this network."""
        return run(*self.inside(*command), stdin=stdin)

    def inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *command]

    def start(self, argv: list[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(self.inside(*argv), env=dict(env), stdout=output, stderr=output)

    def packets(self) -> dict[str, int]:
        """Destination -> packets sent there since the beginning, over the link and over loopback."""
        found: dict[str, int] = {}
        for name in ("seen4", "seen6"):
            listed: Any = json.loads(self.run("nft", "-j", "list", "set", "inet", "counting", name))
            for each in listed["nftables"]:
                for element in each.get("set", {}).get("elem", ()):
                    found[str(ipaddress.ip_address(element["elem"]["val"]))] = element["elem"]["counter"]["packets"]
        return found

    def cut(self) -> None:
        """Drop every packet of this link from now on; no connection is closed."""
        run("nft", "-f", "-", stdin=_CUT.format(device=self._device).replace("inet cut", f"inet {self._device}"))

    def mend(self) -> None:
        run("nft", "delete", "table", "inet", self._device)

    def _connect(self) -> None:
        worker4, worker6 = WORKER4.format(number=self.number), WORKER6.format(number=self.number)
        near, far = self._device, "uplink"
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", str(self._holder.pid))
        run("ip", "link", "set", near, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", far, "up")
        for address, mask in ((self.world4, 24), (self.world6, 64)):
            run("ip", "address", "add", f"{address}/{mask}", "dev", near, *(["nodad"] if ":" in address else []))
        # The table of local addresses, which holds all of them, is asked first: so the worker's network is there too.
        run("ip", "route", "add", f"{worker4}/32", "dev", near, "table", "local")
        run("ip", "-6", "route", "add", f"{worker6}/128", "dev", near, "table", "local")
        for address, mask, gateway in ((worker4, 24, self.world4), (worker6, 64, self.world6)):
            family = ["-6"] if ":" in address else []
            nodad = ["nodad"] if family else []
            self.run("ip", "address", "add", f"{address}/{mask}", "dev", far, *nodad)
            self.run("ip", *family, "route", "add", "default", "via", gateway, "dev", far)
