"""Which schema a request asks for: there is one, under two names. Official clients say `public` unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from wattline.contracts.flux.errors import Refusal

SCHEMAS = ("flux", "public")
"""The names that may be asked for; the first is meant where none is."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def schema(method: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The schema by the name that the request gives it, which is how the answer's Content-Profile names it.

    Reads name it in Accept-Profile, writes and POST calls of functions in Content-Profile; the other header means nothing.
    Raises `Refusal` PGRST106 for an unknown one.
    """
    wanted = b"accept-profile" if method in READING else b"content-profile"
    name = next((value.decode("latin-1") for key, value in headers if key == wanted), SCHEMAS[0])
    if name not in SCHEMAS:
        hint = f"Only the following schemas are exposed: {', '.join(SCHEMAS)}"
        raise Refusal(406, "PGRST106", f"Invalid schema: {name}", hint=hint)
    return name
