"""URL configuration of the web process."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView

from vigil.configuration import configuration
from vigil.external import views as external
from vigil.metrics import view as metrics
from vigil.metrics.monitors import views as monitor_metrics
from vigil.web import assets, badges, enrolment, health, hooks, login, oncall, respond, status_pages, subscribing
from vigil.web.guessing import limited_misses, limited_passwords
from vigil.web.pages import actions, api_docs, digest, incidents, more, overview, palette, regions, sign_in, style
from vigil.web.pages.ai import models, notices, providers, region_matrix
from vigil.web.pages.monitor_forms import deletion, edit, jobs, new
from vigil.web.pages.publishing import elsewhere, look, public_incident
from vigil.web.pages.publishing import incidents as publishing
from vigil.web.pages.publishing import overview as publishing_overview
from vigil.web.pages.schedules import heartbeats, on_call, silences
from vigil.web.pages.settings import sections as settings_sections
from vigil.web.pages.start import views as start

# Here and not at the start of each process: the pages of the admin are served by this one alone.
admin.autodiscover()

#: What programs that read text find here; it lists no status page, since some are for those who know their address.
LLMS = TemplateView.as_view(
    template_name="web/llms.txt",
    content_type="text/plain; charset=utf-8",
    extra_context={"base_url": configuration().base_url},
)

urlpatterns = [
    path("", overview.overview, name="home"),
    path("live", overview.live, name="live"),
    path("find", palette.find, name="find"),
    path("do", actions.act, name="act"),
    path("done", actions.actions, name="actions"),
    path("done/<str:public_id>/undo", actions.undo, name="undo"),
    path("views", actions.save_view, name="views"),
    path("start", start.start, name="start"),
    path("start/trials/<str:trial_id>", start.trial, name="start-trial"),
    path("start/jobs/<str:public_id>", start.first_call, name="start-first-call"),
    path("more", more.more, name="more"),
    path("style", style.style, name="style"),
    path("style/latency.json", style.latency, name="style-latency"),
    path("settings", settings_sections.first, name="settings"),
    path("settings/", include("vigil.web.pages.settings.urls")),
    path("sign-in", limited_passwords(sign_in.SignIn.as_view()), name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("assets/<str:name>", assets.asset, name="asset"),
    path("llms.txt", LLMS, name="llms"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}web/favicon.svg"), name="favicon"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("metrics/monitors", monitor_metrics.monitors, name="monitor-metrics"),
    path("probe", monitor_metrics.probe, name="probe"),
    path("login/once/<str:token>", limited_misses(login.login_once), name="login-once"),
    path("monitors/new", new.new_monitor, name="new-monitor"),
    path("monitors/<str:public_id>/edit", edit.edit_monitor, name="edit-monitor"),
    path("monitors/<str:public_id>/delete", deletion.delete, name="delete-monitor"),
    path("heartbeats/new", jobs.new_heartbeat, name="new-heartbeat"),
    path("heartbeats/<str:public_id>/edit", jobs.edit_heartbeat, name="edit-heartbeat"),
    path("incidents", incidents.incidents, name="incidents"),
    path("incidents/<str:public_id>", incidents.incident, name="incident"),
    path("incidents/<str:public_id>/answer", incidents.answer, name="incident-answer"),
    path("incidents/<str:public_id>/publish", publishing.publish_incident, name="incident-publish"),
    path("notices", notices.notices, name="notices"),
    path("notices/<str:team>/<str:key>.atom", limited_misses(notices.feed), name="notices-feed"),
    path("models", models.models, name="models"),
    path("models/renew", models.renew, name="models-renew"),
    path("models/forget", models.forget_file, name="models-forget"),
    path("models/<str:team>/<str:key>.ics", limited_misses(models.feed), name="models-feed"),
    path("providers", providers.providers, name="providers"),
    path("providers/regions", region_matrix.region_matrix, name="region-matrix"),
    path("providers/leads", providers.leads, name="provider-leads"),
    path("providers/leads.csv", providers.leads_csv, name="provider-leads-csv"),
    path("providers/<slug:key>", providers.provider, name="provider"),
    path("settings/status-pages/<str:public_id>/look", look.look, name="status-page-look"),
    path("settings/status-pages/<str:public_id>/elsewhere", elsewhere.elsewhere, name="status-page-elsewhere"),
    path("regions", regions.regions, name="regions"),
    path("add-region", regions.add, name="region-add"),
    path("regions/<slug:slug>", regions.region, name="region"),
    path("regions/<slug:slug>/change", regions.change, name="region-change"),
    path("heartbeats", heartbeats.heartbeats, name="heartbeats"),
    path("heartbeats/<str:public_id>", heartbeats.heartbeat, name="heartbeat"),
    path("heartbeats/<str:public_id>/first-call", heartbeats.first_call, name="heartbeat-first-call"),
    path("heartbeats/<str:public_id>/pause", heartbeats.pause, name="pause-heartbeat"),
    # Before the pages of one row: the address of its form is no id.
    path("", include("vigil.web.pages.row_forms.urls")),
    path("settings/publishing", publishing_overview.publishing, name="publishing"),
    path("settings/public-incidents/<str:public_id>", public_incident.public_incident, name="public-incident"),
    path("on-call", on_call.on_call, name="on-call"),
    path("on-call/routes", on_call.routes, name="on-call-routes"),
    path("on-call/rotations/<str:public_id>", on_call.rotation, name="rotation"),
    path("on-call/policies/<str:public_id>", on_call.policy, name="policy"),
    path("on-call/silences", silences.silences, name="silences"),
    path("on-call/silences/make", silences.make, name="silence-make"),
    path("on-call/silences/<str:public_id>/end", silences.end, name="end-silence"),
    path("on-call/silences/<str:public_id>/undo", silences.undo, name="silence-undo"),
    path("deliveries/<str:public_id>", digest.digest, name="digest"),
    path("respond/<str:token>", limited_misses(respond.respond), name="respond"),
    path("external/alertmanager/<str:key>", limited_misses(external.alertmanager), name="external-alertmanager"),
    path("enrol", limited_misses(enrolment.enrol), name="enrol"),
    path("hooks/<str:channel>", limited_misses(hooks.callback), name="callback"),
    path("oncall/<str:rotation>/<str:key>.ics", limited_misses(oncall.feed), name="oncall-feed"),
    path("badge/<str:code>.<str:kind>", limited_misses(badges.heartbeat), name="badge"),
    path("badge/<str:key>/<str:signature>/<path:tag>.<str:kind>", limited_misses(badges.tag), name="tag-badge"),
    path("status/<str:slug>", status_pages.status_page, name="status-page"),
    path("status/<str:slug>/subscribe", subscribing.subscribe, name="subscribe"),
    path(
        "subscriptions/confirm/<str:token>",
        limited_misses(subscribing.confirm_subscription),
        name="subscription-confirm",
    ),
    path("subscriptions/<str:token>", limited_misses(subscribing.subscription), name="subscription"),
    path("subscriptions/<str:token>/unsubscribe", limited_misses(subscribing.unsubscribe_once), name="unsubscribe"),
    path("status/<str:slug>/<path:below>", status_pages.status_page, name="status-file"),
    # Last of the pages: the address of one monitor takes any name.
    path("", include("vigil.web.pages.monitors.urls")),
    path("api/docs/", api_docs.api_docs, name="api-docs"),
    path("api/", include("vigil.api.urls")),
    path("admin/login/", limited_passwords(admin.site.login)),
    path("admin/", admin.site.urls),
]

handler400 = "vigil.web.middleware.problems.bad_request"
handler403 = "vigil.web.middleware.problems.permission_denied"
handler404 = "vigil.web.middleware.problems.not_found"
handler500 = "vigil.web.middleware.problems.server_error"
