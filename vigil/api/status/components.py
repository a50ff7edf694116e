"""Components of status pages as fields of the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from vigil.api.base.teams import InTeam
from vigil.status.models import PageComponent


class OfPages(InTeam):
    """Components of the team's pages, by their public ids."""

    def get_queryset(self) -> QuerySet[Any]:
        return PageComponent.objects.filter(page__team=self.context.get("team")).select_related("page")
