"""Admin of status pages, rules and templates; pictures and what pages say are written on the settings' pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect

from vigil.status.changes import SETTABLE, check_status_page, delete_status_page, lock_page, save_status_page
from vigil.status.components import MAX_COMPONENTS, Problems, check_components, refuse_silence
from vigil.status.core.subscriber_terms import KIND_WORDS
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PageComponent, StatusPage
from vigil.status.public_incidents.prepared import save_publication_rule, save_update_template
from vigil.web.admin.oncall import SameTeamForm
from vigil.web.admin.pieces import TeamAdminBase, as_form_errors
from vigil.web.admin.typed.fields import CommaWordsField, UnshownText

_PARTS = ("name", "group", "description", "monitor", "tag", "provider", "shows_latency")


class StatusPageForm(forms.ModelForm):  # type: ignore[type-arg]
    networks = CommaWordsField("Whose clients read a page with the visibility addresses, such as 10.0.0.0/8.")
    subscriber_kinds = forms.MultipleChoiceField(
        choices=[(kind.value, words) for kind, words in KIND_WORDS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="How readers may subscribe. Feeds are there always.",
    )
    password = forms.CharField(
        required=False,
        max_length=200,
        strip=False,
        widget=UnshownText(attrs={"rows": 1, "autocomplete": "off"}),
        help_text="Of a page behind a password. Empty keeps the one that it has.",
    )

    class Meta:
        model = StatusPage
        fields = ("team", *SETTABLE)

    @property
    def wanted(self) -> dict[str, Any]:
        """What the write path takes, without components."""
        return {name: self.cleaned_data[name] for name in (*SETTABLE, "password") if name in self.cleaned_data}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        # Constraints of the table are also checked by the write path, with an error by field.
        self.errors.pop("__all__", None)
        if not self.errors:
            as_form_errors(self, lambda: check_status_page(self.instance, self.wanted))


class ComponentForm(forms.ModelForm):  # type: ignore[type-arg]
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        # Constraints of the table are told by the write path, in words.
        self.errors.pop("__all__", None)


class ComponentFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Components, which are replaced as a whole, in their order."""

    @property
    def wanted(self) -> list[dict[str, Any]]:
        """What the write path takes."""
        kept = [one for one in self.forms if one not in self.deleted_forms and (one.instance.pk or one.has_changed())]
        return [{name: one.cleaned_data.get(name) for name in _PARTS} for one in kept]

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        problems: Problems = {}
        check_components(self.instance, self.wanted, problems)
        try:
            if self.instance.pk:
                refuse_silence(self.instance, [one.instance for one in self.deleted_forms if one.instance.pk])
        except ValidationError as refused:
            problems.setdefault("components", []).extend(refused.messages)
        if problems:
            raise ValidationError(problems["components"])


class ComponentInline(admin.StackedInline):  # type: ignore[type-arg]
    model = PageComponent
    form, formset = ComponentForm, ComponentFormSet
    fields = _PARTS
    autocomplete_fields = ("monitor",)
    extra, max_num = 0, MAX_COMPONENTS


@admin.register(StatusPage)
class StatusPageAdmin(TeamAdminBase):
    form = StatusPageForm
    inlines = (ComponentInline,)
    list_display = ("title", "slug", "domain", "visibility", "enabled", "language", "team")
    list_filter = ("enabled", "visibility", "team")
    search_fields = ("title", "slug", "domain", "=public_id")
    list_select_related = ("team",)
    autocomplete_fields = ("team",)
    fieldsets = (
        (None, {"fields": ("team", "title", "slug", "domain", "enabled")}),
        ("Readers", {"fields": ("visibility", "password", "networks", "subscriber_kinds")}),
        ("Look", {"fields": ("language", "accent", "header", "footer")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: StatusPage | None = None) -> tuple[str, ...]:
        return ("team",) if obj else ()

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as refused:
            # What another one has changed since the form was checked.
            messages.error(request, f"Nothing was stored. {' '.join(refused.messages)}")
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: StatusPage, form: StatusPageForm, change: bool) -> None:
        """Nothing: it is stored with its components, in one transaction."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        wanted = form.wanted
        for formset in formsets:
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
            if self._may_write_components(request):
                wanted["components"] = formset.wanted
        save_status_page(form.instance, wanted)

    def _may_write_components(self, request: HttpRequest) -> bool:
        return all(request.user.has_perm(f"status.{what}_pagecomponent") for what in ("add", "change", "delete"))

    def delete_model(self, request: HttpRequest, obj: StatusPage) -> None:
        delete_status_page(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[StatusPage]) -> None:
        for page in queryset:
            delete_status_page(page)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """With all that is theirs: public incidents, subscribers, letters."""
        gone = [
            f"{page}, with {page.incidents.count()} public incidents and {page.subscribers.count()} subscribers"
            for page in objs
        ]
        return gone, {"status pages": len(gone)}, set(), []


class PublicationRuleForm(SameTeamForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        team, component = cleaned.get("team") or getattr(self.instance, "team", None), cleaned.get("component")
        if component is not None and team is not None and component.page.team_id != team.pk:
            self.add_error("component", "Must belong to the same team.")
        return cleaned


@admin.register(PublicationRule)
class PublicationRuleAdmin(TeamAdminBase):
    form = PublicationRuleForm
    fields = ("team", "component", "kind", "after_s", "impact", "title", "text", "closing_text", "enabled")
    list_display = ("title", "component", "kind", "after_s", "impact", "enabled", "team")
    list_filter = ("kind", "enabled", "team")
    search_fields = ("title", "=public_id", "component__name")
    list_select_related = ("component", "team")
    autocomplete_fields = ("team", "component")

    def save_model(self, request: HttpRequest, obj: PublicationRule, form: Any, change: bool) -> None:
        save_publication_rule(obj, form.cleaned_data)

    def delete_model(self, request: HttpRequest, obj: PublicationRule) -> None:
        # Behind the page, as the publisher marks what a rule has said.
        lock_page(obj.component.page_id)
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PublicationRule]) -> None:
        for rule in queryset:
            with transaction.atomic():
                self.delete_model(request, rule)


class UpdateTemplateForm(SameTeamForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        components, page = cleaned.get("components") or (), cleaned.get("page")
        if any(one.page != page for one in components):
            self.add_error("components", "Each must be a component of its page.")
        return cleaned


@admin.register(UpdateTemplate)
class UpdateTemplateAdmin(TeamAdminBase):
    form = UpdateTemplateForm
    fields = ("team", "page", "name", "state", "title", "text", "components")
    list_display = ("name", "page", "state", "title", "team")
    list_filter = ("state", "team")
    search_fields = ("name", "=public_id")
    list_select_related = ("page", "team")
    autocomplete_fields = ("team", "page", "components")

    def save_model(self, request: HttpRequest, obj: UpdateTemplate, form: Any, change: bool) -> None:
        save_update_template(obj, {**form.cleaned_data, "components": list(form.cleaned_data["components"])})
