"""Export API: a team's configuration as a document."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.parameters import is_asked, text_of, text_parameter
from vigil.api.base.permissions import is_staff, team_of
from vigil.api.base.views import ApiView
from vigil.api.openapi.shapes import DOCUMENT
from vigil.code.core.document import DEFAULT_PROJECT
from vigil.code.export import export_document

PROJECT_LENGTH = 100


class ExportView(ApiView):
    """Export of monitors as code."""

    @extend_schema(
        parameters=[
            text_parameter("project", PROJECT_LENGTH, "Default: `default`."),
            OpenApiParameter("everything", OpenApiTypes.BOOL, description="Also what no project owns."),
        ],
        responses={200: DOCUMENT},
    )
    def get(self, request: Request) -> Response:
        """The document of what a project owns. Secrets are references, never values."""
        team = team_of(request)
        assert team is not None  # The permission has seen to it.
        project = text_of(request, "project", PROJECT_LENGTH, DEFAULT_PROJECT)
        return Response(export_document(team, project, is_asked(request, "everything"), is_staff(request)))
