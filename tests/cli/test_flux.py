"""`wattline flux expose | hide | list`: devices of other contracts under UUIDs, beside whatever runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from wattline.changes.service import ChangeLog
from wattline.cli.program import program
from wattline.model.clock import SystemClock
from wattline.model.errors import Invalid, NotFound
from wattline.model.place import Layout, Quantity
from wattline.registry.listings import Listings
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate

FEEDER = Layout("hop.telemetry", (Quantity("voltage_kv", "kV"), Quantity("power_mw", "MW"), Quantity("frequency_hz", "Hz")))
SHOW = ("--column", "power_total_active=power_mw*1000", "--column", "frequency=frequency_hz")
GIVEN = "123E4567-e89b-12d3-a456-426614174000"


@pytest.fixture
def wattline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., click.testing.Result]:
    """The command line inside of this process, on a database with a feeder and a meter; what it raises is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "data").mkdir()

    async def fill(registry: Registry, _listings: Listings) -> None:
        await registry.register("default", "SUB-1", "F1", FEEDER, {"feeder_id": "F1"})
        specs = [PointSpec(f"MET-01-{name}", "MET-01", "electrical", name) for name in ("kW", "kvar")]
        await registry.put_points("default", "plant", "b1", specs)
        await registry.put_points("default", "plant", "b2", [PointSpec("MET-01-kW", "MET-01", "electrical", "kW")])

    on(tmp_path, fill)

    def run(*arguments: str) -> click.testing.Result:
        result = CliRunner().invoke(program, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def on(directory: Path, work: Callable[[Registry, Listings], Awaitable[object]]) -> object:
    """Do something with the registry of a directory's database."""

    async def run() -> object:
        database = Database(f"sqlite+aiosqlite:///{directory}/data/state.db")
        try:
            await migrate(database)
            clock = SystemClock()
            registry = Registry(database, clock=clock)
            await registry.load()
            return await work(registry, Listings(registry, ChangeLog(database, clock), clock))
        finally:
            await database.close()

    return asyncio.run(run())


def exposed(directory: Path) -> list[tuple[str, str, str, dict[str, tuple[int, float]]]]:
    """What is shown: the row's UUID and name, the table, its columns; and what the list says."""

    async def look(_registry: Registry, listings: Listings) -> object:
        names = {row.uuid: row.name for row in listings.rows("default")}
        found = listings.exposures("default")
        return [(each.uuid, names.get(each.uuid, ""), each.relation, dict(each.columns)) for each in found]

    return on(directory, look)  # type: ignore[return-value]


def test_a_feeder_becomes_a_row_of_the_list(wattline: Callable[..., click.testing.Result], tmp_path: Path) -> None:
    said = wattline("flux", "expose", "SUB-1", "F1", *SHOW, "--name", "Feeder 1").stdout
    [(given, name, table, columns)] = exposed(tmp_path)
    assert said == f"{given}  Feeder 1 (SUB-1) in mg_meter_readings\n"
    assert (name, table) == ("Feeder 1", "mg_meter_readings")
    assert columns == {"power_total_active": (1, 1000.0), "frequency": (2, 1.0)}
    listed = wattline("flux", "list").stdout
    for word in (given, "SUB-1", "F1", "Feeder 1", "meter", "mg_meter_readings.power_total_active = power_mw * 1000"):
        assert word in listed
    wattline("flux", "hide", given)
    assert exposed(tmp_path) == []
    with pytest.raises(NotFound):
        wattline("flux", "hide", given)
    wattline("flux", "expose", "SUB-1", "F1", "--column", "frequency=frequency_hz")
    assert exposed(tmp_path) == [(given, "F1", "mg_meter_readings", {"frequency": (2, 1.0)})]


def test_a_meter_of_several_points_is_one_row(wattline: Callable[..., click.testing.Result], tmp_path: Path) -> None:
    columns = ("--column", "power_total_active=MET-01-kW", "--column", "power_total_reactive=MET-01-kvar*-1")
    with pytest.raises(Invalid, match="b1/MET-01, b2/MET-01"):
        wattline("flux", "expose", "plant", "MET-01", *columns)
    wattline("flux", "expose", "plant", "b1/MET-01", *columns, "--id", GIVEN, "--type", "submeter")
    assert exposed(tmp_path) == [
        (GIVEN.lower(), "MET-01", "mg_meter_readings", {"power_total_active": (0, 1.0)}),
        (GIVEN.lower(), "MET-01", "mg_meter_readings", {"power_total_reactive": (0, -1.0)}),
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("SUB-1", "F1", "--column", "power=power_mw"), "mg_meter_readings has no measure power"),
        (("SUB-1", "F1", "--column", "created_at=power_mw"), "no measure created_at"),
        (("SUB-1", "F1", "--column", "frequency=none"), "reports frequency_hz, power_mw, voltage_kv"),
        (("SUB-1", "F1", "--column", "frequency"), "write COLUMN=QUANTITY"),
        (("SUB-1", "F1", "--column", "frequency=frequency_hz*0"), "write COLUMN=QUANTITY"),
        (("SUB-1", "F1", "--column", "frequency=frequency_hz*1e999"), "write COLUMN=QUANTITY"),
        (("SUB-1", "F1", *SHOW, *SHOW), "named twice"),
        (("SUB-1", "F1", *SHOW, "--table", "market_data"), "the table is mg_meter_readings or mg_bess_readings"),
        (("SUB-1", "F1", *SHOW, "--id", "meter-uuid"), "no UUID"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    wattline: Callable[..., click.testing.Result], tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(Invalid) as refused:
        wattline("flux", "expose", *arguments)
    assert problem in str(refused.value)
    assert exposed(tmp_path) == []


def test_a_device_that_is_not_there_cannot_be_shown(wattline: Callable[..., click.testing.Result]) -> None:
    for place in (("SUB-1", "F2"), ("SUB-2", "F1")):
        with pytest.raises(NotFound):
            wattline("flux", "expose", *place, *SHOW)
    with pytest.raises(NotFound):
        wattline("flux", "expose", "SUB-1", "F1", *SHOW, "--tenant", "other")
