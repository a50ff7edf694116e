"""Presets of vector databases and of the stores beside them."""

from __future__ import annotations

from probes.presets.shape import Key, Preset
from probes.reasons import Reason


def _store(name: str, title: str, address: str, path: str, doc: str, says: str, **more: object) -> Preset:
    return Preset(
        name=name,
        title=title,
        family=str(more.pop("family", name)),
        address=address,
        own_address=True,
        path=path,
        doc=doc,
        says=says,
        **{"timeout_ms": 5_000, **more},  # type: ignore[arg-type]  # the fields of Preset
    )


#: Both answer 200 whatever the colour.
_GREEN = (
    {"type": "regex", "pattern": '"status"\\s*:\\s*"(green|yellow)"'},
    {
        "type": "jsonpath",
        "path": "$.status",
        "equals": "green",
        "gives": "degraded",
        "reason": Reason.VALUE_MISMATCH.value,
    },
)

PRESETS = (
    _store(
        "qdrant",
        "Qdrant",
        "http://localhost:6333",
        "/readyz",
        "https://qdrant.tech/documentation/guides/monitoring/",
        "The node is ready to serve.",
    ),
    _store(
        "qdrant-collection",
        "Qdrant collection",
        "http://localhost:6333",
        "/collections/{name}",
        "https://api.qdrant.tech/api-reference/collections/get-collection",
        "The collection is there, and all its shards are well.",
        family="qdrant",
        needs=("name",),
        key=Key.OPTIONAL,
        key_header="api-key",
        assertions=(
            {"type": "jsonpath", "path": "$.result.status", "exists": True},
            {"type": "regex", "pattern": '"status"\\s*:\\s*"(green|yellow|grey)"'},
            {"type": "jsonpath", "path": "$.result.status", "equals": "green", "gives": "degraded", "reason": "busy"},
        ),
    ),
    _store(
        "weaviate",
        "Weaviate",
        "http://localhost:8080",
        "/v1/.well-known/ready",
        "https://docs.weaviate.io/deploy/configuration/status",
        "The node is ready to serve.",
        expected_status=("200", "204"),
    ),
    _store(
        "milvus",
        "Milvus",
        "http://localhost:9091",
        "/healthz",
        "https://milvus.io/docs/healthcheck.md",
        "Every component of the node is well.",
        assertions=({"type": "body_contains", "text": "OK"},),
    ),
    _store(
        "chroma",
        "Chroma",
        "http://localhost:8000",
        "/api/v2/heartbeat",
        "https://docs.trychroma.com/reference/python/client",
        "The server answers with its clock.",
        key=Key.OPTIONAL,
        key_header="x-chroma-token",
        assertions=({"type": "body_contains", "text": "heartbeat"},),
    ),
    _store(
        "elasticsearch",
        "Elasticsearch",
        "http://localhost:9200",
        "/_cluster/health",
        "https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-cluster-health",
        "The cluster is green; yellow is degraded, red is down.",
        key=Key.OPTIONAL,
        key_header="Authorization",
        key_prefix="ApiKey ",
        assertions=_GREEN,
        timeout_ms=10_000,
    ),
    _store(
        "opensearch",
        "OpenSearch",
        "https://localhost:9200",
        "/_cluster/health",
        "https://docs.opensearch.org/latest/api-reference/cluster-api/cluster-health/",
        "The cluster is green; yellow is degraded, red is down. The key is written user:password.",
        key=Key.OPTIONAL,
        key_header="basic",
        assertions=_GREEN,
        timeout_ms=10_000,
    ),
    _store(
        "postgresql",
        "PostgreSQL",
        "localhost:5432",
        "",
        "https://www.postgresql.org/docs/current/runtime-config-connection.html",
        "The server takes connections: neither starting up, nor full. It stops before the password.",
        kind="postgresql",
    ),
    _store(
        "redis",
        "Redis",
        "localhost:6379",
        "",
        "https://redis.io/docs/latest/operate/",
        "The server answers PING, its data loaded. The key is the password, or user:password.",
        kind="redis",
        key=Key.OPTIONAL,
        key_header="password",
        timeout_ms=3_000,
    ),
)
