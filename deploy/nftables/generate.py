"""Print the nftables rules that keep a worker from addresses that are not public, from the lists of its egress guard.

python3 deploy/nftables/generate.py > deploy/nftables/vigil-egress.nft
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from probes.net.guard import Egress, refused_networks

_Network = TypeVar("_Network", ipaddress.IPv4Network, ipaddress.IPv6Network)

#: Public IPv6, and what a host without IPv4 reaches public IPv4 through: 96 bits, then the address.
PUBLIC_V6, NAT64 = "2000::/3", "64:ff9b::/96"

_RULES = """\
#!/usr/sbin/nft -f
# Second wall around a worker with VIGIL_EGRESS=public: the kernel refuses what its egress guard refuses before.
# Made by deploy/nftables/generate.py from the lists of the guard. Load it at each start, after the file that says
# whose packets are judged and what else the worker needs: deploy/guide/regions.md, "A second wall".
#
# `nft list counters table inet vigil_egress` counts what was refused here. It stays 0 while the guard does its work.

table inet vigil_egress {{
	counter refused {{
		comment "packets that the guard let out and should not have"
	}}

	# Users whose processes are workers.
	set workers {{
		type uid
	}}

	# Links behind which workers are in containers, such as a bridge of Docker.
	set worker_links {{
		type ifname
	}}

	# What the worker needs besides: name servers, Redis, and the networks of a VIGIL_EGRESS that is a list.
	set needed4 {{
		type ipv4_addr . inet_proto . inet_service
		flags interval
	}}

	set needed6 {{
		type ipv6_addr . inet_proto . inet_service
		flags interval
	}}

	set refused4 {{
		type ipv4_addr
		flags interval
		auto-merge
		elements = {{
{refused4}
		}}
	}}

	set refused6 {{
		type ipv6_addr
		flags interval
		auto-merge
		elements = {{
{refused6}
		}}
	}}

	chain output {{
		type filter hook output priority filter; policy accept;
		meta skuid @workers jump judge
	}}

	chain forward {{
		type filter hook forward priority filter - 1; policy accept;
		iifname @worker_links jump judge
	}}

	chain judge {{
		# Answers to who called the worker, such as its health check.
		ct direction reply return
		ip daddr . meta l4proto . th dport @needed4 return
		ip6 daddr . meta l4proto . th dport @needed6 return
		# To this host itself, under whichever address.
		meta oifname "lo" goto refuse
		ip daddr @refused4 goto refuse
		ip6 daddr @refused6 goto refuse
		ip6 daddr != {{ {public6} }} goto refuse
		# ISATAP: an IPv4 address behind 0:5efe, under any prefix.
		meta nfproto ipv6 @nh,256,32 {{ 0x00005efe, 0x02005efe }} jump judge_inside
	}}

	chain judge_inside {{
{inside}
	}}

	chain refuse {{
		counter name refused
		reject with icmpx admin-prohibited
	}}
}}
"""


def rules() -> str:
    """The whole file."""
    v4, v6 = refused()
    through_nat64 = [behind_nat64(network) for network in v4]
    return _RULES.format(
        refused4=_lines(v4),
        refused6=_lines([*v6, *through_nat64]),
        public6=f"{PUBLIC_V6}, {NAT64}",
        inside="\n".join(f"\t\t@nh,288,32 {_range(network)} goto refuse" for network in v4),
    )


def refused() -> tuple[list[ipaddress.IPv4Network], list[ipaddress.IPv6Network]]:
    """The networks that `public` refuses by themselves, of IPv4 and of IPv6."""
    networks = refused_networks(Egress.PUBLIC)
    return (
        _merged([each for each in networks if isinstance(each, ipaddress.IPv4Network)]),
        _merged([each for each in networks if isinstance(each, ipaddress.IPv6Network)]),
    )


def _merged(networks: Sequence[_Network]) -> list[_Network]:
    """Networks without those that are parts of others, in order."""
    return sorted(ipaddress.collapse_addresses(networks))


def behind_nat64(network: ipaddress.IPv4Network) -> ipaddress.IPv6Network:
    """The addresses by which a host without IPv4 reaches a network of IPv4."""
    first = ipaddress.IPv6Network(NAT64).network_address + int(network.network_address)
    return ipaddress.IPv6Network((first, 96 + network.prefixlen))


def _lines(networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    return ",\n".join(f"\t\t\t{_text(network)}" for network in networks)


def _text(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _range(network: ipaddress.IPv4Network) -> str:
    first, last = int(network.network_address), int(network.broadcast_address)
    return f"{first:#010x}" if first == last else f"{first:#010x}-{last:#010x}"


if __name__ == "__main__":
    sys.stdout.write(rules())
