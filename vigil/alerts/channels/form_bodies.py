"""Bodies of forms: `multipart/form-data` with one file, and `application/x-www-form-urlencoded`. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class File:
    """A file of plain text that goes along."""

    field: str
    name: str
    content: bytes


def multipart(fields: Mapping[str, bytes], file: File) -> tuple[bytes, dict[str, str]]:
    """The body and its headers. Field and file names are ours, so nothing in them needs quoting."""
    everything = b"".join((*fields.values(), file.content))
    # From the content itself, so that it cannot be in there by chance and the same message gives the same body.
    boundary = f"vigil-{hashlib.sha256(everything).hexdigest()[:40]}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {'application/json' if name.endswith('json') else 'text/plain; charset=utf-8'}\r\n\r\n".encode()
        + value
        + b"\r\n"
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{file.field}"; filename="{file.name}"\r\n'
        "Content-Type: text/plain; charset=utf-8\r\n\r\n".encode()
        + file.content
        + b"\r\n"
    )
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return body, {"content-type": f"multipart/form-data; boundary={boundary}"}


def urlencoded(fields: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """The body of a plain form and its headers."""
    return urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"}
