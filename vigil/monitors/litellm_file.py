"""LiteLLM file reader: `config.yaml` as plain data, without tags, bounded against expansion."""

from __future__ import annotations

from pathlib import Path

import yaml

from vigil.monitors.core.litellm_targets import BadConfig
from vigil.strict_json import InputProblem, check_text

SIZE_MOST = 1_048_576
INCLUDES_MOST = 50
#: Values with all aliases expanded: a small file can expand to millions.
_VALUES_MOST = 200_000


def read_config(path: Path) -> object:
    """Parse the file and its `include` files, merged as LiteLLM does: lists joined, else the included value wins.

    Raises `BadConfig` with one line that says what is wrong and where.
    """
    document = _read(path)
    included = document.get("include") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not included:
        return document
    if not isinstance(included, list) or not all(isinstance(name, str) for name in included):
        raise BadConfig("`include` is a list of file names")
    if len(included) > INCLUDES_MOST:
        raise BadConfig(f"`include` names more than {INCLUDES_MOST} files")
    merged = {name: value for name, value in document.items() if name != "include"}
    for name in included:
        part = _read(path.parent / name)
        if not isinstance(part, dict):
            raise BadConfig(f"the included file {name} is not a mapping")
        for section, value in part.items():
            present = merged.get(section)
            joined = isinstance(present, list) and isinstance(value, list)
            merged[section] = [*present, *value] if joined else value  # type: ignore[misc]  # both are lists there
    return merged


def _read(path: Path) -> object:
    try:
        if path.exists() and not path.is_file():
            # A pipe would be waited for.
            raise BadConfig(f"{path} is not a file")
        with path.open("rb") as file:
            content = file.read(SIZE_MOST + 1)
    except OSError as problem:
        raise BadConfig(f"cannot read {path}: {problem.strerror or problem}") from None
    if len(content) > SIZE_MOST:
        raise BadConfig(f"{path} is larger than {SIZE_MOST // 1024} KiB: that is not a LiteLLM configuration")
    return parse_config(content)


def parse_config(content: bytes) -> object:
    """Parse the document as plain data; raises `BadConfig` without quoting the file."""
    try:
        loader = yaml.SafeLoader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _values(node, {}, set()) > _VALUES_MOST:
                raise BadConfig("the file expands to too many values: write its aliases out")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise BadConfig(
            f"the file is not plain YAML{place}: {getattr(problem, 'problem', None) or 'unreadable'}"
        ) from None
    except RecursionError:
        raise BadConfig("the file is nested too deeply") from None
    except (ValueError, LookupError, AttributeError, TypeError):
        # A value that does not fit the tag that is written before it ends the loader in any of these.
        raise BadConfig("the file is not YAML text") from None


def _check_text(node: yaml.Node) -> None:
    try:
        check_text(node.value)
    except InputProblem as problem:
        raise BadConfig(f"line {node.start_mark.line + 1}: {problem}") from None


def _values(node: yaml.Node, counted: dict[int, int], open_nodes: set[int]) -> int:
    """Number of values of a node with aliases expanded; raises `BadConfig` for a recursive one."""
    known = counted.get(id(node))
    if known is not None:
        return known
    if id(node) in open_nodes:
        raise BadConfig("a value of the file contains itself")
    open_nodes.add(id(node))
    total = 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            total += _values(key, counted, open_nodes) + _values(value, counted, open_nodes)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_values(item, counted, open_nodes) for item in node.value)
    else:
        # An escape can write half a character, or a zero byte.
        _check_text(node)
    open_nodes.discard(id(node))
    counted[id(node)] = total
    return total
