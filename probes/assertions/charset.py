"""Charset of a text body: by its mark, its header or its `<meta>`, under the labels of the WHATWG standard. Pure."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

#: What the standard reads otherwise than Python does, or Python does not know: label -> codec.
_LABELS = {
    label: codec
    for codec, labels in (
        ("utf-8", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8"),
        ("utf-16-le", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le"),
        ("utf-16-be", "unicodefffe utf-16be"),
        ("cp1252", "ansi_x3.4-1968 ascii cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
                   "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252"),
        ("cp1254", "csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5"),
        ("cp874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874"),
        ("gb18030", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030"),
        ("big5hkscs", "big5 big5-hkscs cn-big5 csbig5 x-x-big5"),
        ("cp932", "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis"),
        ("cp949", "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
                  "windows-949"),
        ("euc_jp", "cseucpkdfmtjapanese euc-jp x-euc-jp"),
        ("mac-roman", "csmacintosh mac macintosh x-mac-roman"),
        ("mac-cyrillic", "x-mac-cyrillic x-mac-ukrainian"),
        ("koi8-r", "koi koi8"),
        ("koi8-u", "koi8-ru"),
        ("iso8859-6", "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i iso88596"),
        ("iso8859-7", "sun_eu_greek iso88597"),
        ("iso8859-8", "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i iso88598 logical visual"),
        ("iso8859-15", "csisolatin9 iso885915"),
        *((f"cp125{n}", f"x-cp125{n}") for n in (0, 1, 3, 4, 5, 6, 7, 8)),
        *((f"iso8859-{n}", f"iso8859{n}") for n in (2, 3, 4, 5, 10, 13, 14)),
    )
    for label in labels.split()
}  # fmt: skip
#: Codecs of Python that are charsets; its others unpack, or cost more than their bytes.
_CHARSETS = frozenset(
    {codecs.lookup(codec).name for codec in _LABELS.values()}
    | {f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
    | {f"cp125{n}" for n in range(9)}
    | {"cp866", "cp850", "cp437", "iso2022_jp", "utf-32", "utf-32-le", "utf-32-be"}
)
#: Of these, a body of plain ASCII reads as it stands.
ASCII_COMPATIBLE = frozenset(name for name in _CHARSETS if not name.startswith(("utf-16", "utf-32", "iso2022")))
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]{1,40})", re.IGNORECASE)
_META = re.compile(
    rb"<meta[^>]{1,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})"
    rb"|<\?xml[^>]{1,100}?encoding\s*=\s*[\"']([A-Za-z0-9_:.-]{1,40})",
    re.IGNORECASE,
)
#: Which of its first four bytes are zero: JSON begins with two characters of ASCII.
_JSON_ZEROS = (({1, 2, 3}, "utf-32-le"), ({0, 1, 2}, "utf-32-be"), ({1, 3}, "utf-16-le"), ({0, 2}, "utf-16-be"))
#: Where a page must name its charset, as the standard says (bytes).
_META_WITHIN = 1024


def decoded(body: bytes, content_type: str) -> str:
    """The text of a body; what is not in its charset is replaced."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    return body.decode(charset_of(body, content_type), "replace")


def charset_of(body: bytes, content_type: str) -> str:
    """The codec of a body without a mark: by its header, else by the page itself, else UTF-8."""
    named = _HEADER.search(content_type) if "=" in content_type else None
    codec = codec_of(named[1]) if named else None
    if codec is None and body[:_META_WITHIN].lstrip()[:1] == b"<":
        found = _META.search(body[:_META_WITHIN])
        codec = codec_of((found[1] or found[2]).decode()) if found else None
        if codec is not None and codec.startswith("utf-16"):
            # Who could read that could not have been told so.
            codec = "utf-8"
    return codec or "utf-8"


@lru_cache(maxsize=512)
def codec_of(label: str) -> str | None:
    """Python's codec for a label; None for one that names no charset."""
    label = label.strip().lower()
    try:
        name = codecs.lookup(_LABELS.get(label, label)).name
    except (LookupError, ValueError):
        return None
    return name if name in _CHARSETS else None


def json_text(body: bytes, content_type: str) -> str:
    """A JSON document that is not plain UTF-8: its mark, or the zeros among its first bytes, give its charset away."""
    if not body.startswith(tuple(mark for mark, _ in _MARKS)):
        for zeros, codec in _JSON_ZEROS:
            if len(body) > 3 and all((body[place] == 0) is (place in zeros) for place in range(4)):
                return body.decode(codec, "replace")
    return decoded(body, content_type)
