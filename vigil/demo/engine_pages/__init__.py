"""Pages of metrics of model servers, as each version of them writes its own; invented values. Served by the fakes."""

from __future__ import annotations

from pathlib import Path

from vigil.demo.exchange import ServedAnswer, as_text

_FOLDER = Path(__file__).parent


def page(name: str) -> str:
    """The page of a server and version, such as `vllm-0.10`."""
    (path,) = _FOLDER.glob(f"{name}.*")
    return path.read_text(encoding="utf-8")


def served(name: str) -> ServedAnswer:
    """The page as its server would answer it."""
    return as_text(200, page(name))
