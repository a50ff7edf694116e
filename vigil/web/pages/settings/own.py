"""What a person chose for this device: the theme, and whether single keys act. Kept in cookies of the device."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import THEME_COOKIE, THEMES, PageReader, page, theme_of

A_YEAR_S = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
@page
def you(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Choose the theme of this device; single keys are switched by a script, since they need one."""
    if request.method == "POST":
        answer = redirect("settings-you")
        theme = request.POST.get("theme", "")
        # The script of the pages changes it too, so it may read it.
        answer.set_cookie(
            THEME_COOKIE, theme if theme in THEMES else "", A_YEAR_S, secure=request.is_secure(), samesite="Lax"
        )
        return answer
    themes = [(value, words, value == theme_of(request)) for value, words in _THEMES]
    return render_section(request, reader, "you", "you.html", {"themes": themes})


_THEMES = (("", "As the system has it"), ("light", "Light"), ("dark", "Dark"))
