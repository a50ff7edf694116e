"""Embeds of a status page on other sites: a document for a frame, and a script that writes one link. Pure.

The script asks for nothing else, sets no cookie and needs no `unsafe-inline` of its host: its state is in it, and it
sets styles as properties only (CSP 3, section 6.7).
"""

from __future__ import annotations

import json
from html import escape

from vigil.status.core.elsewhere.badges import COLOURS
from vigil.status.core.elsewhere.safe_markdown import in_markdown
from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.html import state_mark
from vigil.status.core.sentences import says
from vigil.status.core.states import PublicState

#: Paths of the two below the page.
FRAME_FILE, SCRIPT_FILE = "embed.html", "embed.js"
_SILENT_COLOUR = "#5c6670"
#: What is no part of a script that stands in HTML, nor a line end of old JavaScript.
_UNSAFE = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}
_SCRIPT = """\
(function (d, p) {
  var s = d.currentScript, a = d.createElement("a"), m = d.createElement("span");
  if (!s || !s.parentNode || s.parentNode === d.head) return;
  a.className = "vigil-status";
  a.href = p.address;
  a.target = "_blank";
  a.rel = "noopener";
  a.setAttribute("data-state", p.state);
  m.setAttribute("aria-hidden", "true");
  m.style.color = p.colour;
  m.textContent = "\\u25cf ";
  a.appendChild(m);
  a.appendChild(d.createTextNode(p.text));
  s.parentNode.insertBefore(a, s);
})(document, %s);
"""


def lines_to_copy(title: str, address: str) -> list[tuple[str, str]]:
    """What other sites take, each with what it is."""
    name, told = escape(title), f"{title}: status"
    frame = (
        f'<iframe src="{escape(address)}/{FRAME_FILE}" title="{name}: status" width="320" height="56" loading="lazy"'
        ' frameborder="0"></iframe>'
    )
    badge = f'<a href="{escape(address)}"><img src="{escape(address)}/badge.svg" alt="{name}: status" height="20"></a>'
    return [
        ("A frame, without a script", frame),
        ("A link with the state, by a script", f'<script async src="{escape(address)}/{SCRIPT_FILE}"></script>'),
        ("A badge, in HTML", badge),
        ("A badge, in Markdown", f"[![{in_markdown(told)}]({address}/badge.svg)]({address})"),
        ("For the endpoint badge of shields.io", f"{address}/badge.json"),
        ("For readers of Statuspage, and the status feeds of another Vigil", f"{address}/api/v2/summary.json"),
    ]


def embed_document(facts: PageFacts, frame: PageFrame, is_heard: bool = True) -> bytes:
    """The document of the frame."""
    state, said = (facts.state, says(facts)) if is_heard else (PublicState.NOT_MEASURED, facts.words.no_news)
    label, title = escape(facts.title), escape(facts.words.status_of.format(title=facts.title))
    return (
        f'<!doctype html>\n<html lang="{facts.words.tag}">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<link rel="stylesheet" href="{escape(frame.style)}">\n</head>\n<body>\n'
        f'<p class="row small card panel"><a href="{escape(frame.address)}" target="_blank" rel="noopener">'
        f"<bdi>{label}</bdi></a>{state_mark(frame, state, said)}</p>\n</body>\n</html>\n"
    ).encode()


def embed_script(facts: PageFacts, frame: PageFrame, is_heard: bool = True) -> bytes:
    """The script, with the state that it writes."""
    written = {
        "address": frame.address,
        "state": facts.state.value if is_heard else "unknown",
        "colour": COLOURS[facts.state] if is_heard else _SILENT_COLOUR,
        "text": f"{facts.title}: {says(facts) if is_heard else facts.words.no_news}",
    }
    return (_SCRIPT % json.dumps(written, ensure_ascii=False).translate(_UNSAFE)).encode()
