"""What a depot's meters must hold after what was acknowledged: the plain model that the kill test is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

Fields = Mapping[str, float]


def spelled(second: int) -> str:
    """A second since 1970 as the contract writes times."""
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


class Place(NamedTuple):
    """A reading is known by its meter and its time (s since 1970)."""

    meter: int
    second: int


@dataclass
class Readings:
    """Every content that a place had, in order: its first one is revision 1. `refused` were never to be stored."""

    contents: dict[Place, list[Fields]] = field(default_factory=dict)
    refused: set[Place] = field(default_factory=set)

    def outcome(self, place: Place, sent: Fields) -> tuple[str, int, Fields]:
        """The status and revision that a reading is to be answered with, and what the place holds then."""
        known = self.contents.get(place)
        if known is None:
            return "stored", 1, sent
        merged = {**known[-1], **sent}
        return ("duplicate", len(known), merged) if merged == known[-1] else ("replaced", len(known) + 1, merged)

    def take(self, place: Place, sent: Fields) -> None:
        """A reading was acknowledged."""
        status, _, merged = self.outcome(place, sent)
        if status != "duplicate":
            self.contents.setdefault(place, []).append(merged)


@dataclass
class Consumer:
    """Whoever reads the log of events from a cursor that it keeps; nothing may come to it twice.

    `readings` has of each place the revisions that it was told of, in order, with their contents.
    """

    cursor: str | None = None
    names: set[str] = field(default_factory=set)
    readings: dict[Place, list[tuple[int, Fields]]] = field(default_factory=dict)
    others: list[Mapping[str, Any]] = field(default_factory=list)

    def hear(self, entry: Mapping[str, Any]) -> None:
        """One entry of the log."""
        assert entry["id"] not in self.names, f"told twice: {entry}"
        self.names.add(entry["id"])
        if entry["type"] != "data.ingested":
            self.others.append(entry)
            return
        data = dict(entry["data"])
        place = Place(data.pop("meter_id"), round(datetime.fromisoformat(data.pop("timestamp")).timestamp()))
        revision = data.pop("revision", 1)
        assert data.pop("status") == ("stored" if revision == 1 else "replaced")
        data.pop("breaker_state", None)
        told = self.readings.setdefault(place, [])
        assert not told or told[-1][0] < revision, "an older revision after a newer one"
        told.append((revision, data))

    def check(self, expected: Readings, unsure: Mapping[Place, Fields]) -> None:
        """Each place was told of as it is, of whatever else it was told before; `unsure` readings were cut off."""
        assert not self.readings.keys() & expected.refused
        assert expected.contents.keys() <= self.readings.keys() <= expected.contents.keys() | unsure.keys()
        for place, told in self.readings.items():
            contents = list(expected.contents.get(place, ()))
            revision = told[-1][0]
            if place in unsure and revision == len(contents) + 1:
                contents.append(expected.outcome(place, unsure[place])[2])
            assert revision == len(contents), (place, told, contents)
            for number, content in told:
                assert content == contents[number - 1], (place, number)
