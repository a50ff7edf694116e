"""Monitor decisions: composite rules, providers, LiteLLM plans. Pure."""
