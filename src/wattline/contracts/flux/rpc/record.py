"""PostgreSQL's text of a composite value: `(a,"b c",)`."""

from __future__ import annotations

import re

from wattline.contracts.flux.errors import Refusal, sql

_PART = re.compile(r'"((?:[^"\\]|\\.|"")*)"|\\(.)|([^"\\,()])', re.DOTALL)
_ESCAPED = re.compile(r'\\(.)|""', re.DOTALL)


def fields(text: str, count: int) -> list[str | None]:
    """The fields of a record of so many; None for one that is left empty. Raises `Refusal` 22P02."""
    body = text.strip(" \t\n\r\v\f")
    if not body.startswith("("):
        raise _malformed(text, "Missing left parenthesis.")
    found: list[str | None] = []
    place = 1
    while True:
        parts: list[str] = []
        while (part := _PART.match(body, place)) is not None:
            quoted, escaped, plain = part.groups()
            parts.append(_ESCAPED.sub(lambda each: each[1] or '"', quoted) if quoted is not None else escaped or plain)
            place = part.end()
        found.append("".join(parts) if parts else None)
        after = body[place : place + 1]
        if after not in {",", ")"} or after == "":
            raise _malformed(text, "Unexpected end of input.")
        place += 1
        if after == ")":
            break
    if place != len(body):
        raise _malformed(text, "Junk after right parenthesis.")
    if len(found) != count:
        raise _malformed(text, "Too few columns." if len(found) < count else "Too many columns.")
    return found


def _malformed(text: str, details: str) -> Refusal:
    return sql(400, "22P02", f'malformed record literal: "{text}"', details)
