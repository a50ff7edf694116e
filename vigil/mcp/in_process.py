"""API inside this process: requests go to Django directly, as if they had come over HTTP from the assistant."""

from __future__ import annotations

import httpx
from django.core.wsgi import get_wsgi_application

from vigil.client_address import client_address
from vigil.configuration import configuration
from vigil.mcp.api import CallerApi
from vigil.mcp.http import ApiOf


def api_in_process() -> ApiOf:
    """A maker of APIs: for a token, the other end of the connection, and what it says in X-Forwarded-For."""
    application, settings = get_wsgi_application(), configuration()

    def api_of(token: str, peer: str, forwarded: str) -> CallerApi:
        address = client_address(peer, forwarded, settings.trusted_networks)
        # Those who guess tokens wait by their address, as they do at the API.
        return CallerApi(settings.base_url, token, httpx.WSGITransport(application, remote_addr=address or "127.0.0.1"))

    return api_of
