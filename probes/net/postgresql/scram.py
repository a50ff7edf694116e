"""Client side of SCRAM-SHA-256 (RFC 5802 and 7677), without channel binding. Pure, and dear: hash in a thread."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata

#: More rounds than this are not hashed: the server chooses, and may be hostile.
ITERATIONS_MOST = 500_000
MECHANISM = "SCRAM-SHA-256"
#: No channel binding, no other identity.
_HEADER = b"n,,"


class ScramError(ValueError):
    """The other side does not keep to the exchange, or cannot prove that it knows the password."""


class ScramClient:
    """One exchange: `first`, then `final` with the server's answer, then `verify` with its last one."""

    def __init__(self, password: str, nonce: bytes) -> None:
        self._password = prepared(password)
        self._nonce = base64.b64encode(nonce)
        self._proof_of_server = b""

    def first(self) -> bytes:
        return _HEADER + self._bare()

    def final(self, server_first: bytes) -> bytes:
        """The proof; raises ScramError. Costs as many hashes as the server asks for."""
        fields = _fields(server_first)
        nonce = fields.get(b"r", b"")
        try:
            salt, rounds = base64.b64decode(fields[b"s"], validate=True), int(fields[b"i"])
        except (KeyError, ValueError, binascii.Error):
            raise ScramError("an unreadable challenge") from None
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise ScramError("a challenge to another client")
        if not 1 <= rounds <= ITERATIONS_MOST:
            raise ScramError(f"{rounds} rounds of hashing, more than {ITERATIONS_MOST}")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        client_key = _hmac(salted, b"Client Key")
        without_proof = b"c=" + base64.b64encode(_HEADER) + b",r=" + nonce
        signed = b",".join((self._bare(), server_first, without_proof))
        signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        self._proof_of_server = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), signed))
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, server_final: bytes) -> None:
        """Raise ScramError unless the server proves that it knows the password as well."""
        if not hmac.compare_digest(_fields(server_final).get(b"v", b""), self._proof_of_server):
            raise ScramError("a server that does not know the password")

    def _bare(self) -> bytes:
        # PostgreSQL takes the user from the startup message.
        return b"n=,r=" + self._nonce


def prepared(password: str) -> bytes:
    """The password as SASLprep makes it (RFC 4013), or as it is where it holds what SASLprep prohibits."""
    if password.isascii():
        return password.encode()
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    prohibited = (
        stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
        stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
        stringprep.in_table_c9, stringprep.in_table_a1,
    )  # fmt: skip
    if any(table(c) for c in normal for table in prohibited):
        return password.encode()
    return normal.encode()


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _fields(message: bytes) -> dict[bytes, bytes]:
    return {part[:1]: part[2:] for part in message.split(b",") if part[1:2] == b"="}
