"""API routes: version 1, its schema, and the types of problems."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.routers import SimpleRouter

from vigil.api.accounts.me import MemberViewSet, MeView, TeamRowsViewSet
from vigil.api.accounts.tokens import TokenViewSet
from vigil.api.alerts.channels import ChannelViewSet
from vigil.api.alerts.deliveries import DeliveryViewSet
from vigil.api.alerts.notices import NoticeViewSet
from vigil.api.alerts.oncall import PersonViewSet, PolicyViewSet, RotationViewSet
from vigil.api.alerts.routes import RouteViewSet, WhomView
from vigil.api.alerts.silences import ExcludedView, SilenceViewSet
from vigil.api.base.authentication import TokenAuthentication
from vigil.api.bulk import BulkView
from vigil.api.code.export import ExportView
from vigil.api.code.plans import AdoptionView, AllAdoptedView, PlanViewSet
from vigil.api.code.schema import schema_view
from vigil.api.dead_letters import DeadLetterViewSet
from vigil.api.health import HealthView
from vigil.api.heartbeats.heartbeats import HeartbeatViewSet
from vigil.api.history.objectives import ObjectiveViewSet, ReportViewSet
from vigil.api.incidents.incidents import IncidentViewSet
from vigil.api.incidents.selftests import SelfTestViewSet
from vigil.api.monitors.composites import CompositeViewSet
from vigil.api.monitors.feeds import FeedViewSet
from vigil.api.monitors.monitors import MonitorViewSet
from vigil.api.monitors.presets import PresetViewSet
from vigil.api.monitors.regions import RegionViewSet
from vigil.api.monitors.trials import TrialViewSet
from vigil.api.openapi.document import DocumentView, JsonDocumentView
from vigil.api.problem_types import problem_type
from vigil.api.providers.models import ModelCalendarView, MonitorModelsView, RenewedModelCalendarView, UsedModelsView
from vigil.api.providers.offers import MonitorOffersView
from vigil.api.providers.region_access import RegionAccessView
from vigil.api.providers.views import DetectionLeadsView, ProvidersView, ProviderView
from vigil.api.status.incidents import PublicIncidentViewSet
from vigil.api.status.maintenances import ScheduledMaintenanceViewSet
from vigil.api.status.pages import StatusPageViewSet
from vigil.api.status.prepared import PublicationRuleViewSet, UpdateTemplateViewSet
from vigil.api.status.subscribers import SubscriberViewSet

router = SimpleRouter(trailing_slash=False)
router.register("monitors", MonitorViewSet, basename="monitor")
router.register("trials", TrialViewSet, basename="trial")
router.register("composites", CompositeViewSet, basename="composite")
router.register("presets", PresetViewSet, basename="preset")
router.register("feeds", FeedViewSet, basename="feed")
router.register("self-tests", SelfTestViewSet, basename="self-test")
router.register("heartbeats", HeartbeatViewSet, basename="heartbeat")
router.register("regions", RegionViewSet, basename="region")
router.register("incidents", IncidentViewSet, basename="incident")
router.register("plans", PlanViewSet, basename="plan")
router.register("channels", ChannelViewSet, basename="channel")
router.register("deliveries", DeliveryViewSet, basename="delivery")
router.register("notices", NoticeViewSet, basename="notice")
router.register("dead-letters", DeadLetterViewSet, basename="dead-letter")
router.register("objectives", ObjectiveViewSet, basename="objective")
router.register("reports", ReportViewSet, basename="report")
router.register("routes", RouteViewSet, basename="route")
router.register("people", PersonViewSet, basename="person")
router.register("rotations", RotationViewSet, basename="rotation")
router.register("policies", PolicyViewSet, basename="policy")
router.register("tokens", TokenViewSet, basename="token")
router.register("teams", TeamRowsViewSet, basename="team")
router.register("members", MemberViewSet, basename="member")
router.register("status-pages", StatusPageViewSet, basename="status-page")
router.register("public-incidents", PublicIncidentViewSet, basename="public-incident")
router.register("scheduled-maintenances", ScheduledMaintenanceViewSet, basename="scheduled-maintenance")
router.register("publication-rules", PublicationRuleViewSet, basename="publication-rule")
router.register("update-templates", UpdateTemplateViewSet, basename="update-template")
router.register("subscribers", SubscriberViewSet, basename="subscriber")
router.register("silences", SilenceViewSet, basename="silence")

_SIGNED_IN = [TokenAuthentication, SessionAuthentication]

urlpatterns = [
    path("v1/", include("vigil.api.history.history")),
    path("v1/", include("vigil.api.history.results")),
    path("v1/export", ExportView.as_view(), name="export"),
    path("v1/adoptions", AdoptionView.as_view(), name="adoptions"),
    path("v1/adoptions/everything", AllAdoptedView.as_view(), name="all-adopted"),
    path("v1/schema.json", schema_view, name="document-schema"),
    path("v1/health", HealthView.as_view(), name="health"),
    path("v1/me", MeView.as_view(), name="me"),
    path("v1/monitors/bulk", BulkView.as_view(), name="bulk"),
    path("v1/whom", WhomView.as_view(), name="whom"),
    path("v1/models", UsedModelsView.as_view(), name="api-models"),
    path("v1/models/calendar", ModelCalendarView.as_view(), name="api-model-calendar"),
    path("v1/models/calendar/renew", RenewedModelCalendarView.as_view(), name="api-model-calendar-renew"),
    path("v1/monitors/<slug:public_id>/models", MonitorModelsView.as_view(), name="api-monitor-models"),
    path("v1/monitors/<slug:public_id>/offers", MonitorOffersView.as_view(), name="monitor-offers"),
    path("v1/providers", ProvidersView.as_view(), name="api-providers"),
    path("v1/providers/<slug:provider>", ProviderView.as_view(), name="api-provider"),
    path("v1/detection-leads", DetectionLeadsView.as_view(), name="api-detection-leads"),
    path("v1/region-access", RegionAccessView.as_view(), name="api-region-access"),
    path("v1/silences/excluded", ExcludedView.as_view(), name="excluded"),
    path("v1/", include(router.urls)),
    path("problems/<slug:code>", problem_type, name="problem-type"),
    path("v1/openapi.json", JsonDocumentView.as_view(authentication_classes=_SIGNED_IN), name="openapi"),
    path("schema/", DocumentView.as_view(authentication_classes=_SIGNED_IN), name="schema"),
]
