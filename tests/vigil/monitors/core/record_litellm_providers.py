"""Oracle of providers: what LiteLLM's own `get_llm_provider` says, for `litellm_providers.json`.

LiteLLM and what it needs are 380 MB, so its answers are recorded. In an environment of its own:

  pip install litellm && LITELLM_LOCAL_MODEL_COST_MAP=True python record_litellm_providers.py > litellm_providers.json
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from importlib import metadata
from typing import Any

#: Providers that log in, or the like, when they are asked.
ACTIVE = frozenset({"github_copilot", "chatgpt"})
BASES = (
    "https://api.openai.com.evil.example/v1", "https://evil.example/api.groq.com/openai/v1", "https://api.groq.com",
    "https://api.groq.com/openai/v11", "https://API.GROQ.com/openai/v1/", "http://10.0.0.5:8000/v1",
)  # fmt: skip


def main() -> None:
    import litellm  # type: ignore[import-not-found]  # it is installed for this alone

    def provider(model: str, base: str | None = None) -> str:
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                return str(litellm.get_llm_provider(model, api_base=base)[1] or "")
            except litellm.exceptions.BadRequestError:
                return ""

    models: dict[str, list[str]] = {}
    for name in sorted(name for name in litellm.model_cost if "/" not in name):
        models.setdefault(provider(name), []).append(name)
    prefixes = sorted({name.partition("/")[0] for name in litellm.model_cost if "/" in name} - ACTIVE)
    endpoints = [base if "://" in base else f"https://{base}" for base in litellm.openai_compatible_endpoints]
    found: dict[str, Any] = {
        "litellm": metadata.version("litellm"),
        "models": models,
        "prefixes": {prefix: provider(f"{prefix}/some-model") for prefix in prefixes},
        "bases": {base: provider("some-model", base) for base in (*endpoints, *BASES)},
    }
    sys.stdout.write(json.dumps(found, indent=0, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
