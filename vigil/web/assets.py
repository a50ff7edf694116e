"""Bundles of styles, scripts and icons: files joined, compressed and named by their content when a process starts.

There is no build step: a bundle is the files of `static/web/` in order. Its address holds a digest of its bytes, so
browsers keep it for a year.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from vigil.status.core.content_codings import accepted_codings

FOLDER = Path(__file__).parent / "static" / "web"

#: Files of each bundle, in order. Of our own scripts every file is a block of its own: they share no names.
BUNDLES = {
    "vigil.css": ("tokens.css", "parts.css"),
    "forms.css": ("forms.css",),
    "schedules.css": ("schedules.css",),
    "chart.css": ("vendor/uplot-1.6.32.min.css",),
    "htmx.js": ("vendor/htmx-4.0.1.min.js",),
    "vigil.js": (
        "modules/toast.js",
        "modules/times.js",
        "modules/theme.js",
        "modules/strips.js",
        "modules/filters.js",
        "modules/rows.js",
        "modules/palette.js",
        "modules/live.js",
    ),
    "forms.js": ("modules/copy.js", "modules/runs.js"),
    "strips.js": ("modules/strips.js",),
    "chart.js": ("vendor/uplot-1.6.32.iife.min.js", "modules/chart.js"),
    "icons.svg": ("icons.svg",),
}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_A_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AssetBundle:
    """A bundle's bytes, plain and compressed, and the name that holds their digest."""

    name: str
    content_type: str
    plain: bytes
    gzipped: bytes
    brotlied: bytes


@lru_cache(maxsize=len(BUNDLES))
def bundle(name: str) -> AssetBundle:
    """A bundle by its name, such as `vigil.css`; raises KeyError for another."""
    stem, _, extension = name.partition(".")
    plain = b"\n".join(_part(file) for file in BUNDLES[name])
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return AssetBundle(
        name=f"{stem}.{digest}.{extension}",
        content_type=_TYPES[extension],
        plain=plain,
        gzipped=gzip.compress(plain, mtime=0),
        brotlied=brotli.compress(plain),
    )


def address_of(name: str) -> str:
    """Address of a bundle, such as `/assets/vigil.0123456789ab.css`."""
    return reverse("asset", args=[bundle(name).name])


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """A bundle as the browser takes it best. A digest of another release is a 404, and never answered with this one."""
    stem, _, extension = name.partition(".")
    plain_name = f"{stem}.{extension.rpartition('.')[2]}"
    if plain_name not in BUNDLES or bundle(plain_name).name != name:
        raise Http404
    wanted = bundle(plain_name)
    encoding = accepted_codings(request.headers.get("Accept-Encoding", ""))[0]
    bodies = {"br": wanted.brotlied, "gzip": wanted.gzipped}
    answer = HttpResponse(bodies.get(encoding, wanted.plain), content_type=wanted.content_type)
    if encoding:
        answer["Content-Encoding"] = encoding
    patch_vary_headers(answer, ["Accept-Encoding"])
    answer["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable"
    return answer


def _part(file: str) -> bytes:
    content = (FOLDER / file).read_bytes()
    return b"{\n" + content + b"}\n" if file.startswith("modules/") else content
