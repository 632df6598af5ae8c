"""JSON text as PostgreSQL's jsonb prints it: keys by length and bytes, the last of equal keys, numbers as numeric."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from wattline.contracts.flux.errors import Refusal, sql

MOST_DIGITS = 131_072
"""Digits that a numeric may have before its point."""
MOST_SCALE = 16_383
"""And after it."""
MOST_ZEROS = 1 << 20
"""Characters that exponents may add to one document: PostgreSQL would write them all."""

MOST_DEPTH = 200
"""Levels of a document."""

_WORDS = {None: "null", True: "true", False: "false"}
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", re.ASCII)
_TOKEN = re.compile(rb"[\w.+-]+|.", re.ASCII | re.DOTALL)
_PLACE = re.compile(r"\(byte (\d+)\)")


class _Number(str):
    """A number with a point or an exponent, as it was written."""

    __slots__ = ()


def normalise(text: bytes | str) -> str:
    """The jsonb text of a JSON document. Raises `Refusal` 22P02 (not JSON), 22P05 (a NUL), 22003 or 54001 (too deep)."""
    return _Printer().value(decode(text))


def checked(text: str) -> str:
    """The text as it is, if it is JSON; else raises 22P02."""
    decode(text)
    return text


def decode(text: bytes | str) -> Any:
    """The document; numbers with a point or an exponent are their text."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    try:
        return msgspec.json.Decoder(Any, float_hook=_Number).decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        if "out of range" in str(problem):
            raise _too_large() from None
        raise sql(400, "22P02", "invalid input syntax for type json", _where(raw, str(problem))) from None


def _too_large() -> Refusal:
    return sql(400, "22003", "value overflows numeric format")


def _too_deep() -> Refusal:
    return sql(400, "54001", "stack depth limit exceeded")


def _where(raw: bytes, problem: str) -> str:
    place = _PLACE.search(problem)
    token = _TOKEN.match(raw, int(place[1])) if place else None
    if token is None:
        return "The input string ended unexpectedly."
    return f'Token "{token[0].decode(errors="replace")}" is invalid.'


def numeric(written: str, most: int = MOST_ZEROS) -> str:
    """A number in PostgreSQL's numeric form: `1.50` stays, `1e3` is 1000, `-0` is 0.

    Raises `Refusal` 22003 where it has more digits than a numeric holds, or an exponent adds more than `most`.
    """
    sign, whole, fraction, exponent = _NUMBER.fullmatch(written).groups()  # type: ignore[union-attr]
    fraction = fraction or ""
    shift = int(exponent) if exponent and len(exponent) < 8 else 0 if not exponent else MOST_DIGITS * 2
    digits = (whole + fraction).lstrip("0")
    if (
        abs(shift) > most
        or (digits and len(digits) - len(fraction) + shift > MOST_DIGITS)
        or len(fraction) - shift > MOST_SCALE
    ):
        raise _too_large()
    if shift > 0:
        whole, fraction = whole + fraction[:shift].ljust(shift, "0"), fraction[shift:]
    elif shift < 0:
        padded = whole.rjust(1 - shift, "0")
        whole, fraction = padded[:shift], padded[shift:] + fraction
    whole = whole.lstrip("0") or "0"
    return (sign if digits else "") + whole + ("." + fraction if fraction else "")


class _Printer:
    """Writes one document."""

    def __init__(self) -> None:
        self._zeros = MOST_ZEROS

    def value(self, value: Any, depth: int = 0) -> str:
        if depth > MOST_DEPTH:
            raise _too_deep()
        if isinstance(value, _Number):
            return self._number(value)
        if isinstance(value, str):
            return string(value)
        if isinstance(value, dict):
            keys = sorted((len(coded), coded, key) for coded, key in ((key.encode(), key) for key in value))
            return "{" + ", ".join(f"{string(key)}: {self.value(value[key], depth + 1)}" for _, _, key in keys) + "}"
        if isinstance(value, list):
            return "[" + ", ".join([self.value(part, depth + 1) for part in value]) + "]"
        return _WORDS[value] if value is None or isinstance(value, bool) else str(value)

    def _number(self, written: str) -> str:
        printed = numeric(written, self._zeros)
        self._zeros -= max(0, len(printed) - len(written))
        return printed


def string(value: str) -> str:
    """A JSON string token. Raises `Refusal` 22P05 for a NUL, which PostgreSQL's text cannot hold."""
    if "\0" in value:
        raise sql(400, "22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.")
    return msgspec.json.encode(value).decode()


def strip(text: str) -> str:
    """The document without the keys whose value is null, at any depth, as `json_strip_nulls` leaves it: compact."""
    value = msgspec.json.Decoder(Any, float_hook=lambda number: msgspec.Raw(number.encode())).decode(text)
    try:
        return msgspec.json.encode(_without_nulls(value)).decode()
    except RecursionError:
        raise _too_deep() from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
