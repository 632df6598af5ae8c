"""What can be exported, and what became of an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wattline.metering.fields import NAMES
from wattline.metering.figures.subject import SubjectKind
from wattline.model.errors import Invalid

Interval = Literal["raw", "15m", "1h", "1d", "1mo"]
State = Literal["waiting", "done", "failed"]
MOST_ROWS = 5_000_000
"""Of a file that is sent at once; of more, a file is made and a link to it is given."""
ENERGY = (
    "import_kwh",
    "export_kwh",
    "net_kwh",
    "mean_kw",
    "peak_kw",
    "estimated_kwh",
    "coverage_pct",
    "received",
)
"""Columns of energy; all of them unless some are asked for."""
USUAL = (
    "total_power",
    "total_energy",
    "energy_export",
    "reactive_power",
    "reactive_energy",
    "voltage_a",
    "voltage_b",
    "voltage_c",
    "current_a",
    "current_b",
    "current_c",
    "frequency",
    "power_factor",
)
"""Columns of readings unless some are asked for."""
TEXT = ("breaker_state", "quality")
"""Further columns of readings. `quality` is the worst of the numbers in a line: good, uncertain or bad."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An export of [start, end), in us, as it was asked for. `zone` is an IANA name, `bom` asks for a byte order mark."""

    kind: SubjectKind
    id: int
    start: int
    end: int
    zone: str
    interval: Interval
    columns: tuple[str, ...]
    bom: bool = False

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.kind}-{self.id}-{self.interval}.csv"


def columns_of(interval: Interval, named: list[str] | None) -> tuple[str, ...]:
    """The columns of an export. Raises `Invalid` for one that there is not, and for none."""
    known = (*NAMES, *TEXT) if interval == "raw" else ENERGY
    if named is None:
        return USUAL if interval == "raw" else ENERGY
    for each in named:
        if each not in known:
            raise Invalid(f"there is no column {each}; there are: {', '.join(known)}", "columns")
    if not named:
        raise Invalid("an export has at least one column", "columns")
    return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is made on request; times in us, `size` in bytes."""

    id: str
    tenant: str
    sites: frozenset[str] | None
    asked: Asked
    created: int
    state: State
    finished: int | None
    rows: int | None
    size: int | None
