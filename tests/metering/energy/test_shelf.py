"""Files of cells: what is written is read, in parts and beside what was there; what is damaged is no answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wattline.metering.energy import shelf as module
from wattline.metering.energy.cells import A_DAY, Cells
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.register import Rule
from wattline.metering.energy.shelf import Shelf, Stored
from wattline.metering.energy.told import NO_MARK

LANE = Lane(7, (70,), (4,), 1.0, 900_000_000, Rule(None, 65.2))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "energy")


def days(first: int, size: int, seed: int, unmarked: tuple[int, ...] = ()) -> Stored:
    """Days with energy, one count that is odd, and some without a mark."""
    choice = np.random.default_rng(seed)
    count = np.ones(size * A_DAY, np.uint16)
    count[5] = 3
    columns = {"energy": choice.normal(1.0, 1.0, size * A_DAY), "covered": np.ones(size * A_DAY), "count": count}
    low, high, mark = (choice.integers(1, 2**60, size) for _ in range(3))
    mark[list(unmarked)] = NO_MARK
    return Stored(first, Cells.of(size * A_DAY, columns), low, high, mark)


def same(found: Stored | None, expected: Stored, at: slice = slice(None)) -> bool:
    """Whether the days that have a mark are these, and only these have one."""
    assert found is not None
    assert (found.mark == expected.mark[at]).all()
    told = found.mark != NO_MARK
    alike = (found.low == expected.low[at])[told].all() and (found.high == expected.high[at])[told].all()
    for name in module.COLUMNS:
        mine, theirs = (each.cells.full(name).reshape(-1, A_DAY) for each in (found, expected))
        alike &= bool((mine[told] == theirs[at][told]).all()) and mine.dtype == theirs.dtype
    return bool(alike)


def test_what_is_written_is_read(shelf: Shelf) -> None:
    stored = days(20_000, 9, 1, unmarked=(3,))
    shelf.save(LANE, stored)
    assert same(shelf.load(LANE, 0, 30_000), stored)
    assert same(shelf.load(LANE, 20_002, 20_007), stored, slice(2, 7))
    assert shelf.load(LANE, 20_009, 20_020) is None
    assert shelf.load(LANE._replace(factor=2.0), 0, 30_000) is None
    assert shelf.load(LANE._replace(rule=None), 0, 30_000) is None


def test_days_are_written_beside_those_that_are_there(shelf: Shelf) -> None:
    former, later = days(20_000, 9, 1), days(20_006, 9, 2, unmarked=(1,))
    shelf.save(LANE, former)
    shelf.save(LANE, later)
    found = shelf.load(LANE, 0, 30_000)
    assert found is not None
    assert found.range == (20_000, 20_015)
    assert found.mark.tolist() == [*former.mark[:6], later.mark[0], former.mark[7], *later.mark[2:]]
    energy = found.cells.full("energy").reshape(-1, A_DAY)
    assert (energy[7] == former.cells.full("energy").reshape(-1, A_DAY)[7]).all()
    assert (energy[8] == later.cells.full("energy").reshape(-1, A_DAY)[2]).all()


def test_the_newest_days_stay(shelf: Shelf) -> None:
    shelf.save(LANE, days(10_000, 3, 1))
    shelf.save(LANE, days(10_000 + module.LONGEST, 2, 2))
    found = shelf.load(LANE, 0, 30_000)
    assert found is not None
    assert found.range == (10_002, 10_002 + module.LONGEST)


@pytest.mark.parametrize("fault", ["cut", "empty", "other", "longer", "huge"])
def test_a_damaged_file_is_left_out_and_written_anew(shelf: Shelf, fault: str) -> None:
    stored = days(20_000, 4, 1)
    shelf.save(LANE, stored)
    path = shelf.path(LANE)
    whole = path.read_bytes()
    huge = whole[:16] + (2**62).to_bytes(8, "little") + whole[24:]
    path.write_bytes({"cut": whole[:-1], "empty": b"", "other": b"x" * 999, "longer": whole + b"x", "huge": huge}[fault])
    assert shelf.load(LANE, 0, 30_000) is None
    shelf.save(LANE, stored)
    assert same(shelf.load(LANE, 0, 30_000), stored)


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "energy").write_text("a file")
    shelf.save(LANE, days(20_000, 4, 1))
    assert shelf.load(LANE, 0, 30_000) is None
    shelf.trim()


def test_the_files_have_a_bound_and_those_that_are_read_stay(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "energy", most_bytes=20_000)
    lanes = [LANE._replace(stream=number) for number in range(4)]
    for lane in lanes:
        shelf.save(lane, days(20_000, 9, 1))
    assert shelf.load(lanes[0], 0, 30_000) is not None
    shelf.trim()
    assert [shelf.load(lane, 0, 30_000) is not None for lane in lanes] == [True, False, False, True]


def test_other_code_does_not_read_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.save(LANE, days(20_000, 4, 1))
    monkeypatch.setattr(module, "code", lambda: "other")
    assert shelf.load(LANE, 0, 30_000) is None
