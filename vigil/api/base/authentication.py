"""Token authentication: `Authorization: Bearer vgl_...`."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from vigil.accounts.authors import VIA_HEADER, means_of
from vigil.accounts.models import ApiToken, User
from vigil.accounts.tokens import find_token
from vigil.api.base.rate_limits import count_request
from vigil.guess_limits import SECRETS


class TokenUser(AnonymousUser):
    """User of a token, which belongs to a team and not to a person."""

    def __init__(self, token: ApiToken) -> None:
        super().__init__()
        self.pk = token.public_id  # type: ignore[assignment]
        self.username = token.name  # type: ignore[assignment]

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        return False


class TokenAuthentication(BaseAuthentication):
    """Authenticates a bearer token; `request.auth` is the token."""

    def authenticate(self, request: Request) -> tuple[User | TokenUser, ApiToken] | None:
        scheme, _, plain = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = find_token(plain.strip().decode("ascii", "replace"), timezone.now())
        if token is None:
            # Before the throttles, which come after authentication. A right token is always taken.
            wait_s = SECRETS.failed(request.META.get("REMOTE_ADDR", ""))
            if wait_s:
                raise Throttled(wait_s)
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        count_request(request._request, f"token {token.pk}")
        return token.user or TokenUser(token), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def signed_name(request: Request) -> str:
    """The caller's name as what it writes is signed: `ops (MCP)` where an assistant wrote it."""
    name, means = request.user.get_username(), means_of(request.headers.get(VIA_HEADER), "")
    return f"{name[:100]} ({means})" if means else name


class TokenScheme(OpenApiAuthenticationExtension):
    """OpenAPI description of the bearer token."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "vgl_<prefix>_<secret>"}
