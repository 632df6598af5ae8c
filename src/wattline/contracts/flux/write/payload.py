"""Request bodies as columns of values that are not read yet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.errors import Refusal, bad_payload, sql
from wattline.contracts.flux.write import plain
from wattline.contracts.flux.write.plain import MISSING

_JSON = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | dict[str, msgspec.Raw] | str | bool | int | float | None)
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
MOST_KEYS = 1664
MOST_FORM_BYTES = 1 << 20
"""A form is one row."""

Object = dict[str, Any]
Values: TypeAlias = Sequence[object] | pa.Array


@dataclass(frozen=True, slots=True)
class Payload:
    """`count` objects, as the values of each of their keys: `msgspec.Raw`, text, None for null, or a column made already.

    The keys are those of `columns`, or without it those that all objects have. `partial` are the keys that some object lacks;
    it has `MISSING` for its value.
    """

    count: int
    values: dict[str, Values]
    partial: frozenset[str] = frozenset()

    @property
    def first(self) -> Payload:
        """The first object alone."""
        return Payload(min(self.count, 1), {key: values[:1] for key, values in self.values.items()}, self.partial)


EMPTY: Final = Payload(0, {})


def parse(
    body: bytes,
    content_type: str | None,
    columns: tuple[str, ...] | None,
    relation: RelationType | None = None,
    most: int | None = None,
) -> Payload:
    """The objects of a body, at most so many, which are rows of a relation if it is known already.

    Raises `Refusal` PGRST102; 54011 for objects of more keys than PostgreSQL has columns; PT413.
    """
    media = (content_type or "application/json").partition(";")[0].strip().lower() or "application/json"
    objects: Sequence[Object]
    match media:
        case "application/json":
            if not body.isascii():
                _text(body, "json")
            if most is not None and body.count(b"{") > most:
                _check_count(body, most)
            found = None if relation is None else plain.values(body, relation, columns)
            if found is not None:
                return Payload(*found)
            objects = _json(body)
        case "text/csv":
            objects = _csv(_text(body, "csv"), most)
        case "application/x-www-form-urlencoded":
            if len(body) > MOST_FORM_BYTES:
                raise Refusal(413, "PT413", f"A form may have at most {MOST_FORM_BYTES} bytes")
            objects = [_form(body)]
        case _:
            raise bad_payload(f"Content-Type not acceptable: {media}")
    return _chosen(objects, columns) if columns is not None else _uniform(objects)


def _chosen(objects: Sequence[Object], columns: tuple[str, ...]) -> Payload:
    """Of each object the keys that `columns` names, and no others."""
    if not objects:
        return EMPTY
    values: dict[str, Values] = {}
    partial = set()
    for key in columns:
        try:
            values[key] = list(map(itemgetter(key), objects))
        except KeyError:
            values[key] = [found.get(key, MISSING) for found in objects]
            partial.add(key)
    return Payload(len(objects), values, frozenset(partial))


def _uniform(objects: Sequence[Object]) -> Payload:
    if not objects:
        return EMPTY
    if len(objects[0]) > MOST_KEYS:
        raise sql(400, "54011", f"target lists can have at most {MOST_KEYS} entries")
    payload = _chosen(objects, tuple(objects[0]))
    keys = len(payload.values)
    if payload.partial or any(len(found) != keys for found in objects):
        raise _different_keys()
    return payload


def _different_keys() -> Refusal:
    return bad_payload("All object keys must match")


def _json(body: bytes) -> Sequence[Object]:
    """The objects of an array, or the one object; of a bare value none."""
    try:
        found = _JSON.decode(body)
    except msgspec.ValidationError:
        return _unfit(body)
    except (msgspec.DecodeError, RecursionError):
        raise _invalid("json") from None
    if isinstance(found, list):
        return found
    return [found] if isinstance(found, dict) else []


def _unfit(body: bytes) -> Sequence[Object]:
    """JSON of another form: an array with something else than objects in it, or a number that no type of Python's holds."""
    try:
        whole = bytes(_ANYTHING.decode(body)).lstrip()
    except (msgspec.DecodeError, RecursionError):
        raise _invalid("json") from None
    if whole.startswith(b"["):
        raise _different_keys()
    return []


def _invalid(form: str) -> Refusal:
    return bad_payload(f"Empty or invalid {form}")


def _text(body: bytes, form: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _invalid(form) from None


def _check_count(body: bytes, most: int) -> None:
    """Raise `Refusal` PT413 where there are too many objects, before any is looked into."""
    try:
        found = len(_ELEMENTS.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return
    if found > most:
        raise _too_many(most)


def _too_many(most: int) -> Refusal:
    return Refusal(413, "PT413", f"The body may have at most {most} rows", hint="Send the rows in several requests.")


def _csv(text: str, most: int | None) -> Sequence[Object]:
    """A line of column names and a line for each object; the word NULL is null."""
    try:
        every = (line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line)
        lines = list(every if most is None else islice(every, most + 2))
    except csv.Error as error:
        raise bad_payload(f"Empty or invalid csv: {error}") from None
    if not lines:
        raise _invalid("csv")
    names, *rows = lines
    if most is not None and len(rows) > most:
        raise _too_many(most)
    if len(names) > MOST_KEYS:
        raise sql(400, "54011", f"target lists can have at most {MOST_KEYS} entries")
    if any(len(row) != len(names) for row in rows):
        raise bad_payload("All lines must have same number of fields")
    return [dict(zip(names, (None if value == "NULL" else value for value in row), strict=True)) for row in rows]


def _form(body: bytes) -> Object:
    try:
        pairs = parse_qsl(_text(body, "form"), keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except ValueError:
        raise _invalid("form") from None
    return dict(pairs)
