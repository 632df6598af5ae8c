"""Columns as PostgreSQL prints them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values import floats, jsonb, times
from wattline.contracts.flux.values.columns import text_bytes
from wattline.contracts.flux.values.scalar import Kind, Scalar

_FLOATS = {Type.FLOAT4, Type.FLOAT8}
_INTEGERS = {Type.INT2, Type.INT4, Type.INT8}
_ESCAPED = re.compile(rb'["\\\x00-\x1f]')
Printer: TypeAlias = Callable[[pa.Array, Kind, ZoneInfo | None], pa.StringArray]
_ESCAPED_ARROW = '["\\\\\\x00-\\x1f]'


def print_json(array: pa.Array, kind: Kind, zone: ZoneInfo | None = None) -> pa.StringArray:
    """The JSON token of each value, as `to_json` makes it; null stays null. `zone` (None: UTC) is that of times."""
    if kind in _FLOATS:
        tokens = floats.text(array)
        return tokens if floats.finite(array) else _quote_where(tokens, pc.invert(pc.is_finite(array)))
    if kind is Type.TIMESTAMPTZ:
        return _quote(times.text(array, zone, json=True))
    special = _JSON.get(kind)
    return array.cast(pa.string()) if special is None else special(array)


def print_text(array: pa.Array, kind: Kind, zone: ZoneInfo | None = None) -> pa.StringArray:
    """The text of each value, as a cast to text makes it (but `t` and `f` for booleans); null stays null."""
    if kind in _FLOATS:
        return floats.text(array)
    if kind is Type.TIMESTAMPTZ:
        return times.text(array, zone)
    if kind is Type.BOOL:
        return pc.if_else(array, "t", "f")
    return array.cast(pa.string()) if kind in _INTEGERS else array


def print_columns(
    arrays: Sequence[pa.Array], kinds: Sequence[Kind], printer: Printer, zone: ZoneInfo | None = None
) -> list[pa.StringArray]:
    """What `print_json` or `print_text` makes of columns of equal length, those of one type at once.

    The first call on a column costs far more than a value more, and an answer often has a few rows of many columns.
    """
    rows = len(arrays[0]) if arrays else 0
    found: list[pa.StringArray] = [None] * len(arrays)
    for kind in dict.fromkeys(kinds):
        places = [place for place, other in enumerate(kinds) if other is kind]
        together = arrays[places[0]] if len(places) == 1 else pa.concat_arrays([arrays[place] for place in places])
        printed = printer(together, kind, zone)
        for number, place in enumerate(places):
            found[place] = printed.slice(number * rows, rows)
    return found


def _quote(strings: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise('"', strings, '"', "")


def _quote_where(strings: pa.StringArray, where: pa.BooleanArray) -> pa.StringArray:
    return pc.if_else(where, _quote(strings), strings)


def _strings(array: pa.StringArray) -> pa.StringArray:
    if not _ESCAPED.search(text_bytes(array)):
        return _quote(array)
    special = pc.match_substring_regex(array, _ESCAPED_ARROW)
    coded = array.filter(special).dictionary_encode()
    tokens = pa.array(map(jsonb.string, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)
    return pc.replace_with_mask(_quote(array), special.fill_null(False), tokens)


def _as_is(array: pa.StringArray) -> pa.StringArray:
    return array


def _timestamps(array: pa.StringArray) -> pa.StringArray:
    return _quote(pc.replace_substring(array, " ", "T", max_replacements=1))


def _numerics(array: pa.StringArray) -> pa.StringArray:
    return _quote_where(array, pc.match_substring_regex(array, "^-?[NI]"))


_JSON: dict[Kind, Callable[[pa.Array], pa.StringArray]] = {
    Type.UUID: _quote,
    Type.TEXT: _strings,
    Type.JSONB: _as_is,
    Scalar.JSON: _as_is,
    Scalar.DATE: _quote,
    Scalar.TIME: _quote,
    Scalar.TIMESTAMP: _timestamps,
    Scalar.NUMERIC: _numerics,
}
