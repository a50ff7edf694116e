"""Writer of `vigil.yaml`: the same document gives the same text; a comment says where each entry comes from. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from vigil.importers.core.draft import Imported
from vigil.importers.core.names import as_written, one_line

_INDENT, _WIDTH = 2, 4096
_COMMENT_MOST = 300
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z|[0-9]+(?:ms|s|m|h|d)\Z")
#: What some reader of YAML takes for something else than a text.
_AMBIGUOUS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"})
_SHORT_LIST = 100


def write(imported: Imported, origin: str) -> str:
    """The file as text: head with the variables to set, then every section."""
    document = CommentedMap()
    for section, value in imported.document.items():
        if isinstance(value, Mapping):
            document[section] = _section(section, value, imported)
        else:
            document[section] = _node(value)
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    yaml.indent(mapping=_INDENT, sequence=_INDENT + 2, offset=_INDENT)
    text = io.StringIO()
    yaml.dump(document, text)
    return _head(imported, origin) + text.getvalue()


def _head(imported: Imported, origin: str) -> str:
    report = imported.report
    lines = [f"Imported from {report.source} ({origin}): {report.summary}."]
    if report.variables:
        lines.append("Set these variables before plan and apply:")
        lines += [f"  {one.name}: {one.holds}" for one in report.variables]
    return "".join(f"# {_comment(line)}\n" for line in lines)


def _section(name: str, entries: Mapping[str, Any], imported: Imported) -> CommentedMap:
    made = CommentedMap()
    for key, entry in entries.items():
        quoted = key if _is_plain(key) else DoubleQuotedScalarString(key)
        made[quoted] = _node(entry)
        said = imported.comments.get((name, key), ())
        if said:
            made.yaml_set_comment_before_after_key(quoted, "\n".join(map(_comment, said)), indent=_INDENT)
    return made


def _comment(text: str) -> str:
    return one_line(as_written(text), _COMMENT_MOST)


def _node(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        made = CommentedMap((_text(key), _node(each)) for key, each in value.items())
        if not made:
            made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        listed = CommentedSeq(_node(each) for each in value)
        if all(not isinstance(each, Mapping | list) for each in value) and len(str(value)) < _SHORT_LIST:
            listed.fa.set_flow_style()
        return listed
    return value


def _text(text: str) -> str:
    made = as_written(text)
    return made if _is_plain(made) else DoubleQuotedScalarString(made)


def _is_plain(text: str) -> bool:
    return _PLAIN.match(text) is not None and text.lower() not in _AMBIGUOUS
