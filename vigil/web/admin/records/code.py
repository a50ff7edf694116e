"""Admin of monitors as code: who owns which object, and plans without what is sealed in them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.code.models import ConfigurationPlan, ManagedObject
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(ManagedObject)
class ManagedObjectAdmin(ReadOnlyAdmin):
    list_display = ("key", "section", "project", "public_id", "file", "line", "team")
    list_filter = ("team",)
    search_fields = ("=public_id", "key", "project")
    list_select_related = ("team",)
    # Keyed hashes of secrets, and references to them.
    hidden = ("references", "written", "applied")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ManagedObject]:
        return super().get_queryset(request).defer(*self.hidden)


@admin.register(ConfigurationPlan)
class ConfigurationPlanAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "project", "created_by", "created_at", "applied_by", "applied_at", "team")
    list_filter = ("applied_at", "team")
    search_fields = ("=public_id", "project", "created_by", "commit")
    list_select_related = ("team",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConfigurationPlan]:
        return super().get_queryset(request).defer("sealed")
