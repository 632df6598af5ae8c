"""A line of CSV, which is a record as PostgreSQL prints it without its parentheses."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.values.columns import text_bytes
from wattline.contracts.flux.values.scalar import Kind, Scalar

_BARE = {Type.UUID, Type.FLOAT4, Type.FLOAT8, Type.INT2, Type.INT4, Type.INT8, Type.BOOL, Scalar.NUMERIC, Scalar.TIME}
"""Types whose text never needs quotes."""
_AMBIGUOUS = re.compile(r'[,"\r\n]')
_DOUBLED = re.compile(rb'["\\]')
_SPECIAL_ARROW = r'^$|[\x09-\x0d ,"\\()]'


def heading(name: str) -> str:
    """The name of a column, in quotes only where the line would be read wrongly without them."""
    return '"' + name.replace('"', '""') + '"' if _AMBIGUOUS.search(name) else name


def fields(texts: pa.StringArray, kind: Kind) -> pa.StringArray:
    """The texts of a column of a type as fields; null stays null.

    In quotes are those that are empty or have blanks, commas, parentheses, quotes or backslashes, the last two doubled.
    """
    if kind in _BARE:
        return texts
    inner = texts
    if _DOUBLED.search(text_bytes(texts)):
        inner = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '""')
    quoted = pc.binary_join_element_wise('"', inner, '"', "")
    if kind is Type.TIMESTAMPTZ:
        # Every time has a blank, but for the infinities.
        return quoted if b"i" not in text_bytes(texts) else _where(texts, quoted)
    return _where(texts, quoted)


def _where(texts: pa.StringArray, quoted: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.match_substring_regex(texts, _SPECIAL_ARROW), quoted, texts)
