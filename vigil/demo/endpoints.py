"""The golden answers of AI providers' free endpoints, as one table: provider, method and path to what they say.

Each provider lives under its own first path segment, so `http://127.0.0.1:PORT/openai` stands in for the base
address of the real one. Only endpoints that generate nothing are here: no health check may cost money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vigil.demo.exchange import Answer, Request, as_json, as_text

#: The one key every guarded endpoint accepts.
DEMO_KEY = "demo-key"


class Auth(StrEnum):
    """Where a provider looks for the key; the value is the header's name in lower case, or nothing."""

    NONE = ""
    BEARER = "authorization"
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"
    API_KEY = "api-key"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One healthy answer, and whether the key is asked for first."""

    answer: Answer
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """What one provider says when it is well, and how it words each trouble."""

    auth: Auth
    endpoints: Mapping[tuple[str, str], Endpoint]
    bad_key: Answer
    overloaded: Answer
    loading: Answer
    missing: Answer


def _error(code: int, kind: str, message: str, reason: str | None = None) -> Answer:
    return as_json(code, {"error": {"message": message, "type": kind, "param": None, "code": reason}})


def _model_list(*names: str, **more: object) -> Answer:
    rows = [{"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system", **more} for name in names]
    return as_json(200, {"object": "list", "data": rows})


def _anthropic_error(code: int, kind: str, message: str) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_demo"}
    return as_json(code, body, ("request-id", "req_demo"))


def _google_error(code: int, status: str, message: str, reason: str = "") -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return as_json(code, {"error": {"code": code, "message": message, "status": status, "details": details}})


def _get(path: str, answer: Answer, guarded: bool = False) -> dict[tuple[str, str], Endpoint]:
    return {("GET", path): Endpoint(answer, guarded)}


_OPENAI_MODEL = {"id": "gpt-4o-mini", "object": "model", "created": 1_715_367_049, "owned_by": "system"}
_ANTHROPIC_MODEL = {
    "type": "model",
    "id": "claude-sonnet-4",
    "display_name": "Claude Sonnet 4",
    "created_at": "2025-05-14T00:00:00Z",
}
_GEMINI_MODEL = {"name": "models/gemini-2.5-flash", "supportedGenerationMethods": ["generateContent", "countTokens"]}
_OLLAMA_MODEL = {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2_019_393_189, "digest": "a80c4f17acd5"}
_VLLM_METRICS = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="qwen"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="qwen"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="qwen"} 0.12
"""

_NOT_FOUND = as_json(404, {"error": "not found"})
_STARTING = as_json(503, {"error": "starting"})

OPENAI = Provider(
    auth=Auth.BEARER,
    endpoints=_get("/v1/models", _model_list("gpt-4o-mini", "text-embedding-3-small"), guarded=True)
    | _get("/v1/models/gpt-4o-mini", as_json(200, _OPENAI_MODEL), guarded=True),
    bad_key=_error(401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    overloaded=_error(503, "service_unavailable_error", "The server is overloaded.", "server_is_overloaded"),
    loading=_error(503, "server_error", "The server is starting."),
    missing=_error(404, "invalid_request_error", "The model does not exist.", "model_not_found"),
)

ANTHROPIC = Provider(
    auth=Auth.X_API_KEY,
    endpoints=_get(
        "/v1/models",
        as_json(
            200,
            {
                "data": [_ANTHROPIC_MODEL],
                "has_more": False,
                "first_id": _ANTHROPIC_MODEL["id"],
                "last_id": _ANTHROPIC_MODEL["id"],
            },
        ),
        guarded=True,
    )
    | _get("/v1/models/claude-sonnet-4", as_json(200, _ANTHROPIC_MODEL), guarded=True),
    bad_key=_anthropic_error(401, "authentication_error", "invalid x-api-key"),
    overloaded=_anthropic_error(529, "overloaded_error", "Overloaded"),
    loading=_anthropic_error(503, "api_error", "Service temporarily unavailable"),
    missing=_anthropic_error(404, "not_found_error", "Not found"),
)

GEMINI = Provider(
    auth=Auth.X_GOOG_API_KEY,
    endpoints=_get("/v1beta/models", as_json(200, {"models": [_GEMINI_MODEL]}), guarded=True)
    | _get("/v1beta/models/gemini-2.5-flash", as_json(200, _GEMINI_MODEL), guarded=True),
    # A bad key is a 400 here, not a 401.
    bad_key=_google_error(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"),
    overloaded=_google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    loading=_google_error(503, "UNAVAILABLE", "The service is currently unavailable."),
    missing=_google_error(404, "NOT_FOUND", "Not found."),
)

OLLAMA = Provider(
    auth=Auth.NONE,
    endpoints=_get("/", as_text(200, "Ollama is running"))
    | _get("/api/version", as_json(200, {"version": "0.12.3"}))
    | _get("/api/tags", as_json(200, {"models": [_OLLAMA_MODEL]}))
    | _get("/api/ps", as_json(200, {"models": [{**_OLLAMA_MODEL, "size_vram": 2_019_393_189}]}))
    | _get("/v1/models", _model_list("llama3.2:latest")),
    bad_key=as_json(401, {"error": "unauthorized"}),
    overloaded=as_json(503, {"error": "server busy, please try again. maximum pending requests exceeded"}),
    loading=_STARTING,
    missing=as_json(404, {"error": "model not found"}),
)

VLLM = Provider(
    auth=Auth.BEARER,
    endpoints=_get("/health", Answer(200))
    | _get("/version", as_json(200, {"version": "0.16.0"}))
    | _get("/metrics", as_text(200, _VLLM_METRICS))
    | _get("/v1/models", _model_list("qwen", max_model_len=32768, root="qwen", parent=None), guarded=True),
    bad_key=as_json(401, {"error": "Unauthorized"}),
    overloaded=Answer(503),
    loading=Answer(503),
    missing=_NOT_FOUND,
)

LITELLM = Provider(
    auth=Auth.BEARER,
    endpoints=_get("/health/liveliness", as_json(200, "I'm alive!"))
    | _get("/health/liveness", as_json(200, "I'm alive!"))
    | _get("/health/readiness", as_json(200, {"status": "healthy", "db": "Not connected"}))
    | _get("/health/backlog", as_json(200, {"in_flight_requests": 0, "queued_requests": 0}), guarded=True)
    | _get("/v1/models", _model_list("primary", "secondary"), guarded=True),
    bad_key=_error(401, "auth_error", "Authentication Error, Invalid proxy server token passed.", "401"),
    overloaded=_error(429, "throttling_error", "No deployments available for selected model.", "429"),
    loading=as_json(503, {"status": "shutting_down"}),
    missing=as_json(404, {"detail": "Not Found"}),
)

LLAMACPP = Provider(
    auth=Auth.BEARER,
    endpoints=_get("/health", as_json(200, {"status": "ok"}))
    | _get("/v1/models", _model_list("/models/qwen.gguf"))
    | _get("/slots", as_json(200, [{"id": 0, "is_processing": False}]), guarded=True)
    | _get("/props", as_json(200, {"total_slots": 1, "model_path": "/models/qwen.gguf"}), guarded=True),
    bad_key=as_json(401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}),
    overloaded=as_json(503, {"error": {"code": 503, "message": "no slot available", "type": "unavailable_error"}}),
    loading=as_json(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    missing=as_json(404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}),
)

TRITON = Provider(
    auth=Auth.NONE,
    endpoints=_get("/v2/health/live", Answer(200)) | _get("/v2/health/ready", Answer(200)),
    bad_key=Answer(401),
    overloaded=Answer(503),
    # Not ready is a 400 here, not a 503.
    loading=Answer(400),
    missing=Answer(404),
)

QDRANT = Provider(
    auth=Auth.API_KEY,
    endpoints=_get("/readyz", as_text(200, "all shards are ready"))
    | _get("/healthz", as_text(200, "healthz check passed"))
    | _get(
        "/collections/demo",
        as_json(200, {"result": {"status": "green", "points_count": 12}, "status": "ok", "time": 0.001}),
        guarded=True,
    ),
    bad_key=as_text(401, "Must provide an API key or an Authorization bearer token"),
    overloaded=as_text(503, "some shards are not ready"),
    loading=as_text(503, "some shards are not ready"),
    missing=as_json(404, {"status": {"error": "Not found: Collection doesn't exist!"}, "time": 0.001}),
)

PROVIDERS: dict[str, Provider] = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
    "vllm": VLLM,
    "litellm": LITELLM,
    "llamacpp": LLAMACPP,
    "triton": TRITON,
    "qdrant": QDRANT,
}


def find(path: str) -> tuple[Provider, str] | None:
    """The provider that the first segment of `path` names, and the rest of the path."""
    name, _, rest = path.lstrip("/").partition("/")
    provider = PROVIDERS.get(name)
    return (provider, f"/{rest}") if provider else None


def healthy_answer(provider: Provider, request: Request, path: str) -> Answer:
    """What the provider says to `request` when it is well: its key check, then the table."""
    endpoint = provider.endpoints.get((request.method, path))
    if endpoint is None:
        return provider.missing
    if endpoint.guarded and not _has_key(provider.auth, request):
        return provider.bad_key
    return endpoint.answer


def _has_key(auth: Auth, request: Request) -> bool:
    if auth is Auth.NONE:
        return True
    given = request.headers.get(auth.value, "")
    return given == (f"Bearer {DEMO_KEY}" if auth is Auth.BEARER else DEMO_KEY)
