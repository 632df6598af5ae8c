"""The pieces of a file: lines of readings, or of energy, of one meter or period after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from wattline.billing.days import days
from wattline.ingest.series import RowSet, Series
from wattline.metering.energy.cells import INTERVAL
from wattline.metering.energy.register import Floats, Ints
from wattline.metering.export.csv_text import MARKED, RFC_4180, cell, lines, numbers, repeated, stamps
from wattline.metering.export.model import TEXT, Asked
from wattline.metering.fields import NAMES
from wattline.metering.figures.calendar import starts
from wattline.metering.figures.profile import Profile
from wattline.metering.figures.service import Figures
from wattline.metering.figures.subject import Member, Subject
from wattline.model.clock import DAY, HOUR
from wattline.registry.stream import Stream

STRETCH = 92 * DAY
"""How much is worked out at once."""
PIECE_ROWS = 20_000
"""Lines that are put into words at once."""
BREAKER, QUALITY = TEXT
QUALITIES = ("good", "uncertain", "bad")
SPAN = {"15m": INTERVAL, "1h": HOUR}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a file, and how many."""

    text: bytes
    rows: int


Pieces = AsyncGenerator[Piece, None]


class Text:
    """Writes files. `Unavailable` where the store is away."""

    def __init__(self, figures: Figures, series: Series) -> None:
        self._figures = figures
        self._series = series

    async def pieces(self, subject: Subject, asked: Asked) -> Pieces:
        """The whole file: its header, and then its lines."""
        raw = asked.interval == "raw"
        leading = ("time", "time_utc", "meter_id", "meter") if raw else ("time", "time_utc")
        header = ",".join(cell(name) for name in (*leading, *asked.columns)) + RFC_4180.end
        yield Piece((MARKED.mark if asked.bom else b"") + header.encode(), 0)
        async with aclosing(self._readings(subject, asked) if raw else self._energy(subject, asked)) as found:
            async for piece in found:
                yield piece

    async def _readings(self, subject: Subject, asked: Asked) -> Pieces:
        """Readings of one meter after the other, by time."""
        zone = ZoneInfo(asked.zone)
        for member in subject.members:
            start, end = member.within(asked.start, asked.end)
            for stream, named in self.places(member, asked.columns):
                quantities = sorted({quantity for quantity, _ in named.values()})
                async for rows in self._series.scan([stream], start, end, quantities, quality=QUALITY in asked.columns):
                    texts: dict[str, pa.StringArray] = {}
                    if BREAKER in asked.columns:
                        said = await self._series.noted(stream, int(rows.time[0]), int(rows.time[-1]) + 1, BREAKER)
                        texts[BREAKER] = _beside(rows.time, *said)
                    if rows.quality is not None:
                        texts[QUALITY] = pa.array(QUALITIES, pa.string()).take(pa.array(rows.quality))
                    for at in range(0, len(rows), PIECE_ROWS):
                        part = slice(at, at + PIECE_ROWS)
                        text = await asyncio.to_thread(_readings_text, rows, part, member, asked.columns, named, texts, zone)
                        yield Piece(text, min(PIECE_ROWS, len(rows) - at))

    def places(self, member: Member, columns: Sequence[str]) -> list[tuple[Stream, dict[str, tuple[str, float]]]]:
        """The streams that hold these fields of a meter, and which quantity each field is, by what factor.

        Of columns that are texts alone, all fields: they are the texts of every reading.
        """
        places: dict[int, tuple[Stream, dict[str, tuple[str, float]]]] = {}
        for name in [each for each in columns if each not in TEXT] or NAMES:
            channel = self._figures.metering.channel(member.meter, name)
            if channel is not None:
                quantity = channel.stream.layout.quantities[channel.column].name
                places.setdefault(channel.stream.id, (channel.stream, {}))[1][name] = (quantity, channel.factor)
        return list(places.values())

    async def _energy(self, subject: Subject, asked: Asked) -> Pieces:
        """Energy by the interval, in stretches that begin where an interval does."""
        zone = ZoneInfo(asked.zone)
        edges = _edges(asked, zone)
        at = 0
        while at < len(edges) - 1:
            last = max(int(np.searchsorted(edges, edges[at] + STRETCH, side="right")) - 1, at + 1)
            part = edges[at : last + 1]
            profile = await self._figures.profile(subject, int(part[0]), int(part[-1]))
            text = await asyncio.to_thread(_energy_text, profile, part, asked.columns, zone)
            yield Piece(text, len(part) - 1)
            at = last


def _edges(asked: Asked, zone: ZoneInfo) -> Ints:
    """Where the periods of an export begin, and its end; the first and the last may be cut."""
    if asked.interval in ("1d", "1mo"):
        inner = np.array(starts(asked.start, asked.end, zone, months=asked.interval == "1mo"), np.int64)
    else:
        # From every local midnight on, so that hours are those of the local clock, also where it is half an hour off.
        spans = days(asked.start, asked.end, zone)
        inner = np.concatenate([np.arange(low, high, SPAN[asked.interval], dtype=np.int64) for low, high in spans])
    inner = np.unique(inner)
    return np.concatenate([[asked.start], inner[(inner > asked.start) & (inner < asked.end)], [asked.end]])


def _readings_text(
    rows: RowSet,
    part: slice,
    member: Member,
    columns: Sequence[str],
    named: Mapping[str, tuple[str, float]],
    texts: Mapping[str, pa.StringArray],
    zone: ZoneInfo,
) -> bytes:
    times = rows.time[part]
    told: list[pa.StringArray] = [stamps(times, zone, fraction=True), stamps(times, None, fraction=True)]
    told += [repeated(str(member.meter.id), len(times)), repeated(member.meter.name, len(times))]
    empty = pa.nulls(len(times), pa.string())
    for name in columns:
        if name in texts:
            told.append(texts[name][part])
        elif name in named:
            quantity, factor = named[name]
            values = rows.columns[quantity][part]
            told.append(numbers(values if factor == 1.0 else values * factor))
        else:
            told.append(empty)
    return lines(told)


def _beside(times: Ints, said: Ints, texts: pa.ChunkedArray) -> pa.StringArray:
    """A text at each of the times, null where nothing was said then; both kinds of times ascend."""
    place = np.searchsorted(said, times)
    there = place < len(said)
    there[there] = said[place[there]] == times[there]
    kinds, number = np.unique(np.array(texts.to_pylist(), str), return_inverse=True)
    safe = pa.array([cell(str(kind)) for kind in kinds], pa.string())
    found = np.zeros(len(times), np.int64)
    found[there] = number[place[there]]
    return safe.take(pa.array(found, mask=~there))


def _energy_text(profile: Profile, edges: Ints, columns: Sequence[str], zone: ZoneInfo) -> bytes:
    begins = edges[:-1]
    table = _summed(profile, edges)
    told = [stamps(begins, zone, fraction=False), stamps(begins, None, fraction=False)]
    return lines([*told, *(numbers(table[name]) for name in columns)])


def _summed(profile: Profile, edges: Ints) -> dict[str, Floats]:
    """The columns of `model.ENERGY` for the periods between these edges, NaN where nothing is known."""
    size = len(edges) - 1
    place = np.clip(np.searchsorted(edges, profile.times, side="right") - 1, 0, size - 1)

    def total(column: Floats | Ints) -> Floats:
        return np.bincount(place, weights=column, minlength=size).astype(np.float64)

    known, room = total(profile.known), total(profile.room()) * profile.members
    there, back = total(profile.there), total(profile.back)
    means = profile.means()
    told = ~np.isnan(means)
    count = np.bincount(place[told], minlength=size)
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, place[told], means[told])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place[told], weights=means[told], minlength=size) / count
        covered = 100.0 * known / room
    silent = known == 0
    found = {
        "import_kwh": there,
        "export_kwh": back if profile.gives else np.full(size, np.nan),
        "net_kwh": there - back,
        "mean_kw": mean,
        "peak_kw": np.where(count > 0, highest, np.nan),
        "estimated_kwh": total(profile.estimated),
    }
    kept = {name: np.where(silent, np.nan, np.round(column, 9)) for name, column in found.items()}
    return kept | {"coverage_pct": np.round(np.minimum(covered, 100.0), 3), "received": total(profile.received)}
