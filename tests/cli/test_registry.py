"""`wattline registry import | list`: a schedule becomes points with limits, and what is wrong in it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from wattline.alarms.limits import to_thresholds
from wattline.alarms.service import Alarms
from wattline.cli.program import program
from wattline.events.service import EventLog
from wattline.model.clock import SystemClock
from wattline.registry.service import Registry
from wattline.state.database import Database

from .conftest import Result

Wattline = Callable[..., Result]
Inside = Callable[..., click.testing.Result]
TO = ("--site", "baldwinsville", "--block", "block-02")
SCHEDULE = """\
# MASTER POINT SCHEDULE
tag,description,subsystem,equipment_parent,protocol,protocol_address,data_type,unit,range_min,range_max,precision,poll_rate_ms,\
alarm_P0_low,alarm_P0_high,alarm_P1_low,alarm_P1_high,alarm_P2_low,alarm_P2_high,alarm_P3_low,alarm_P3_high,engineering_notes
MET-01-kW,Facility power,electrical,MET-01,modbus-tcp,40001,FLOAT32,kW,0,1500,0.1,5000,,,,,,1200,,,
MET-01-V-L1,Voltage,electrical,MET-01,modbus-tcp,40011,FLOAT32,V,0,600,0.1,5000,,,,,,,460,420,
MET-01-Hz,Frequency,electrical,MET-01,modbus-tcp,40021,FLOAT32,Hz,55,65,0.01,5000,,,62,,,,61,,
LD-01a,Leak under row 1,thermal-safety,LD-01,modbus-tcp,1,UINT16,bool,0,1,1,1000,,1,,,,,,,
FT-L2,Loop flow,thermal-l2,PP01,modbus-tcp,2,FLOAT32,m3/h,0,30,0.1,2000,,,2,,4,,,,25
"""


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """The same command line inside of this process, which is quicker; errors are raised, not told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> click.testing.Result:
        return CliRunner().invoke(program, arguments)

    return run


def stored(directory: Path) -> dict[str, tuple[int, str, dict[str, dict[str, object]]]]:
    """Every point: its id, its block in full and its thresholds, by tag."""

    async def work() -> dict[str, tuple[int, str, dict[str, dict[str, object]]]]:
        database = Database(f"sqlite+aiosqlite:///{directory}/data/state.db")
        try:
            registry = Registry(database)
            await registry.load()
            alarms = Alarms(database, EventLog(database), registry, SystemClock(), lambda *_: None)
            await alarms.load()
            return {
                point.tag: (point.id, f"{point.site.key}/{point.block.slug}", to_thresholds(alarms.limits(point.id)))
                for point in registry.points("default")
            }
        finally:
            await database.close()

    return asyncio.run(work())


def put(tmp_path: Path, text: str = SCHEDULE, name: str = "points.csv") -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_sound_rows_become_points_and_the_others_are_told(wattline: Wattline, tmp_path: Path) -> None:
    done = wattline("registry", "import", put(tmp_path), *TO)
    assert done.returncode == 2, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["4", "MET-01-V-L1", "the", "low", "alarm", "limits"] in [words[:6] for words in lines]
    assert ["5", "MET-01-Hz", "alarm", "limit", "P1_low", "(62)"] in [words[:6] for words in lines]
    assert ["7", "FT-L2", "engineering_notes"] in [words[:3] for words in lines]
    assert "baldwinsville/block-02: 2 points imported, 2 of them new" in done.stdout
    assert "limits changed: 2" in done.stdout
    assert "3 rows refused" in done.stdout
    points = stored(tmp_path)
    assert {tag: (number, place) for tag, (number, place, _) in points.items()} == {
        "MET-01-kW": (1, "baldwinsville/block-02"),
        "LD-01a": (2, "baldwinsville/block-02"),
    }
    assert points["MET-01-kW"][2]["P2_high"]["value"] == 1200
    assert points["LD-01a"][2]["P0_high"]["priority"] == "P0"


def test_a_dry_run_says_the_same_and_writes_nothing(inside: Inside, tmp_path: Path) -> None:
    told = inside("registry", "import", put(tmp_path), *TO, "--dry-run")
    assert told.exit_code == 2
    assert "2 points would be imported, 2 of them new" in told.stdout
    assert "P1_low (62)" in told.stdout
    assert stored(tmp_path) == {}
    assert inside("registry", "import", str(tmp_path / "points.csv"), *TO).exit_code == 2
    again = inside("registry", "import", str(tmp_path / "points.csv"), *TO, "--dry-run")
    assert "2 points would be imported, 0 of them new" in again.stdout


def test_a_second_import_changes_what_has_changed(inside: Inside, tmp_path: Path) -> None:
    header, first = SCHEDULE.splitlines()[1:3]
    one = inside("registry", "import", put(tmp_path, f"{header}\n{first}\n"), *TO)
    assert (one.exit_code, one.stderr) == (0, ""), one.output
    same = inside("registry", "import", str(tmp_path / "points.csv"), *TO)
    assert "1 points imported, 0 of them new" in same.stdout
    assert "limits changed: 0" in same.stdout
    changed = first.replace("1200", "1100").replace("Facility power", "Power of all")
    assert "limits changed: 1" in inside("registry", "import", put(tmp_path, f"{header}\n{changed}\n"), *TO).stdout
    assert stored(tmp_path)["MET-01-kW"][2]["P2_high"]["value"] == 1100
    bare = "tag,subsystem,equipment_parent,unit\nMET-01-kW,electrical,MET-01,kW\n"
    assert "limits changed: 0" in inside("registry", "import", put(tmp_path, bare), *TO).stdout
    assert stored(tmp_path)["MET-01-kW"][2]["P2_high"]["value"] == 1100
    empty = first.replace("1200", "")
    assert "limits changed: 1" in inside("registry", "import", put(tmp_path, f"{header}\n{empty}\n"), *TO).stdout
    assert stored(tmp_path)["MET-01-kW"][2] == {}


def test_a_tag_of_other_equipment_is_refused_and_the_rest_is_taken(inside: Inside, tmp_path: Path) -> None:
    header, first = SCHEDULE.splitlines()[1:3]
    assert inside("registry", "import", put(tmp_path, f"{header}\n{first}\n"), *TO).exit_code == 0
    moved, other = first.replace("MET-01,", "MET-02,"), first.replace("MET-01-kW", "MET-03-kW")
    done = inside("registry", "import", put(tmp_path, f"{header}\n{moved}\n{other}\n"), *TO)
    assert done.exit_code == 2
    assert "registered at other equipment, MET-01" in done.stdout
    assert set(stored(tmp_path)) == {"MET-01-kW", "MET-03-kW"}
    elsewhere = inside("registry", "import", str(tmp_path / "points.csv"), "--site", "baldwinsville", "--block", "block-03")
    assert elsewhere.exit_code == 0


def test_the_points_are_listed(inside: Inside, tmp_path: Path) -> None:
    inside("registry", "import", put(tmp_path), *TO)
    listed = inside("registry", "list").stdout
    (power,) = [line.split() for line in listed.splitlines() if "MET-01-kW" in line]
    assert power == ["1", "baldwinsville/block-02", "MET-01-kW", "MET-01", "electrical", "kW", "0..1500", "P2", ">", "1200"]
    assert "P0 >= 1" in listed
    assert "MET-01-kW" not in inside("registry", "list", "--block", "block-01").stdout
    assert "MET-01-kW" not in inside("registry", "list", "--tenant", "north").stdout


def test_an_ignored_column_is_named(inside: Inside, tmp_path: Path) -> None:
    text = "tag,subsystem,equipment_parent,unit,vendor\nA,network,SW-01,ms,ACME\n"
    done = inside("registry", "import", put(tmp_path, text), *TO)
    assert done.exit_code == 0
    assert "columns that mean nothing here: vendor" in done.stdout


def test_what_cannot_be_done_is_told_in_one_line(wattline: Wattline, tmp_path: Path) -> None:
    cases = [
        ((str(tmp_path / "absent.csv"), *TO), 1, "No such file"),
        ((put(tmp_path, "a,b\n", "bad.csv"), *TO), 2, "the header lacks tag"),
        ((put(tmp_path), "--site", "Bad Site", "--block", "b"), 2, "site must be"),
        ((put(tmp_path), "--site", "a", "--block", "../b"), 2, "block must be"),
    ]
    for arguments, code, told in cases:
        failed = wattline("registry", "import", *arguments)
        assert (failed.returncode, failed.stdout) == (code, "")
        assert failed.stderr.startswith("wattline: ")
        assert failed.stderr.count("\n") == 1
        assert told in failed.stderr
