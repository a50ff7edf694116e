"""Mail headers with words that people wrote, encoded so that every mail program shows them. Pure."""

from __future__ import annotations

from email.header import Header
from email.policy import EmailPolicy


class _MailPolicy(EmailPolicy):
    """Headers in lines that are folded only where they must be: at 78 columns a long word would leave a blank one."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "Subject":
            return f"Subject: {encoded('Subject', str(value))}\r\n".encode()
        return super().fold_binary(name, value)


#: Policy of letters.
MAIL = _MailPolicy(linesep="\r\n", max_line_length=998)


def encoded(name: str, words: str) -> str:
    """Words of people as the value of a header: encoded words (RFC 2047) where they need them.

    Those that `EmailMessage` makes may be empty, which readers show as they are, and may lose a space.
    """
    if words.isascii() and "=?" not in words:
        return words
    return Header(words, "utf-8", header_name=name, maxlinelen=76).encode(linesep="\r\n")
