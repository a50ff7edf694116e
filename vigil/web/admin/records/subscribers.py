"""Admin of subscribers, what they asked for, and their letters; addresses stay sealed."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.status.subscriber_models import Subscriber, SubscriberLetter, SubscriptionRequest
from vigil.status.subscribers.changes import unsubscribe
from vigil.web.admin.pieces import ReadOnlyAdmin


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "page", "kind", "state", "off_reason", "failures", "last_error", "asked_at")
    list_filter = ("state", "kind", "off_reason", "page", "team")
    search_fields = ("=public_id", "=page__slug")
    list_select_related = ("page",)
    hidden = ("fingerprint",)
    actions = ("end",)

    @admin.action(description="Unsubscribe: forget them with their letters", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        gone = sum(unsubscribe(public_id) for public_id in queryset.values_list("public_id", flat=True))
        messages.info(request, f"{gone} unsubscribed.")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("status.delete_subscriber")


@admin.register(SubscriptionRequest)
class SubscriptionRequestAdmin(ReadOnlyAdmin):
    list_display = ("at", "page", "kind", "outcome")
    list_filter = ("kind", "outcome", "page")
    search_fields = ("=page__slug",)
    list_select_related = ("page",)
    hidden = ("fingerprint", "host_fingerprint")


@admin.register(SubscriberLetter)
class SubscriberLetterAdmin(ReadOnlyAdmin):
    list_display = ("subscriber", "kind", "purpose", "state", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("subscriber",)
    search_fields = ("=subscriber__public_id",)
    list_select_related = ("subscriber", "update")
    hidden = ("lease_until", "lease_token")
