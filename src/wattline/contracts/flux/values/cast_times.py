"""Casts to and between dates, times of day, timestamps and timestamptz."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.values import columns, moment, times, zones
from wattline.contracts.flux.values.cast_numbers import each
from wattline.contracts.flux.values.scalar import Kind, Scalar

SECOND = 1_000_000
DAY = 86_400 * SECOND
_ENDLESS = {moment.INFINITY: "infinity", moment.MINUS_INFINITY: "-infinity"}


def convert(array: pa.Array, kind: Kind, target: Kind, now: int, zone: ZoneInfo | None) -> pa.Array:
    """A column of times as times of another type. Raises `Refusal` 22008."""
    if target is Type.TIMESTAMPTZ:
        # A timestamp and a date are held as text without an offset, which is a time of the session's zone.
        return columns.parse(Type.TIMESTAMPTZ, array, now, zone)
    if kind is not Type.TIMESTAMPTZ:
        return each(array, lambda text: _without_end(text, target, now, zone), pa.string())
    values = columns.raw_values(array)
    if array.null_count:
        values = np.where(columns.valid(array), values, 0)
    plain = (values >= times.FIRST + DAY) & (values < times.END - DAY)
    if not plain.all():
        coded = array.dictionary_encode()
        texts = [_one(us, target, zone) for us in coded.dictionary.to_pylist()]
        return pa.array(texts, pa.string()).take(coded.indices)
    local = values if zone is None else values + zones.offsets(values, zone) * SECOND
    texts = times.clock(local, " ")
    if target is not Scalar.TIMESTAMP:
        texts = pc.utf8_slice_codeunits(texts, *((0, 10) if target is Scalar.DATE else (11,)))
    return pc.if_else(array.is_valid(), texts, None) if array.null_count else texts


def _one(us: int, target: Kind, zone: ZoneInfo | None) -> str | None:
    if us in _ENDLESS:
        return None if target is Scalar.TIME else _ENDLESS[us]
    return show(us + zones.offset(us, zone) * SECOND, target)


def show(local: int, target: Kind) -> str:
    """What a clock shows (us since 1970 on it), of any year."""
    days, rest = divmod(local, DAY)
    seconds, fraction = divmod(rest, SECOND)
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if fraction:
        time += f".{fraction:06d}".rstrip("0")
    if target is Scalar.TIME:
        return time
    shown, era = times.day(days)
    return f"{shown}{era}" if target is Scalar.DATE else f"{shown} {time}{era}"


def of_text(array: pa.Array, target: Kind, now: int, zone: ZoneInfo | None) -> pa.Array:
    """Texts as dates, times of day or timestamps; an offset in them means nothing. Raises `Refusal` 22007 or 22008."""
    return each(array, lambda text: _read(text, target, now, zone), pa.string())


def _without_end(text: str, target: Kind, now: int, zone: ZoneInfo | None) -> str | None:
    """The end of time has no time of day."""
    return None if target is Scalar.TIME and moment.infinite(text) is not None else _read(text, target, now, zone)


def _read(text: str, target: Kind, now: int, zone: ZoneInfo | None) -> str:
    endless = moment.infinite(text)
    if endless is not None and target is not Scalar.TIME:
        return _ENDLESS[endless]
    if target is Scalar.TIME:
        local = moment.time_of_day(text, now, zone)
        return "24:00:00" if local == DAY else show(local, target)
    local, _ = moment.split(text, now, zone, str(target.value))
    if local < moment.FIRST or local >= moment.INFINITY:
        raise sql(400, "22008", f'{"date" if target is Scalar.DATE else "timestamp"} out of range: "{text}"')
    return show(local, target)
