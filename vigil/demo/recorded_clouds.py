"""Recorded answers of model providers outside the demo's story."""

from __future__ import annotations

from dataclasses import replace

from vigil.demo.exchange import ServedAnswer, as_json, as_text
from vigil.demo.gateways import offers
from vigil.demo.model_lists.live import LiveModelList
from vigil.demo.shapes import Auth, Endpoints, RecordedProvider, get, model_list, openai_error, post, too_many

_BAD_KEY = openai_error(401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key")
_BUSY = openai_error(503, "service_unavailable_error", "The service is overloaded.", "server_is_overloaded")
_GONE = openai_error(404, "invalid_request_error", "The model does not exist.", "model_not_found")


def _cloud(
    endpoints: Endpoints,
    auth: Auth = Auth.BEARER,
    bad_key: ServedAnswer = _BAD_KEY,
    overloaded: ServedAnswer = _BUSY,
    loading: ServedAnswer = _BUSY,
    missing: ServedAnswer = _GONE,
    rate_limited: ServedAnswer | None = None,
) -> RecordedProvider:
    return RecordedProvider(auth, endpoints, bad_key, overloaded, loading, missing, rate_limited or too_many())


COHERE = _cloud(
    get(
        "/v1/models",
        as_json(200, {"models": [{"name": "command-r", "endpoints": ["chat"], "finetuned": False}]}),
        guarded=True,
    )
    | post("/v1/check-api-key", as_json(200, {"valid": True, "organization_id": "o", "owner_id": "w"}), guarded=True),
    bad_key=as_json(401, {"id": "d1", "message": "invalid api token"}),
    overloaded=as_json(503, {"id": "d2", "message": "service unavailable"}),
    missing=as_json(404, {"id": "d3", "message": "model 'x' not found"}),
    rate_limited=as_json(
        429,
        {"id": "d4", "message": "You are using a Trial key, which is limited to 20 API calls / minute."},
        ("x-trial-endpoint-call-limit", "20"),
        ("x-trial-endpoint-call-remaining", "0"),
    ),
)

AZURE_OPENAI = _cloud(
    get("/openai/models", model_list("gpt-4o-mini", lifecycle_status="generally-available"), guarded=True)
    | get("/openai/v1/models", model_list("gpt-4o-mini"), guarded=True),
    auth=Auth.API_KEY,
    bad_key=as_json(401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}),
    overloaded=as_json(429, {"error": {"code": "429", "message": "The system is experiencing high demand."}}),
    missing=as_json(404, {"error": {"code": "404", "message": "Resource not found"}}),
    rate_limited=as_json(
        429,
        {"error": {"code": "429", "message": "Requests have exceeded the call rate limit of your tier."}},
        ("retry-after-ms", "12000"),
        ("x-ratelimit-remaining-requests", "-1"),
    ),
)

_BEDROCK_MODELS = {
    "modelSummaries": [
        {"modelId": "anthropic.claude-x", "modelLifecycle": {"status": "ACTIVE"}},
        {"modelId": "anthropic.claude-old", "modelLifecycle": {"status": "LEGACY"}},
    ]
}
_BEDROCK_ACCESS = {
    "modelId": "anthropic.claude-x",
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
    "agreementAvailability": {"status": "AVAILABLE"},
}
#: Without a signature or key everything is refused, which is enough for reachability.
BEDROCK = _cloud(
    get("/", as_json(200, {}))
    | get("/foundation-models", as_json(200, _BEDROCK_MODELS), guarded=True)
    | get("/foundation-model-availability/anthropic.claude-x", as_json(200, _BEDROCK_ACCESS), guarded=True),
    bad_key=as_json(
        403, {"message": "Missing Authentication Token"}, ("x-amzn-errortype", "MissingAuthenticationTokenException")
    ),
    overloaded=as_json(503, {"message": "busy"}, ("x-amzn-errortype", "ServiceUnavailableException")),
    loading=as_json(429, {"message": "wait"}, ("x-amzn-errortype", "ModelNotReadyException")),
    missing=as_json(404, {"message": "no"}, ("x-amzn-errortype", "ResourceNotFoundException")),
    rate_limited=as_json(429, {"message": "slow"}, ("x-amzn-errortype", "ThrottlingException")),
)

MISTRAL = replace(
    _cloud(
        get("/v1/models", model_list("mistral-small-latest", capabilities={"completion_chat": True}), guarded=True),
        bad_key=as_json(401, {"message": "Unauthorized", "request_id": "d5"}),
        rate_limited=as_json(
            429, {"object": "error", "message": "Requests rate limit exceeded", "type": "rate_limited"}
        ),
    ),
    live=LiveModelList().answer,
)

GROQ = _cloud(
    get("/openai/v1/models", model_list("llama-3.1-8b-instant", active=True, context_window=131_072), guarded=True),
    overloaded=openai_error(498, "", "Flex tier capacity exceeded.", "capacity_exceeded"),
)

TOGETHER = _cloud(
    # A bare array, unlike other providers.
    get("/v1/models", as_json(200, [{"id": "meta/llama", "object": "model", "type": "chat"}]), guarded=True),
    overloaded=as_json(503, {"error": {"message": "Engine overloaded, retry later.", "type": "server_error"}}),
)

FIREWORKS = _cloud(
    get("/inference/v1/models", model_list("accounts/fireworks/models/llama"), guarded=True),
    loading=as_json(503, {"error": {"code": "DEPLOYMENT_SCALING_UP", "message": "The deployment is scaling up."}}),
)

DEEPSEEK = _cloud(
    get("/models", model_list("deepseek-chat"), guarded=True)
    | get(
        "/user/balance",
        as_json(200, {"is_available": True, "balance_infos": [{"currency": "USD", "total_balance": "12.00"}]}),
        guarded=True,
    ),
    bad_key=openai_error(401, "authentication_error", "Authentication Fails.", "invalid_request_error"),
)

XAI = _cloud(
    get("/v1/models", model_list("grok-4"), guarded=True)
    | get(
        "/v1/api-key",
        as_json(200, {"api_key_blocked": False, "api_key_disabled": False, "team_blocked": False, "acls": ["*"]}),
        guarded=True,
    ),
    # A bad key is a 400 here, not a 401.
    bad_key=as_json(
        400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xx***xx."}
    ),
)

OPENROUTER = _cloud(
    get("/api/v1/key", as_json(200, {"data": {"label": "d", "limit": None, "usage": 0.1}}), guarded=True)
    | get("/api/v1/models", as_json(200, {"data": [{"id": "anthropic/claude-x", "name": "Claude X"}]}))
    | get(
        "/api/v1/models/anthropic/claude-x/endpoints",
        offers.OPENROUTER,
    )
    | get("/api/v1/models/meta/llama-x/endpoints", offers.OPENROUTER),
    bad_key=as_json(401, {"error": {"code": 401, "message": "No auth credentials found"}}),
    overloaded=as_json(200, {"error": {"code": 529, "message": "Provider is overloaded"}}),
    missing=as_json(404, {"error": {"code": 404, "message": "Not found"}}),
    rate_limited=as_json(200, {"error": {"code": 429, "message": "Rate limited upstream"}}),
)

HUGGINGFACE = _cloud(
    get("/v1/models", model_list("meta-llama/Llama-3.1-8B-Instruct", providers=offers.HUGGINGFACE), guarded=True)
    | get(
        "/api/models/meta-llama/Llama-3.1-8B-Instruct",
        as_json(200, {"inferenceProviderMapping": [{"provider": "groq", "status": "live", "task": "conversational"}]}),
    ),
    bad_key=as_json(401, {"error": "Invalid username or password."}),
    loading=as_json(503, {"error": "Model x is currently loading", "estimated_time": 20.0}),
    missing=as_json(404, {"error": "Model not found"}),
    rate_limited=as_json(429, {"error": "Too many requests"}, ("retry-after", "30")),
)

PINECONE = _cloud(
    get(
        "/indexes/demo",
        as_json(200, {"name": "demo", "dimension": 8, "status": {"ready": True, "state": "Ready"}}),
        guarded=True,
    )
    | post("/describe_index_stats", as_json(200, {"dimension": 8, "totalVectorCount": 12}), guarded=True),
    auth=Auth.API_KEY,
    bad_key=as_text(401, "Unauthorized"),
    overloaded=as_json(503, {"status": 503, "error": {"code": "UNAVAILABLE", "message": "retry"}}),
    loading=as_json(200, {"name": "demo", "status": {"ready": False, "state": "Initializing"}}),
    missing=as_json(404, {"status": 404, "error": {"code": "NOT_FOUND", "message": "Resource demo not found"}}),
    rate_limited=as_json(429, {"status": 429, "error": {"code": "RESOURCE_EXHAUSTED", "message": "slow down"}}),
)
