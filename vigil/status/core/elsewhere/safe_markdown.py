"""Prose of teams as Markdown for programs and other readers: as it was written, with nothing that acts. Pure.

It is read like the page's HTML (`prose`) and written anew: raw HTML becomes text, pictures their words, links keep
known schemes alone, headings begin at the third level, and nothing that was left open swallows what follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from markdown_it.tree import SyntaxTreeNode

from vigil.status.core.prose import SCHEMES, parsed

#: What acts in a line: but an underscore within a word, and what only makes pairs or ends a line.
_ACTIVE = re.compile(r"([`*\[\]<|]|\\(?=[!-/:-@\[-`{-~]|$)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|&(?=#?\w+;))")
#: What acts where a line begins, behind spaces, and numbers of lists.
_BEGINS = re.compile(r"(?m)^(\s*)(?:([#+>=-])|(\d{1,9})([.)]))")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]{1,20}")


def safe_markdown(text: str) -> str:
    """Blocks of a text, divided by empty lines; empty for an empty one."""
    return _blocks(SyntaxTreeNode(parsed(text)).children)


def quoted(text: str) -> str:
    """Lines as a quotation."""
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def in_markdown(text: str) -> str:
    """Text of people in one line, with nothing that Markdown or HTML would act on."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return _BEGINS.sub(_inert, _ACTIVE.sub(r"\\\g<0>", text))


def _inert(found: re.Match[str]) -> str:
    before, mark, number, end = found.groups()
    return f"{before}\\{mark}" if mark else f"{before}{number}\\{end}"


def _blocks(nodes: Iterable[SyntaxTreeNode], between: str = "\n\n") -> str:
    made = (_BLOCKS.get(one.type, _line)(one) for one in nodes)
    return between.join(block for block in made if block)


def _line(node: SyntaxTreeNode) -> str:
    """The text below a node, whose line ends are kept."""
    text = "".join(map(_inline, _leaves(node)))
    # Escaped piece by piece: what stands behind a mark begins no line.
    return "\n".join(line.strip() for line in text.split("\n"))


def _leaves(node: SyntaxTreeNode) -> Iterable[SyntaxTreeNode]:
    for one in node.children:
        yield from one.children if one.type == "inline" else [one]


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            return _escaped(node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return _code(node.content)
        case "link":
            return _link(node, "".join(map(_inline, node.children)))
        case "image":
            return "".join(map(_inline, node.children)) if node.children else _escaped(node.content)
    mark = _MARKS.get(node.type, "")
    return f"{mark}{''.join(map(_inline, node.children))}{mark}"


_MARKS = {"em": "*", "strong": "**", "s": "~~"}


def _code(text: str) -> str:
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{room}{text}{room}{marks}"


def _link(node: SyntaxTreeNode, words: str) -> str:
    address = re.sub(r"[<>\s\\]", lambda found: f"%{ord(found[0]):02X}", str(node.attrs.get("href", "")))
    try:
        known = urlsplit(address).scheme in ("", *SCHEMES)
    except ValueError:
        known = False
    if not known or not address:
        return words
    return f"[{words}](<{address}>)" if re.search(r"[()]", address) else f"[{words}]({address})"


def _heading(node: SyntaxTreeNode) -> str:
    words = re.sub(r"(#+)$", r"\\\1", _line(node).replace("\n", " "))
    return f"{'#' * min(6, int(node.tag[1]) + 2)} {words}"


def _fence(node: SyntaxTreeNode) -> str:
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", node.content)), default=0))
    language = _LANGUAGE.match(node.info or "")
    content = node.content.removesuffix("\n")
    return f"{marks}{language[0] if language else ''}\n{content}\n{marks}"


def _list(node: SyntaxTreeNode) -> str:
    first = int(node.attrs.get("start", 1) or 0) if node.type == "ordered_list" else None
    # Of a tight list paragraphs are hidden.
    between = "\n" if all(one.hidden for item in node.children for one in item.children[:1]) else "\n\n"
    items = []
    for place, item in enumerate(node.children):
        mark = f"{node.markup} " if first is None else f"{first + place}{node.markup} "
        text = _blocks(item.children, between).replace("\n", f"\n{' ' * len(mark)}")
        items.append(re.sub(r"(?m)[ ]+$", "", f"{mark}{text}"))
    return between.join(items)


def _table(node: SyntaxTreeNode) -> str:
    rows = [row for part in node.children for row in part.children]
    lines = [f"| {' | '.join(_line(cell) for cell in row.children)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0].children)}", *lines[1:]])


_BLOCKS: Mapping[str, Callable[[SyntaxTreeNode], str]] = {
    "heading": _heading,
    "fence": _fence,
    "code_block": _fence,
    "blockquote": lambda node: quoted(_blocks(node.children)),
    "bullet_list": _list,
    "ordered_list": _list,
    "table": _table,
    "hr": lambda node: "___",
}
