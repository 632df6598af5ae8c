"""Times as PostgreSQL prints them: `2024-01-01 12:00:00.5+00` as text, `2024-01-01T12:00:00.5+00:00` in JSON."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.values import zones
from wattline.contracts.flux.values.columns import raw_values, valid
from wattline.contracts.flux.values.moment import INFINITY, MINUS_INFINITY

SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST = -719_162 * DAY
"""0001-01-01."""
END = 2_932_897 * DAY
"""10000-01-01."""
_SEPARATOR = 10
_Times = npt.NDArray[np.int64]


def text(array: pa.Array, zone: ZoneInfo | None = None, json: bool = False) -> pa.StringArray:
    """The texts of times (us) on the clocks of a zone (None: UTC), with their offset; null stays null."""
    values = raw_values(array)
    if array.null_count:
        values = np.where(valid(array), values, 0)
    local, suffix = values, pa.scalar("+00:00" if json else "+00")
    endless = (values == INFINITY) | (values == MINUS_INFINITY)
    if endless.any():
        local = values = np.where(endless, 0, values)
    if zone is not None:
        east = zones.offsets(values, zone)
        local, suffix = values + east * SECOND, _offsets(east, json)
    found = pc.binary_join_element_wise(clock(local, "T" if json else " "), suffix, "")
    strange = endless | (local < FIRST) | (local >= END)
    if strange.any():
        found = _strange(found, strange, raw_values(array), zone, json)
    return pc.if_else(array.is_valid(), found, None) if array.null_count else found


def clock(local: _Times, separator: str) -> pa.StringArray:
    """Date and time of the years 1 to 9999 (what lies outside comes out as anything), fractions without trailing zeros."""
    within = np.where((local < FIRST) | (local >= END), 0, local)
    whole = not (within % SECOND).any()
    if whole:
        strings = pa.array(within // SECOND).cast(pa.timestamp("s")).cast(pa.string())
    else:
        strings = pa.array(within).cast(pa.timestamp("us")).cast(pa.string())
    if separator != " " and len(strings):
        _, offsets, data = strings.buffers()
        marked = np.frombuffer(data, np.uint8)[: len(strings) * (19 if whole else 26)].copy()
        marked.reshape(len(strings), -1)[:, _SEPARATOR] = ord(separator)
        strings = pa.StringArray.from_buffers(len(strings), offsets, pa.py_buffer(marked))
    return strings if whole else pc.ascii_rtrim(pc.ascii_rtrim(strings, "0"), ".")


def _offsets(east: _Times, json: bool) -> pa.StringArray:
    distinct, place = np.unique(east, return_inverse=True)
    return pa.array([offset(int(seconds), json) for seconds in distinct]).take(pa.array(place))


def offset(seconds: int, json: bool) -> str:
    """`+01`, `+05:30`, `-00:01:15`; in JSON always with minutes."""
    minutes, second = divmod(abs(seconds), 60)
    hour, minute = divmod(minutes, 60)
    shown = f"{'-' if seconds < 0 else '+'}{hour:02d}"
    if json or minute or second:
        shown += f":{minute:02d}"
    return f"{shown}:{second:02d}" if second else shown


def _strange(
    found: pa.StringArray, strange: npt.NDArray[np.bool_], values: _Times, zone: ZoneInfo | None, json: bool
) -> pa.StringArray:
    texts = [one(int(us), zone, json) for us in values[strange]]
    return pc.replace_with_mask(found, pa.array(strange), pa.array(texts, pa.string()))


def one(us: int, zone: ZoneInfo | None, json: bool) -> str:
    """A single time of any year."""
    if us in {INFINITY, MINUS_INFINITY}:
        return "infinity" if us > 0 else "-infinity"
    east = zones.offset(us, zone)
    days, rest = divmod(us + east * SECOND, DAY)
    seconds, fraction = divmod(rest, SECOND)
    shown, era = day(days)
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if fraction:
        time += f".{fraction:06d}".rstrip("0")
    return f"{shown}{'T' if json else ' '}{time}{offset(east, json)}{era}"


def day(days: int) -> tuple[str, str]:
    """The text of a day (since 1970) of any year, and what follows it: ` BC` or nothing."""
    cycles, within = divmod(days + 719_162, 146_097)
    found = date(1, 1, 1) + timedelta(days=within)
    year = found.year + cycles * 400
    shown = year if year > 0 else 1 - year
    return f"{shown:04d}-{found.month:02d}-{found.day:02d}", "" if year > 0 else " BC"
