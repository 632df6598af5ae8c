"""The arguments of a call: from a JSON body, from a form, or from the query string, cast as PostgreSQL casts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from wattline.contracts.flux.catalog import Column, Type
from wattline.contracts.flux.errors import bad_payload, sql
from wattline.contracts.flux.rpc.record import fields
from wattline.contracts.flux.tables import MARKET
from wattline.contracts.flux.values import literal, payload

Argument: TypeAlias = msgspec.Raw | str | None
"""JSON as it was written; text of a form or a query string; None for null."""
DATA = ("time", "type", "value")
"""The columns of `market_data_input`."""
MOST_ROWS = 100_000
"""Elements of an array of them: as many as a body may have rows."""
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


class Arguments:
    """The arguments by name. `now` (us) and `zone` are what times go by; `read_only`: the call may change nothing."""

    def __init__(self, given: Mapping[str, Argument], now: int, zone: ZoneInfo | None, *, read_only: bool) -> None:
        self.read_only = read_only
        self._given = given
        self._now = now
        self._zone = zone

    def time(self, name: str, default: int) -> int | None:
        """A timestamptz in us, None for null. Raises `Refusal` 22007 or 22008."""
        if name not in self._given:
            return default
        found = self._column(Column(name, Type.TIMESTAMPTZ), [self._given[name]])
        value: int | None = found[0].as_py()
        return value

    def uuids(self, name: str) -> frozenset[object] | None:
        """The uuids of an array, without its nulls; None for null and where it is not given. Raises `Refusal` 22P02."""
        value = _content(self._given.get(name))
        if value is None:
            return None
        if isinstance(value, str):
            found = literal.array(Type.UUID, value, self._now, self._zone)
        else:
            found = self._column(Column(name, Type.UUID), list(_flat(_elements(name, value)))).to_pylist()
        return frozenset(each for each in found if each is not None)

    def market(self, name: str) -> pa.Table | None:
        """An array of `market_data_input` as a table; None for null. Raises `Refusal` 22xxx, PT413."""
        value = _content(self._given.get(name))
        if value is None:
            return None
        elements: Sequence[Argument] = (
            literal.elements(value) if isinstance(value, str) else list(_flat(_elements(name, value)))
        )
        if len(elements) > MOST_ROWS:
            hint = "Send them in several calls."
            raise sql(413, "PT413", f'"{name}" may have at most {MOST_ROWS} elements', hint=hint)
        rows = [_record(element) for element in elements]
        columns = [self._column(MARKET.by_name[column], [row.get(column) for row in rows]) for column in DATA]
        return pa.table(columns, names=list(DATA))

    def _column(self, column: Column, values: Sequence[Argument]) -> pa.Array:
        return payload.column(column, values, self._now, self._zone)


def _content(value: Argument) -> Argument:
    """Null as None, and a JSON string as its text: both are read as PostgreSQL reads a literal."""
    if isinstance(value, msgspec.Raw):
        token = bytes(value).strip()
        if token == b"null":
            return None
        if token[:1] == b'"':
            return _text(token)
    return value


def _text(token: bytes) -> str:
    try:
        return _TEXT.decode(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_payload("Empty or invalid json") from None


def _elements(name: str, value: Argument) -> list[msgspec.Raw]:
    token = bytes(value).strip() if isinstance(value, msgspec.Raw) else b""
    if token[:1] != b"[":
        raise sql(400, "22P02", "expected JSON array", hint=f'See the value of key "{name}".')
    return _ARRAY.decode(token)


def _flat(elements: Sequence[msgspec.Raw], depth: int = 1) -> Iterator[msgspec.Raw]:
    """The elements of an array of any number of dimensions, six at most as PostgreSQL has them."""
    lists = [bytes(element).lstrip()[:1] == b"[" for element in elements]
    if not any(lists):
        yield from elements
        return
    inner = [_ARRAY.decode(bytes(element)) for element, is_list in zip(elements, lists, strict=True) if is_list]
    if not all(lists) or len(set(map(len, inner))) > 1 or depth == 6:
        details = "Multidimensional arrays must have sub-arrays with matching dimensions."
        raise sql(400, "22P02", "malformed JSON array", details)
    for part in inner:
        yield from _flat(part, depth + 1)


def _record(element: Argument) -> Mapping[str, Argument]:
    """The fields of one `market_data_input`, by name."""
    value = _content(element)
    if value is None:
        return {}
    if isinstance(value, str):
        return dict(zip(DATA, fields(value, len(DATA)), strict=True))
    token = bytes(value).lstrip()
    if token[:1] != b"{":
        kind = "an array" if token[:1] == b"[" else "a scalar"
        raise sql(400, "22023", f"cannot call populate_composite on {kind}")
    return {**_OBJECT.decode(token)}
