"""Pictures of a status page: its logo and its icon, sent as files."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from vigil.status.changes import save_picture
from vigil.status.core.look.pictures import LIMITS, PictureRole
from vigil.status.models import StatusPage
from vigil.web.forms.errors import errors_by_field
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField, problems

_NAMES = {PictureRole.LOGO: "Logo", PictureRole.FAVICON: "Icon of the browser's tab"}


@require_http_methods(["GET", "HEAD", "POST"])
@page
def look(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The pictures that it has, and a form for each of the two."""
    reader.require_writer()
    row = get_object_or_404(StatusPage, team=reader.team, public_id=public_id[:40])
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        role = PictureRole(request.POST["role"]) if request.POST.get("role") in set(PictureRole) else PictureRole.LOGO
        try:
            save_picture(row, role, _sent(request, role))
            return redirect("status-page-look", row.public_id)
        except ValidationError as refused:
            errors = errors_by_field(refused)
    has = {PictureRole(one.role): one for one in row.pictures.defer("content")}
    forms = [(role, _field(role, errors), has.get(role)) for role in PictureRole]
    shown = {"row": row, "forms": forms, "problems": problems(errors)}
    return render_section(request, reader, "status-pages", "status_page_look.html", shown)


def _sent(request: HttpRequest, role: PictureRole) -> bytes | None:
    """The bytes that were sent; None where the picture is to be taken away."""
    if request.POST.get("do") == "remove":
        return None
    file = request.FILES.get(role.value)
    if file is None:
        raise ValidationError({role.value: ["Choose the file."]})
    content: bytes = file.read(LIMITS[role].size + 1)
    return content


def _field(role: PictureRole, errors: dict[str, list[str]]) -> FormField:
    limits = LIMITS[role]
    hint = f"PNG, JPEG or WebP, at most {limits.size // 1_000} kB and {limits.side} x {limits.side} pixels."
    return FormField(role.value, _NAMES[role], kind="file", hint=hint, errors=list(errors.get(role.value, ())))
