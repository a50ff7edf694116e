"""Documentation page of the API: every operation to read and try, and for a stranger the way in."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication

from vigil.web.pages.shell import theme_of

# The page sets inline styles; its scripts are our own static files.
_operations = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", authentication_classes=[SessionAuthentication])
)


@require_safe
def api_docs(request: HttpRequest) -> HttpResponseBase:
    """Operations for a signed-in person; for others how to get a token, and the sign-in."""
    if request.user.is_authenticated:
        return _operations(request)
    shown = {"shell": {"theme": theme_of(request)}, "base_url": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "web/pages/api_docs.html", shown)
