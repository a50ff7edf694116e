"""Django's settings, derived from the configuration of this process."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF

from vigil.configuration import configuration, parse_database_url

_CONFIGURATION = configuration()

SECRET_KEY = _CONFIGURATION.secret_key.get_secret_value()
DEBUG = _CONFIGURATION.debug
ALLOWED_HOSTS = _CONFIGURATION.hosts
ROOT_URLCONF = "vigil.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Each process configures structlog itself; Django must not replace its handlers.
LOGGING_CONFIG = None

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "vigil.accounts",
    "vigil.deadletters",
    "vigil.monitors",
    "vigil.enrolment",
    "vigil.silences",
    "vigil.feeds",
    "vigil.access",
    "vigil.incidents",
    "vigil.notices",
    "vigil.canaries",
    "vigil.offers",
    "vigil.model_watch",
    "vigil.tool_watch",
    "vigil.dispatch",
    "vigil.history",
    "vigil.heartbeats",
    "vigil.external",
    "vigil.alerts",
    "vigil.code",
    "vigil.status",
    "vigil.web",
]

MIDDLEWARE = [
    "vigil.web.middleware.problems.RequestIds",
    "vigil.web.middleware.admission.AdmittedRequests",
    "vigil.web.middleware.proxies.BehindProxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vigil.web.pages.live.UnchangedPolls",
    "vigil.web.middleware.server_timing.ServerTiming",
    "vigil.web.middleware.compression.Compression",
    "vigil.api.base.rate_limits.RateLimitHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "vigil.web.middleware.authors.Authors",
    "vigil.web.middleware.sessions.IdleSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Pooling has a growing reconnect delay that outlasts a restart of PostgreSQL, and alerts would wait; so connections are
# kept and tested before use.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **parse_database_url(_CONFIGURATION.database_url.get_secret_value()),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "options": "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
    **DATABASES["default"]["OPTIONS"],
}

AUTH_USER_MODEL = "accounts.User"
# The first hashes; the second is read, and renewed at login.
PASSWORD_HASHERS = [
    "vigil.accounts.passwords.FrugalArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL, LOGIN_REDIRECT_URL = "sign-in", "home"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "/static/"
# Static files are served from the packages, without collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False


CSRF_FAILURE_VIEW = "vigil.web.middleware.problems.csrf_failure"
CSRF_TRUSTED_ORIGINS = [_CONFIGURATION.base_url]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _CONFIGURATION.is_https
# A browser takes the prefix only with TLS, for this host alone.
_COOKIE_PREFIX = "__Host-" if _CONFIGURATION.is_https else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}vigil_session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}vigil_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if _CONFIGURATION.is_https else 0
# The proxy that speaks TLS redirects; other hosts of the domain are not Vigil's to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
#: Of a form. The largest one gives each of a thousand monitors three fields; what is more is refused with words.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "vigil.api.base.errors.answer_for",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "vigil.api.base.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["vigil.api.base.permissions.InTeamWithScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["vigil.api.base.parsers.AdmittedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "vigil.api.base.parsers.KnownFormats",
    "DEFAULT_PAGINATION_CLASS": "vigil.api.base.pagination.PageByCursor",
    "DEFAULT_FILTER_BACKENDS": ["vigil.api.base.filtering.KnownFiltersOnly"],
    "DEFAULT_SCHEMA_CLASS": "vigil.api.openapi.schema.ApiSchema",
    "DEFAULT_THROTTLE_CLASSES": ["vigil.api.base.rate_limits.OfPerson"],
    "NUM_PROXIES": 0,
    "UNICODE_JSON": True,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Vigil",
    "DESCRIPTION": "Monitors, regions, incidents and alerts. Send `Authorization: Bearer vgl_...` with every request;"
    " a token comes from `manage.py token add` or the admin. Fields and operations may be added to version 1 at any"
    " time; none is removed or changed in meaning.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "vigil.api.openapi.document.complete",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "IncidentKindEnum": "vigil.api.openapi.enums.INCIDENT_KINDS",
        "RouteKindEnum": "vigil.api.openapi.enums.ROUTE_KINDS",
        "ChannelKindEnum": "vigil.api.openapi.enums.CHANNEL_KINDS",
        "PriorityEnum": "vigil.api.openapi.enums.PRIORITIES",
        "CheckReasonEnum": "vigil.api.openapi.enums.REASONS",
        "DeliveryWhyEnum": "vigil.api.openapi.enums.DELIVERY_WHYS",
        "ExclusionEnum": "consensus.vocabulary.Exclusion",
        "GapReasonEnum": "vigil.history.models.stored.GapReason",
        "FindingLevelEnum": "vigil.api.health.LEVELS",
        "SubscriberKindEnum": "vigil.api.openapi.enums.SUBSCRIBER_KINDS",
        "SubscriberStateEnum": "vigil.api.openapi.enums.SUBSCRIBER_STATES",
        "TrendReasonEnum": "vigil.api.openapi.enums.TREND_REASONS",
        "ReadinessReasonEnum": "vigil.api.openapi.enums.READINESS_REASONS",
        "SubscriberOffReasonEnum": "vigil.api.openapi.enums.SUBSCRIBER_OFF_REASONS",
        "UpdateStateEnum": "vigil.api.openapi.enums.UPDATE_STATES",
        "PublicIncidentStateEnum": "vigil.api.openapi.enums.PUBLIC_INCIDENT_STATES",
        "RuleKindEnum": "vigil.api.openapi.enums.RULE_KINDS",
        "PublicImpactEnum": "vigil.api.openapi.enums.PUBLIC_IMPACTS",
        "PageVisibilityEnum": "vigil.api.openapi.enums.PAGE_VISIBILITIES",
        "DeliveryStateEnum": "vigil.alerts.models.delivery.DeliveryState",
    },
    "SWAGGER_UI_SETTINGS": {
        "persistAuthorization": False,
        "tryItOutEnabled": False,
        "deepLinking": True,
        "filter": True,
    },
}
