"""Scene: processes without an egress guard send to the whole address corpus, behind the nftables rules that ship."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.namespaces.isolated import CHECKOUT
from tests.e2e.namespaces.link import Network, open_world
from tests.probes.net.test_guard import corpus

RULES = CHECKOUT / "deploy" / "nftables" / "vigil-egress.nft"
#: What a socket tells of a packet that the rules refuse: TCP over IPv4 and over IPv6, UDP.
_REFUSED = (errno.EHOSTUNREACH, errno.EACCES, errno.EPERM)
_SET = "add element inet vigil_egress {set} {{ {element} }}"
NEEDED = {("10.0.0.53", "udp", 53), ("10.0.0.53", "udp", 54), ("10.1.2.3", "tcp", 8050)}


def outcome(address: str, port: int = 443, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """The error of a connection to an address: 0 for none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as made:
        made.settimeout(3)
        try:
            made.connect((address, port))
            if kind is socket.SOCK_DGRAM:
                # A refusal comes back to the next call.
                made.send(b"x")
                made.recv(1)
        except TimeoutError:
            return 0
        except OSError as error:
            return error.errno or -1
    return 0


def play() -> dict[str, object]:
    """In the worker's network: what is refused, and what cannot be sent at all."""
    refused, unsendable = [], []
    addresses = [address for address, _, _ in corpus()]
    with ThreadPoolExecutor(64) as pool:
        errors = list(pool.map(lambda address: outcome(address.partition("%")[0]), addresses))
    for address, error in zip(addresses, errors, strict=True):
        if error in _REFUSED:
            refused.append(address)
        elif error not in (0, errno.ECONNREFUSED):
            unsendable.append(address)
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    needed = {
        f"{address} {protocol} {port}": outcome(address, port, kinds[protocol]) not in _REFUSED
        for address, protocol, port in sorted(NEEDED)
    }
    return {"refused": refused, "unsendable": unsendable, "needed": needed}


def main() -> None:
    if sys.argv[1:] == ["inside"]:
        print(json.dumps(play()))
        return
    open_world()
    network = Network()
    network.run("nft", "-f", str(RULES))
    other_user = network.run(sys.executable, "-c", _ONE) == "refused\n"
    for name, element in (
        ("workers", str(os.geteuid())),
        ("needed4", "10.0.0.53 . udp . 53"),
        ("needed4", "10.1.0.0/16 . tcp . 8000-8100"),
    ):
        network.run("nft", _SET.format(set=name, element=element))
    seen = json.loads(network.run(sys.executable, "-m", "tests.e2e.namespaces.wall_scene", "inside"))
    counter = network.run("nft", "list", "counter", "inet", "vigil_egress", "refused")
    found = re.search(r"packets (\d+)", counter)
    print(json.dumps({**seen, "other_user": other_user, "refused_counter": int(found[1]) if found else 0}))


#: A process of a user who is no worker comes to the world, where no program listens.
_ONE = """
import socket
try:
    socket.create_connection(("10.9.9.9", 443), 3)
except ConnectionRefusedError:
    print("refused")
"""

if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
