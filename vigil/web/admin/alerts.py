"""Admin of channels and deliveries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vigil.accounts.sealed import Secrets
from vigil.alerts.channel_changes import check_destination, prepare_channel, save_channel
from vigil.alerts.channel_settings import pages
from vigil.alerts.delivery.outcomes import resend
from vigil.alerts.delivery.test_message import send_trial
from vigil.alerts.models import Channel, Delivery, DeliveryState
from vigil.alerts.oncall.ack_links import callback_address
from vigil.incidents.core.model import IncidentKind
from vigil.web.admin.pieces import NewSecretsField, PrettyJSONField, ReadOnlyAdmin, TeamAdminBase, secret_names, table


def settings_of_every_kind() -> SafeString:
    """Settings and secrets of each kind, as help of the form."""
    rows = (
        (
            f"{page.kind}: {page.words}",
            "; ".join(f"{one.name}{'' if one.needed else ' (optional)'}: {one.words}" for one in page.config) or "{}",
            "; ".join(f"{one.name}{'' if one.needed else ' (optional)'}: {one.words}" for one in page.secrets)
            or "none",
        )
        for page in pages()
    )
    return format_html(
        "<details><summary>Settings of each kind</summary>{}</details>", table(("kind", "config", "secrets"), rows)
    )


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    config = PrettyJSONField(
        required=False,
        initial=dict,
        help_text=settings_of_every_kind(),
    )
    new_secrets = NewSecretsField()

    class Meta:
        model = Channel
        fields = (
            "team", "name", "kind", "config", "new_secrets", "enabled", "fallback", "gather", "notices",
            "self_test_minutes",
        )  # fmt: skip

    def clean_config(self) -> Any:
        return self.cleaned_data["config"] or {}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        new: Secrets | None = self.cleaned_data.get("new_secrets")
        if new is not None:
            self.instance.secrets = new
        try:
            if self.instance.pk:
                check_destination(Channel.objects.get(pk=self.instance.pk), self.wanted())
            prepare_channel(self.instance)
        except ValidationError as refused:
            for field, problems in refused.message_dict.items():
                shown = {"secrets": "new_secrets"}.get(field, field)
                self.add_error(shown if shown in self.fields else None, problems)

    def wanted(self) -> dict[str, Any]:
        """What the write path is to set; without `secrets` when those that are stored stay."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "new_secrets"}
        new = self.cleaned_data.get("new_secrets")
        return values if new is None else {**values, "secrets": new}


@admin.register(Channel)
class ChannelAdmin(TeamAdminBase):
    form = ChannelForm
    list_display = ("name", "kind", "enabled", "fallback", "team")
    list_filter = ("kind", "enabled", "fallback", "team")
    search_fields = ("name", "public_id")
    autocomplete_fields = ("team",)
    list_select_related = ("team",)
    readonly_fields = ("public_id", "secrets_set", "calls_back_at", "disabled_at", "disabled_why")
    actions = ("send_test",)

    def get_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        settable = tuple(self.form.Meta.fields)
        if obj is None:
            return settable
        return ("public_id", *settable, "secrets_set", "calls_back_at", "disabled_at", "disabled_why")

    @admin.display(description="secrets that are set")
    def secrets_set(self, channel: Channel) -> str:
        return secret_names(channel.secrets)

    @admin.display(description="calls back at")
    def calls_back_at(self, channel: Channel) -> str:
        return callback_address(channel) or "-"

    @admin.action(description="Send a test message", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset[:3]:
            outcome = send_trial(channel, timezone.now())
            report = messages.success if outcome.accepted else messages.error
            report(request, f"{channel}: {outcome}")

    def save_model(self, request: HttpRequest, obj: Channel, form: ChannelForm, change: bool) -> None:
        save_channel(obj, form.wanted())
        given = form.cleaned_data.get("new_secrets")
        if obj.kind == "webhook" and not given and not (change and given is None):
            messages.warning(request, f"The signing secret, shown only now: {obj.secrets['secret']}")


class SelfTestFilter(admin.SimpleListFilter):
    """Deliveries of self-tests are hundreds a day: they are listed when asked for."""

    title = "self-tests"
    parameter_name = "self_tests"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("only", "only self-tests"), ("with", "with self-tests")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() == "only":
            return queryset.filter(incident__kind=IncidentKind.SELF_TEST)
        return queryset if self.value() else queryset.exclude(incident__kind=IncidentKind.SELF_TEST)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "public_id", "state", "event", "channel", "incident", "attempts", "last_error", "created_at", "sent_at",
        "tells",
    )  # fmt: skip
    list_filter = ("state", "event", "channel", "team", SelfTestFilter)
    search_fields = ("=public_id", "=incident__public_id", "incident__title")
    list_select_related = ("channel", "incident")
    hidden = ("lease_until", "lease_token")
    actions = ("resend",)

    @admin.action(description="Resend dead letters", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        again = sum(resend(delivery) for delivery in queryset.filter(state=DeliveryState.DEAD))
        messages.info(request, f"{again} will be resent.")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("alerts.change_delivery")
