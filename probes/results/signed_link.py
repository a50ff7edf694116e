"""A region's link to the control plane: its name, what it signs with, and whose words it believes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from probes.signing.signatures import Signer


@dataclass(frozen=True, slots=True)
class SignedLink:
    """`verified` gives what the control plane wrote to a key, of the key and its value; None where it was another."""

    region: str
    signer: Signer
    verified: Callable[[str, bytes], bytes | None]
