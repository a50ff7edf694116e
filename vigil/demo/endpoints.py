"""Golden answers of AI providers' free endpoints, as a table: provider, method, path.

Each provider has its own first path segment, so `http://127.0.0.1:PORT/openai` replaces the real base address. Only
endpoints that generate nothing are here: no health check may cost money.
"""

from __future__ import annotations

from vigil.demo import recorded_clouds, recorded_servers
from vigil.demo.engine_pages import served
from vigil.demo.exchange import ServedAnswer, ServedRequest, as_json, as_text
from vigil.demo.gateways import offers
from vigil.demo.shapes import (
    DEMO_KEY,
    NOT_FOUND,
    STARTING,
    Auth,
    RecordedEndpoint,
    RecordedProvider,
    get,
    has_key,
    model_list,
    openai_error,
    too_many,
)

__all__ = ["DEMO_KEY", "PROVIDERS", "Auth", "RecordedEndpoint", "RecordedProvider", "find", "healthy_answer"]


def _anthropic_error(code: int, kind: str, message: str, *headers: tuple[str, str]) -> ServedAnswer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_demo"}
    return as_json(code, body, ("request-id", "req_demo"), *headers)


def _google_error(code: int, status: str, message: str, reason: str = "") -> ServedAnswer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return as_json(code, {"error": {"code": code, "message": message, "status": status, "details": details}})


_OPENAI_MODEL = {"id": "gpt-4o-mini", "object": "model", "created": 1_715_367_049, "owned_by": "system"}
_ANTHROPIC_MODEL = {
    "type": "model",
    "id": "claude-sonnet-4",
    "display_name": "Claude Sonnet 4",
    "created_at": "2025-05-14T00:00:00Z",
}
_GEMINI_MODEL = {"name": "models/gemini-2.5-flash", "supportedGenerationMethods": ["generateContent", "countTokens"]}
_OLLAMA_MODEL = {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2_019_393_189, "digest": "a80c4f17acd5"}

OPENAI = RecordedProvider(
    auth=Auth.BEARER,
    endpoints=get("/v1/models", model_list("gpt-4o-mini", "text-embedding-3-small"), guarded=True)
    | get("/v1/models/gpt-4o-mini", as_json(200, _OPENAI_MODEL), guarded=True),
    bad_key=openai_error(401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    overloaded=openai_error(503, "service_unavailable_error", "The server is overloaded.", "server_is_overloaded"),
    loading=openai_error(503, "server_error", "The server is starting."),
    missing=openai_error(404, "invalid_request_error", "The model does not exist.", "model_not_found"),
    rate_limited=too_many(),
)

ANTHROPIC = RecordedProvider(
    auth=Auth.X_API_KEY,
    endpoints=get(
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
    | get("/v1/models/claude-sonnet-4", as_json(200, _ANTHROPIC_MODEL), guarded=True),
    bad_key=_anthropic_error(401, "authentication_error", "invalid x-api-key"),
    overloaded=_anthropic_error(529, "overloaded_error", "Overloaded"),
    loading=_anthropic_error(503, "api_error", "Service temporarily unavailable"),
    missing=_anthropic_error(404, "not_found_error", "Not found"),
    rate_limited=_anthropic_error(
        429,
        "rate_limit_error",
        "Number of requests has exceeded your rate limit",
        ("retry-after", "20"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2099-01-01T00:00:00Z"),
    ),
)

GEMINI = RecordedProvider(
    auth=Auth.X_GOOG_API_KEY,
    endpoints=get("/v1beta/models", as_json(200, {"models": [_GEMINI_MODEL]}), guarded=True)
    | get("/v1beta/models/gemini-2.5-flash", as_json(200, _GEMINI_MODEL), guarded=True),
    # A bad key is a 400 here, not a 401.
    bad_key=_google_error(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"),
    overloaded=_google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    loading=_google_error(503, "UNAVAILABLE", "The service is currently unavailable."),
    missing=_google_error(404, "NOT_FOUND", "Not found."),
    rate_limited=_google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted."),
)

OLLAMA = RecordedProvider(
    auth=Auth.NONE,
    endpoints=get("/", as_text(200, "Ollama is running"))
    | get("/api/version", as_json(200, {"version": "0.12.3"}))
    | get("/api/tags", as_json(200, {"models": [_OLLAMA_MODEL]}))
    | get("/api/ps", as_json(200, {"models": [{**_OLLAMA_MODEL, "size_vram": 2_019_393_189}]}))
    | get("/v1/models", model_list("llama3.2:latest")),
    bad_key=as_json(401, {"error": "unauthorized"}),
    overloaded=as_json(503, {"error": "server busy, please try again. maximum pending requests exceeded"}),
    loading=STARTING,
    missing=as_json(404, {"error": "model not found"}),
)

VLLM = RecordedProvider(
    auth=Auth.BEARER,
    endpoints=get("/health", ServedAnswer(200))
    | get("/version", as_json(200, {"version": "0.16.0"}))
    | get("/metrics", served("vllm-0.10"))
    | get("/v1/models", model_list("qwen", max_model_len=32768, root="qwen", parent=None), guarded=True),
    bad_key=as_json(401, {"error": "Unauthorized"}),
    overloaded=ServedAnswer(503),
    loading=ServedAnswer(503),
    missing=NOT_FOUND,
)

LITELLM = RecordedProvider(
    auth=Auth.BEARER,
    endpoints=get("/health/liveliness", as_json(200, "I'm alive!"))
    | get("/health/liveness", as_json(200, "I'm alive!"))
    | get("/health/readiness", as_json(200, {"status": "healthy", "db": "Not connected"}))
    | get("/health", as_json(200, {"healthy_count": 2, "unhealthy_count": 0}), guarded=True)
    | get("/metrics/", served("litellm-1.55"))
    | get("/health/backlog", as_json(200, {"in_flight_requests": 0, "queued_requests": 0}), guarded=True)
    | get("/v1/models", model_list("primary", "secondary"), guarded=True)
    | get("/model/info", offers.LITELLM, guarded=True),
    bad_key=openai_error(401, "auth_error", "Authentication Error, Invalid proxy server token passed.", "401"),
    overloaded=openai_error(429, "throttling_error", "No deployments available for selected model.", "429"),
    loading=as_json(503, {"status": "shutting_down"}),
    missing=as_json(404, {"detail": "Not Found"}),
)

LLAMACPP = RecordedProvider(
    auth=Auth.BEARER,
    endpoints=get("/health", as_json(200, {"status": "ok"}))
    | get("/v1/models", model_list("/models/qwen.gguf"))
    | get("/metrics", served("llamacpp-2026"), guarded=True)
    | get("/slots", as_json(200, [{"id": 0, "is_processing": False}]), guarded=True)
    | get("/props", as_json(200, {"total_slots": 1, "model_path": "/models/qwen.gguf"}), guarded=True),
    bad_key=as_json(401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}),
    overloaded=as_json(503, {"error": {"code": 503, "message": "no slot available", "type": "unavailable_error"}}),
    loading=as_json(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    missing=as_json(404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}),
)

TRITON = RecordedProvider(
    auth=Auth.NONE,
    endpoints=get("/v2/health/live", ServedAnswer(200))
    | get("/metrics", served("triton-2.60"))
    | get("/v2/health/ready", ServedAnswer(200))
    | get("/v2/models/demo/ready", ServedAnswer(200)),
    bad_key=ServedAnswer(401),
    overloaded=ServedAnswer(503),
    # Not ready is a 400 here, not a 503.
    loading=ServedAnswer(400),
    missing=ServedAnswer(404),
)

QDRANT = RecordedProvider(
    auth=Auth.API_KEY,
    endpoints=get("/readyz", as_text(200, "all shards are ready"))
    | get("/healthz", as_text(200, "healthz check passed"))
    | get(
        "/collections/demo",
        as_json(200, {"result": {"status": "green", "points_count": 12}, "status": "ok", "time": 0.001}),
        guarded=True,
    ),
    bad_key=as_text(401, "Must provide an API key or an Authorization bearer token"),
    overloaded=as_text(503, "some shards are not ready"),
    loading=as_text(503, "some shards are not ready"),
    missing=as_json(404, {"status": {"error": "Not found: Collection doesn't exist!"}, "time": 0.001}),
)

PROVIDERS: dict[str, RecordedProvider] = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
    "vllm": VLLM,
    "litellm": LITELLM,
    "llamacpp": LLAMACPP,
    "triton": TRITON,
    "qdrant": QDRANT,
    "cohere": recorded_clouds.COHERE,
    "azure-openai": recorded_clouds.AZURE_OPENAI,
    "bedrock": recorded_clouds.BEDROCK,
    "mistral": recorded_clouds.MISTRAL,
    "groq": recorded_clouds.GROQ,
    "together": recorded_clouds.TOGETHER,
    "fireworks": recorded_clouds.FIREWORKS,
    "deepseek": recorded_clouds.DEEPSEEK,
    "xai": recorded_clouds.XAI,
    "openrouter": recorded_clouds.OPENROUTER,
    "huggingface": recorded_clouds.HUGGINGFACE,
    "pinecone": recorded_clouds.PINECONE,
    "sglang": recorded_servers.SGLANG,
    "tgi": recorded_servers.TGI,
    "tei": recorded_servers.TEI,
    "localai": recorded_servers.LOCALAI,
    "lmstudio": recorded_servers.LMSTUDIO,
    "rayserve": recorded_servers.RAYSERVE,
    "nim": recorded_servers.NIM,
    "kserve": recorded_servers.KSERVE,
    "bentoml": recorded_servers.BENTOML,
    "openai-compatible": recorded_servers.OPENAI_COMPATIBLE,
    "weaviate": recorded_servers.WEAVIATE,
    "milvus": recorded_servers.MILVUS,
    "chroma": recorded_servers.CHROMA,
    "elasticsearch": recorded_servers.ELASTICSEARCH,
    "fleet": recorded_servers.FLEET,
    "mcp": recorded_servers.MCP,
}


def find(path: str) -> tuple[RecordedProvider, str] | None:
    """Provider of the first segment of `path`, and the rest of the path."""
    name, _, rest = path.lstrip("/").partition("/")
    provider = PROVIDERS.get(name)
    return (provider, f"/{rest}") if provider else None


def healthy_answer(provider: RecordedProvider, request: ServedRequest, path: str) -> ServedAnswer:
    """Answer of a healthy provider: what changes, then its key check and the table."""
    told = provider.live(request, path) if provider.live is not None else None
    if told is not None:
        return told
    endpoint = provider.endpoints.get((request.method, path))
    if endpoint is None:
        return provider.missing
    if endpoint.guarded and not has_key(provider.auth, request.headers):
        return provider.bad_key
    return endpoint.answer
