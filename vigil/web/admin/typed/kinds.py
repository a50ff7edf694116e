"""Pages whose form depends on a kind: a new row begins with the choice of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from vigil.web.admin.pieces import TeamAdminBase

#: The kind of a new row, in the address of its form.
KIND = "kind"


class PagesByKind(TeamAdminBase):
    """Admin of a model with a `kind`, which a row keeps."""

    def kinds(self) -> Sequence[tuple[str, str]]:
        """Kinds that a new row may have, with their words."""
        raise NotImplementedError

    def kind_of(self, request: HttpRequest, obj: Any) -> str:
        """The kind of a stored row, or the one that a new row's address names; raises Http404 for an unknown one."""
        if obj is not None:
            return str(obj.kind)
        kind = request.GET.get(KIND, "")
        if kind not in dict(self.kinds()):
            raise Http404("There is no such kind.")
        return kind

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Mapping[str, Any] | None = None) -> Any:
        """The choice of a kind, then its form."""
        if KIND in request.GET:
            return super().add_view(request, form_url, dict(extra_context or {}))
        return self._choice(request)

    def _choice(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        shown = {
            **self.admin_site.each_context(request),
            "title": f"Add {self.opts.verbose_name}: of which kind?",
            "opts": self.opts,
            "kinds": self.kinds(),
        }
        return TemplateResponse(request, "web/admin/kinds.html", shown)
