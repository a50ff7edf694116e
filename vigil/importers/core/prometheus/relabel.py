"""Relabelling of Prometheus, with RE2 as in the original. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from vigil.importers.core.values import entries, mappings, text

Labels = dict[str, str]
_GROUP = re.compile(r"\$(?:(\d+)|\{(\d+)\}|(\$))")
_PATTERN_MOST = 2_000


def relabelled(labels: Labels, rules: Any) -> Labels | None:
    """The labels after all rules; None where a rule drops the target."""
    found = dict(labels)
    for rule in mappings(rules):
        kept = _applied(found, rule)
        if kept is None:
            return None
        found = kept
    return found


def _applied(labels: Labels, rule: dict[str, Any]) -> Labels | None:
    action = text(rule.get("action")).lower() or "replace"
    sources = [text(each) for each in entries(rule.get("source_labels"))]
    separator = text(rule["separator"]) if "separator" in rule else ";"
    value = separator.join(labels.get(name, "") for name in sources)
    target = text(rule.get("target_label"))
    written = text(rule["regex"]) if rule.get("regex") is not None else "(.*)"
    pattern = compiled(written)
    if pattern is None:
        return labels
    if action in ("labelmap", "labeldrop", "labelkeep"):
        return _by_name(labels, action, pattern, rule)
    match = pattern.fullmatch(value)
    if action == "keep":
        return labels if match else None
    if action == "drop":
        return None if match else labels
    if action in ("keepequal", "dropequal"):
        return labels if (labels.get(target, "") == value) is (action == "keepequal") else None
    if action in ("lowercase", "uppercase"):
        return {**labels, target: value.lower() if action == "lowercase" else value.upper()}
    if action != "replace" or match is None or not target:
        return labels
    made = _expanded(text(rule["replacement"]) if "replacement" in rule else "$1", match)
    changed = {**labels, _expanded(target, match): made}
    return changed if made else {name: each for name, each in changed.items() if name != target}


def _by_name(labels: Labels, action: str, pattern: Any, rule: dict[str, Any]) -> Labels:
    if action == "labelmap":
        replacement = text(rule.get("replacement")) or "$1"
        mapped = {_expanded(replacement, match): value for name, value in labels.items()
                  if (match := pattern.fullmatch(name))}  # fmt: skip
        return {**labels, **mapped}
    return {name: value for name, value in labels.items() if bool(pattern.fullmatch(name)) is (action == "labelkeep")}


def _expanded(template: str, match: Any) -> str:
    def group(found: re.Match[str]) -> str:
        if found[3]:
            return "$"
        try:
            return match.group(int(found[1] or found[2])) or ""
        except (IndexError, re2.error):
            return ""

    return _GROUP.sub(group, template)


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The pattern, or None for one that RE2 does not take: it then changes nothing."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(f"(?s:{pattern})" if len(pattern) <= _PATTERN_MOST else "", options=options)
    except re2.error:
        return None
