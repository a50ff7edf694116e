"""Form encoding: `multipart/form-data` with one file, and `application/x-www-form-urlencoded`. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class File:
    """A plain-text file to attach."""

    field: str
    name: str
    content: bytes


def multipart(fields: Mapping[str, bytes], file: File) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a multipart form. Field and file names are constants, so nothing needs quoting."""
    everything = b"".join((*fields.values(), file.content))
    # A hash of the content: cannot occur in it by chance, and the same message gives the same body.
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
    """Body and headers of a URL-encoded form."""
    return urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"}
