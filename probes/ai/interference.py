"""Signs of a network that interferes on the way to a known provider. Pure.

The provider itself answers by its own name at public addresses and never resets a connection over its name: what does
is a network in between, such as a censor, a filter or a captive portal. It is seen from one network only, so such a
region has no vote; where most regions see it, vigil tells it. Sources: bangumi/api#279 (a name that is reset, while
another at the same address is not), net4people/bbs#284, j178/chatgpt#28 (a certificate of another name).
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum

#: Domains of providers that serve from their own public hosts.
_DOMAINS = (
    "openai.com", "anthropic.com", "cohere.com", "cohere.ai", "generativelanguage.googleapis.com",
    "aiplatform.googleapis.com", "mistral.ai", "groq.com", "together.xyz", "together.ai", "fireworks.ai",
    "deepseek.com", "x.ai", "openrouter.ai", "huggingface.co", "integrate.api.nvidia.com",
    "perplexity.ai", "replicate.com", "elevenlabs.io", "stability.ai", "voyageai.com", "cerebras.ai",
)  # fmt: skip


class Sign(StrEnum):
    """What shows that a network interferes."""

    NAME_RESET = "name_reset"
    BOGUS_ADDRESS = "bogus_address"
    OTHER_CERTIFICATE = "other_certificate"


def is_of_provider(host: str) -> bool:
    """Whether a host is one of a known provider: `api.openai.com` is, `api.openai.com.evil` is not.

    Clouds where an owner may have a private address under the same name (Azure, AWS) are not among them.
    """
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in _DOMAINS)


def is_bogus(address: str) -> bool:
    """Whether no public service can be at an address: loopback, private, reserved."""
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def in_words(sign: Sign, host: str, address: str) -> str:
    """A sign in one line; `address` is the one that the name resolved to."""
    name = host[:80]
    return {
        Sign.NAME_RESET: f"the connection to {address} is reset once it names {name}, and not without a name",
        Sign.BOGUS_ADDRESS: f"{name} resolves to {address} here, which is no public address",
        Sign.OTHER_CERTIFICATE: f"{address}, to which {name} resolves here, shows a certificate of another name",
    }[sign]
