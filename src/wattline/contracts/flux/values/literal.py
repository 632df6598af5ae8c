"""Text to a value: what PostgreSQL's input functions read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.values import jsonb, moment, numbers

_PLAIN: dict[Type, Callable[[str], Any]] = {
    Type.TEXT: str,
    Type.UUID: numbers.uuid,
    Type.BOOL: numbers.boolean,
    Type.JSONB: jsonb.normalise,
}
_ELEMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:\s*(?:[^"\\{},\s]|\\.))*))\s*', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse(kind: Type, text: str, now: int, zone: ZoneInfo | None = None) -> Any:
    """The value of a literal, as a column of the type holds it: float4 rounded to float4, a time in us, jsonb its text.

    `now` (us) is what `now` and `today` go by; `zone` that of times without an offset (None: UTC).
    Raises `Refusal` 22P02, 22003, 22007 or 22008, and 22021 for text that is no UTF-8 or has a NUL.
    """
    if not text.isascii():
        _check(text)
    if "\0" in text:
        raise _not_utf8(b"\0")
    if kind is Type.TIMESTAMPTZ:
        return moment.parse(text, now, zone)
    if kind in numbers.RANGES:
        return numbers.integer(kind, text)
    if kind in {Type.FLOAT4, Type.FLOAT8}:
        return numbers.floating(kind, text)
    return _PLAIN[kind](text)


def _check(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise _not_utf8(text[problem.start].encode("utf-8", "surrogatepass")) from None


def _not_utf8(wrong: bytes) -> Refusal:
    shown = " ".join(f"0x{byte:02x}" for byte in wrong)
    return sql(400, "22021", f'invalid byte sequence for encoding "UTF8": {shown}')


def array(kind: Type, text: str, now: int, zone: ZoneInfo | None = None) -> tuple[Any, ...]:
    """The elements of an array literal such as `{a,b,"c d",NULL}`; None for an unquoted NULL. Raises `Refusal` as `parse`."""
    return tuple(None if element is None else parse(kind, element, now, zone) for element in elements(text))


def elements(text: str) -> list[str | None]:
    """The texts of the elements, with quotes and escapes resolved."""
    body = text.strip(numbers.BLANK)
    if not body.startswith("{"):
        raise _malformed(text, 'Array value must start with "{" or dimension information.')
    if body[1:].strip(numbers.BLANK) == "}":
        return []
    found: list[str | None] = []
    place = 1
    while True:
        element = _ELEMENT.match(body, place)
        if element is None:
            raise _malformed(text, "Unexpected array element.")
        quoted, bare = element.groups()
        place = element.end()
        after = body[place : place + 1]
        if not after:
            raise _malformed(text, "Unexpected end of input.")
        if after not in {",", "}"} or (quoted is None and not bare):
            raise _malformed(text, f'Unexpected "{after}" character.')
        found.append(_element(quoted, bare))
        place += 1
        if after == "}":
            break
    if body[place:].strip(numbers.BLANK):
        raise _malformed(text, "Junk after closing right brace.")
    return found


def _element(quoted: str | None, bare: str) -> str | None:
    if quoted is not None:
        return _ESCAPE.sub(r"\1", quoted)
    return None if bare.upper() == "NULL" else _ESCAPE.sub(r"\1", bare)


def _malformed(text: str, details: str) -> Refusal:
    return sql(400, "22P02", f'malformed array literal: "{text}"', details)
