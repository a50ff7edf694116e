"""Types of fields that are stored in one form alone: networks, and words of a pattern. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from vigil.code.core.fields.types import Json, Wrong, read_text
from vigil.code.core.tree import Node, shown


@dataclass(frozen=True, slots=True)
class PatternType:
    """Text that matches a pattern as a whole, or is empty."""

    pattern: str
    words: str
    most: int

    def read(self, node: Node) -> str:
        text = read_text(node)
        if text and not (len(text) <= self.most and re.fullmatch(self.pattern, text)):
            raise Wrong(self.words)
        return text

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": rf"^({self.pattern})?$", "maxLength": self.most}


@dataclass(frozen=True, slots=True)
class NetworkType:
    """A network such as 10.0.0.0/8, or one address."""

    def read(self, node: Node) -> str:
        text = read_text(node)
        try:
            return str(ip_network(text[:60]))
        except ValueError:
            raise Wrong(f"{shown(text)} is no network: write 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7") from None

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "maxLength": 50}
