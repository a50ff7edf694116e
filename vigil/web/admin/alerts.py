"""Admin of channels and deliveries."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from vigil.accounts.sealed import Secrets
from vigil.alerts.channel_changes import check_destination, prepare_channel, save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.delivery.outcomes import resend
from vigil.alerts.models import Channel, Delivery, DeliveryState
from vigil.alerts.oncall.ack_links import callback_address
from vigil.alerts.test_message import send_trial
from vigil.incidents.core.model import IncidentKind
from vigil.web.admin.pieces import ReadOnlyAdmin, secret_names
from vigil.web.admin.typed.fields import form_fields
from vigil.web.admin.typed.kinds import PagesByKind
from vigil.web.forms.channel_form import channel_fields, read_channel
from vigil.web.forms.channel_problems import channel_problems
from vigil.web.forms.settings_form import texts_of


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel of one kind; made with its fields by `channel_form`."""

    kind: ClassVar[str] = ""

    class Meta:
        model = Channel
        fields: ClassVar[tuple[str, ...]] = (
            "team", "name", "enabled", "fallback", "gather", "notices", "self_test_minutes",
        )  # fmt: skip

    def __init__(self, data: QueryDict | None = None, *args: Any, **options: Any) -> None:
        self.sent = data
        super().__init__(data, *args, **options)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or self.sent is None:
            return
        stored = Channel.objects.get(pk=self.instance.pk) if self.instance.pk else None
        secrets = dict(stored.secrets) if stored else {}
        read = read_channel(self.kind, texts_of(self.sent), stored.config if stored else {}, secrets)
        for name, problems in read.errors.items():
            self.add_error(name, problems)
        if read.errors:
            return
        self.settings: dict[str, Any] = {"kind": self.kind, "config": read.config}
        if read.secrets != secrets:
            self.settings["secrets"] = Secrets(read.secrets)
            self.instance.secrets = Secrets(read.secrets)
        self.instance.kind, self.instance.config = self.kind, read.config
        try:
            if stored is not None:
                check_destination(stored, self.wanted())
            prepare_channel(self.instance)
        except ValidationError as refused:
            for name, problems in channel_problems(self.kind, refused).items():
                self.add_error(name if name in self.fields else None, problems)

    def wanted(self) -> dict[str, Any]:
        """What the write path is to set; without `secrets` when those that are stored stay."""
        own = {name: value for name, value in self.cleaned_data.items() if name in ChannelForm.Meta.fields}
        return {**own, **getattr(self, "settings", {})}


def channel_form(kind: str, channel: Channel | None) -> type[ChannelForm]:
    """The form of a kind, with a field for each setting and secret."""
    stored = frozenset(channel.secrets) if channel else frozenset[str]()
    found = channel_fields(kind, channel.config if channel else {}, stored)
    fields = {**form_fields(found.first), **form_fields(found.more)}
    made: type[ChannelForm] = type("ChannelForm", (ChannelForm,), {"kind": kind, **fields})
    return made


@admin.register(Channel)
class ChannelAdmin(PagesByKind):
    """Channels; a new one is of a kind."""

    form = ChannelForm
    list_display = ("name", "kind", "enabled", "fallback", "team")
    list_filter = ("kind", "enabled", "fallback", "team")
    search_fields = ("name", "=public_id")
    autocomplete_fields = ("team",)
    list_select_related = ("team",)
    readonly_fields = ("public_id", "kind", "secrets_set", "calls_back_at", "disabled_at", "disabled_why")
    actions = ("send_test",)

    def kinds(self) -> list[tuple[str, str]]:
        return [(kind, f"{found.name}: {found.words}") for kind, found in CHANNELS.items()]

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        form = channel_form(self.kind_of(request, obj), obj)
        is_reader = obj is not None and not self.has_change_permission(request, obj)
        # Who may only look sees what is stored: fields of a form would be empty.
        typed = (
            ("config",)
            if is_reader
            else tuple(name for name in form.base_fields if name not in ChannelForm.Meta.fields)
        )
        team, name, *others = ChannelForm.Meta.fields
        settable = (team, name, *typed, *others)
        if obj is None:
            return settable
        return ("public_id", "kind", *settable, "secrets_set", "calls_back_at", "disabled_at", "disabled_why")

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **options: Any) -> Any:
        form = channel_form(self.kind_of(request, obj), obj)
        return super().get_form(request, obj, change, **{**options, "form": form})

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
        own = request.POST.get("secret.secret", "").strip()
        if obj.kind == "webhook" and not change and not own:
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
