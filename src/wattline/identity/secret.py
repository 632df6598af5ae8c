"""The text of an API key: `wl_<prefix>_<random>`.

The prefix (40 random bits) names the key in lists and logs and gives nothing away; the rest is 200 random bits. A secret of
that strength cannot be guessed from its digest, so a plain SHA-256 keeps it: a slow password hash would add nothing but
its cost, at thousands of requests a second.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""A source of that many unpredictable bytes, as `secrets.token_bytes`."""

PREFIX_BYTES = 5
RANDOM_BYTES = 25
LENGTH = len("wl_") + 8 + len("_") + 40
_FORM = re.compile("wl_([a-z2-7]{8})_[a-z2-7]{40}")


def _letters(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()


def generate(random_bytes: RandomBytes) -> tuple[str, str]:
    """A new prefix, and the whole secret that it begins."""
    prefix = _letters(random_bytes(PREFIX_BYTES))
    return prefix, f"wl_{prefix}_{_letters(random_bytes(RANDOM_BYTES))}"


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def prefix_of(secret: str) -> str | None:
    """The prefix of a text that has the form of a secret; None for any other, which no look at the store can help."""
    match = _FORM.fullmatch(secret)
    return None if match is None else match[1]
