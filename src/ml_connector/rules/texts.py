"""What is written in the ledger's free texts: ids and kinds, never a person's name, and short marks made from keys."""

from __future__ import annotations

import hashlib
import unicodedata

LINE_TEXT = 256  # characters of a voucher's or a line's description
PAYMENT_TEXT = 50  # characters of a customer payment's invoiceText
TOKEN = 10  # characters that fit into every field of the ledger that can be searched or listed
REFERENCE = 12  # characters of a line reference that survive everywhere in the ledger
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def reference_of(key: str, *, length: int = REFERENCE) -> str:
    """The mark of one source record: ASCII capitals and digits, always the same for the same key.

    A hash and not the id's first characters, because ids of one vendor begin alike. 12 characters carry 60 bits.
    """
    return base32(hashlib.sha256(key.encode()).digest(), length)


def token_of(company_id: str, submission_key: str) -> str:
    """The mark of what is sent to a target: 10 capitals and digits, the same whenever it is computed again."""
    return base32(hashlib.sha256(f"{company_id}|{submission_key}".encode()).digest(), TOKEN)


def base32(digest: bytes, length: int) -> str:
    """The first `length` (up to 32) characters of the digest's base32 (RFC 4648), ten bits at a time.

    Each record has some.
    """
    number = int.from_bytes(digest[:20], "big")
    last = 150 - 10 * ((length + 1) // 2)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(150, last, -10)])[:length]


def clipped(text: str, limit: int = LINE_TEXT) -> str:
    """The text on one line, without control characters, at most `limit` characters."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    plain = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def begun(text: str) -> str:
    """The text as the beginning of a sentence: its first letter large, an id inside it as it is."""
    return text[:1].upper() + text[1:]
