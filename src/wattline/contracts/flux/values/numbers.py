"""Text to numbers, booleans and uuids, as PostgreSQL's input functions read them."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal, bad_literal, sql

BLANK = " \t\n\r\v\f"
RANGES = {Type.INT2: 1 << 15, Type.INT4: 1 << 31, Type.INT8: 1 << 63}

_INTEGER = re.compile(r"[+-]?(?:\d+(?:_\d+)*|0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?", re.ASCII)
_NAMED = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_HALF = 1 << 28
"""What a double has below a float4's last bit when it lies halfway between two of them."""
_WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "1": True, "0": False}
_BOOLS = {word[:end]: truth for word, truth in _WORDS.items() for end in range(1, len(word) + 1) if word[:end] != "o"}
_UUID = re.compile(r"[0-9a-f]{4}(?:-?[0-9a-f]{4}){7}")


def outside(kind: Type, text: str) -> Refusal:
    """22003: a number that the type cannot hold."""
    if kind in RANGES:
        return sql(400, "22003", f'value "{text}" is out of range for type {kind.sql}')
    return sql(400, "22003", f'"{text}" is out of range for type {kind.sql}')


def integer(kind: Type, text: str) -> int:
    """A whole number within the type's range."""
    digits = text.strip(BLANK)
    if not _INTEGER.fullmatch(digits):
        # PostgreSQL stops at the digit that is too much, before it sees what is wrong behind it.
        start = _DECIMAL.match(digits)
        if start and len(start[1].lstrip("0")) > len(str(RANGES[kind])):
            raise outside(kind, text)
        if start and int(start[1]) // 10 > RANGES[kind] // 10:
            raise outside(kind, text)
        raise bad_literal(kind.sql, text)
    # Python refuses to read thousands of digits, of which no type holds a number.
    if len(digits.replace("_", "").lstrip("+-0xXbBoO")) > 64:
        raise outside(kind, text)
    octal = re.fullmatch(r"([+-]?)0+([\d_]*)", digits)
    number = int(octal[1] + ("0" + octal[2]).replace("_", "")) if octal else int(digits, 0)
    if not -RANGES[kind] <= number < RANGES[kind]:
        raise outside(kind, text)
    return number


def floating(kind: Type, text: str) -> float:
    """The nearest value of the type. A number that would become infinity, or nothing, is out of range."""
    digits = text.strip(BLANK)
    word = digits.lower()
    if word.lstrip("+-") in _NAMED and len(word) - len(word.lstrip("+-")) <= 1:
        return math.copysign(_NAMED[word.lstrip("+-")], -1 if word[0] == "-" else 1)
    if _FLOAT.fullmatch(digits):
        value = float(digits)
    elif _HEXADECIMAL.fullmatch(digits):
        value = _hexadecimal(digits)
    else:
        beginning = _FLOAT.match(digits)
        if beginning:
            # PostgreSQL says that this is out of range before it says what is wrong behind it.
            floating(kind, beginning[0])
        raise bad_literal(kind.sql, text)
    if kind is Type.FLOAT4:
        value = _single(value, digits)
    nothing = value == 0 and re.search(r"[1-9]", re.split(r"[eE]", digits)[0]) is not None and _FLOAT.fullmatch(digits)
    if math.isinf(value) or nothing:
        raise outside(kind, digits)
    return value


def _hexadecimal(digits: str) -> float:
    try:
        return float.fromhex(digits)
    except OverflowError:
        return math.inf


def _single(value: float, digits: str) -> float:
    """Round to float4 once: a double that lies halfway between two of them may have got there by rounding."""
    bits = np.float64(value).view(np.int64)
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
        if math.isinf(rounded) or int(bits) & ((_HALF << 1) - 1) != _HALF or len(digits) > 400 or not _FLOAT.fullmatch(digits):
            return rounded
        difference = Fraction(digits) - Fraction(value)
        if difference:
            rounded = float(np.float32(math.nextafter(value, math.inf if difference > 0 else -math.inf)))
    return rounded


def boolean(text: str) -> bool:
    """`true`, `yes`, `on`, `1` and their opposites, or an unambiguous beginning of one, in any case."""
    found = _BOOLS.get(text.strip(BLANK).lower())
    if found is None:
        raise bad_literal(Type.BOOL.sql, text)
    return found


def uuid(text: str) -> str:
    """The canonical text: 32 digits in any case, with a hyphen after any four of them, in braces or without."""
    digits = text.lower()
    if digits[:1] == "{" and digits[-1:] == "}":
        digits = digits[1:-1]
    if not _UUID.fullmatch(digits):
        raise bad_literal(Type.UUID.sql, text)
    plain = digits.replace("-", "")
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"
