"""A device under a UUID: its row in the tenant's list of devices, and which readings are shown under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from wattline.model.errors import WattlineError
from wattline.model.place import Device
from wattline.registry.stream import Stream

UNASSIGNED = "unassigned"
"""The site of devices that have sent readings and that no row has named yet."""

DESCRIBED_BY_ROW = ("tag", "type", "metadata")
"""The attributes of a device that its row says: name, type, metadata."""


class ListingRow(NamedTuple):
    """A row of the list. `uuid` is canonical lower-case text, `created` in us, `metadata` JSON text, `active` None: unknown."""

    uuid: str
    created: int
    name: str
    type: str
    site: str
    metadata: str | None
    active: bool | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Which relation shows rows of a device of another contract, and which of its columns shows what.

    `columns` maps a column to a quantity of the layout and the factor that it is multiplied by.
    """

    relation: str
    layout: str
    columns: Mapping[str, tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A stream of a device of another contract as a relation shows it: each column's position in a row, and its factor."""

    stream: Stream
    uuid: str
    relation: str
    columns: Mapping[str, tuple[int, float]]


@dataclass(slots=True, eq=False)
class Listing:
    """A device and its UUID, for ever; one object for each in a process.

    `listed`: the list has a row of it; otherwise it is known by its readings alone, or its row was deleted, and what the row
    said last is kept. A device that was made under its UUID has it for a key; one of another contract has its own key.
    """

    uuid: str
    device: Device
    listed: bool = False
    name: str | None = None
    type: str | None = None
    metadata: str | None = None
    active: bool | None = None
    created: int | None = None
    shown: tuple[Shown, ...] = field(default=())

    @property
    def is_foreign(self) -> bool:
        """Whether the device is one of another contract, which alone says where it is."""
        return self.device.key != self.uuid

    @property
    def row(self) -> ListingRow | None:
        """Its row, None where it is not listed."""
        if not self.listed or self.name is None or self.type is None or self.created is None:
            return None
        return ListingRow(self.uuid, self.created, self.name, self.type, self.device.site.key, self.metadata, self.active)

    @property
    def attributes(self) -> dict[str, str]:
        """What the row says of the device in the registry's words: the name is its tag."""
        given = zip(DESCRIBED_BY_ROW, (self.name, self.type, self.metadata), strict=True)
        return {name: text for name, text in given if text is not None}


class AlreadyListed(WattlineError):
    """The list has a row with this UUID."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"the device {uuid} is listed already")
        self.uuid = uuid
