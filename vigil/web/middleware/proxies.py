"""Middleware that says how a request reached Vigil: its scheme by the base URL, its client behind trusted proxies."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from vigil.client_address import client_address
from vigil.configuration import configuration


class BehindProxies:
    """Sets the scheme to that of VIGIL_BASE_URL, and REMOTE_ADDR to the client before VIGIL_TRUSTED_PROXIES.

    A proxy speaks TLS, and plain HTTP to Vigil: without this no answer carries HSTS, and pages link to http://.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        settings = configuration()
        if settings.is_https:
            request.META["wsgi.url_scheme"] = "https"
            request.META["SERVER_PORT"] = "443"
        forwarded = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        request.META["vigil.is_forwarded"] = bool(forwarded)
        if settings.trusted_networks:
            peer = request.META.get("REMOTE_ADDR", "")
            request.META["REMOTE_ADDR"] = client_address(peer, forwarded, settings.trusted_networks)
        return self._get_response(request)
