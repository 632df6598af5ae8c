"""Casts between numbers, and from jsonb to numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import bad_literal, sql
from wattline.contracts.flux.values import columns, jsonb, numbers
from wattline.contracts.flux.values.scalar import Kind, Scalar

_FLOATS: dict[Kind, int] = {Type.FLOAT4: 6, Type.FLOAT8: 15}
"""The significant digits that a numeric takes of a float."""
_NUMERIC = re.compile(r"([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))([eE][+-]?\d+)?", re.ASCII)
_NAMED = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity"}
_EXACT = Context(prec=200_000, Emax=999_999, Emin=-999_999)
_JSON_NAMES = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean"}


def convert(array: pa.Array, kind: Kind, target: Kind) -> pa.Array:
    """A column of numbers as numbers of another type. Raises `Refusal` 22003."""
    if kind is Scalar.NUMERIC:
        return _of_numeric(array, target)
    if target is Scalar.NUMERIC:
        return _to_numeric(array, kind)
    if kind not in _FLOATS:
        return array.cast(target.arrow, safe=False) if target in _FLOATS else _narrow(array, target)
    if target is Type.FLOAT8:
        return array.cast(pa.float64())
    return _single(array) if target is Type.FLOAT4 else _rounded(array, target)


def each(array: pa.Array, convert: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Every different text by itself."""
    coded = array.dictionary_encode()
    return pa.array([convert(text) for text in coded.dictionary.to_pylist()], kind).take(coded.indices)


def numeric(text: str) -> str:
    """Text to numeric, as the text that PostgreSQL prints of it."""
    digits = re.sub(r"(?<=\d)_(?=\d)", "", text.strip(numbers.BLANK))
    word = digits.lower().lstrip("+-")
    if word in _NAMED and len(digits) - len(word) <= (word != "nan"):
        return ("-" if digits[0] == "-" else "") + _NAMED[word]
    found = _NUMERIC.fullmatch(digits)
    if not found:
        raise bad_literal(Scalar.NUMERIC.sql, text)
    sign, whole, fraction, bare, power = found.groups()
    return jsonb.numeric(f"{'-' if sign == '-' else ''}{whole or '0'}.{fraction or bare or ''}{power or ''}")


def _too_large(target: Kind) -> Exception:
    return sql(400, "22003", f"{target.sql} out of range")


def _narrow(array: pa.Array, target: Kind) -> pa.Array:
    try:
        return array.cast(target.arrow)
    except pa.ArrowInvalid:
        raise _too_large(target) from None


def _single(array: pa.Array) -> pa.Array:
    found = array.cast(pa.float32(), safe=False)
    before, after = columns.raw_values(array), columns.raw_values(found)
    if array.null_count:
        present = columns.valid(array)
        before, after = before[present], after[present]
    if (np.isinf(after) & ~np.isinf(before)).any():
        raise sql(400, "22003", "value out of range: overflow")
    if ((after == 0) & (before != 0)).any():
        raise sql(400, "22003", "value out of range: underflow")
    return found


def _rounded(array: pa.Array, target: Kind) -> pa.Array:
    """Halves go to the even neighbour."""
    values = np.rint(columns.raw_values(array).astype(np.float64))
    if array.null_count:
        values = np.where(columns.valid(array), values, 0)
    limit = float(numbers.RANGES[target])  # type: ignore[index]
    if not ((values >= -limit) & (values < limit)).all():
        raise _too_large(target)
    whole = pa.array(values.astype(np.int64)).cast(target.arrow)
    return pc.if_else(array.is_valid(), whole, None) if array.null_count else whole


def _to_numeric(array: pa.Array, kind: Kind) -> pa.Array:
    if kind not in _FLOATS:
        return array.cast(pa.string())
    digits = _FLOATS[kind]
    coded = array.dictionary_encode()
    texts = [numeric(f"{value:.{digits}g}") for value in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def _of_numeric(array: pa.Array, target: Kind) -> pa.Array:
    if target in _FLOATS:
        return columns.parse(Type(target.value), array, 0)
    return each(array, lambda text: _whole(text, target), target.arrow)


def _whole(text: str, target: Kind) -> int:
    """Halves go away from zero."""
    value = Decimal(text)
    if not value.is_finite():
        name = "NaN" if value.is_nan() else "infinity"
        raise sql(400, "0A000", f"cannot convert {name} to {target.sql}")
    limit = numbers.RANGES[Type(target.value)]
    whole = int(value.to_integral_value(ROUND_HALF_UP, _EXACT)) if abs(value) < 2 * limit else limit
    if not -limit <= whole < limit:
        raise _too_large(target)
    return whole


def of_jsonb(array: pa.Array, target: Kind) -> pa.Array:
    """jsonb numbers as numbers, or booleans as booleans; a JSON null is null. Raises `Refusal` 22023 for anything else."""
    if target is Type.BOOL:
        return each(array, lambda text: None if text == "null" else _boolean(text), pa.bool_())
    texts = each(array, lambda text: None if text == "null" else _number(text, target), pa.string())
    return texts if target is Scalar.NUMERIC else _of_numeric(texts, target)


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise _wrong(text, Type.BOOL)
    return text == "true"


def _number(text: str, target: Kind) -> str:
    if text[0] not in "-0123456789":
        raise _wrong(text, target)
    return text


def _wrong(text: str, target: Kind) -> Exception:
    return sql(400, "22023", f"cannot cast jsonb {_JSON_NAMES.get(text[0], 'numeric')} to type {target.sql}")
