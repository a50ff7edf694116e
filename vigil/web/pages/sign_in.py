"""Sign-in and sign-out of people with a password; a one-time link is `vigil.web.login`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from vigil.web.pages.shell import theme_of
from vigil.web.parts.fields import FormField


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """The form; a wrong name and a wrong password get the same answer."""

    template_name = "web/pages/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        context = super().get_context_data(**named)
        # A sent form that is shown again was wrong; the password is asked for once more.
        is_wrong = context["form"].is_bound
        name = str(self.request.POST.get("username", ""))[:150] if is_wrong else ""
        context["fields"] = [
            FormField("username", "Name", name, required=True, autocomplete="username"),
            FormField("password", "Password", kind="password", required=True, autocomplete="current-password"),
        ]
        context["is_wrong"] = is_wrong
        context["shell"] = {"theme": theme_of(self.request)}
        return context


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")
