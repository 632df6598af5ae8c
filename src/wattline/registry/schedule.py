"""Reading a point schedule: CSV with a header and `#` comment lines, row by row, so that one bad row costs itself alone.

A row is judged by what stands on its own line. A quoted field may run over a few lines, as RFC 4180 allows; a quote that is
never closed takes nothing with it but its own line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from wattline.model.errors import Invalid
from wattline.registry.schedule_rows import EXTRA, LIMITS, PRIORITIES, PUBLISHED, REQUIRED, ScheduleRow, parse_row

MOST_LINES_OF_A_ROW = 20
LONGEST_LINE = 65_536
_SURROGATE = re.compile("[\ud800-\udfff]")
_LIMIT = re.compile(r"(?:alarm_)?p([0-3])_(?:alarm_)?(low|lo|high|hi)")
_LIKE_A_LIMIT = re.compile(r"alarm|limit|threshold|^p\d")
_SIDES = {"lo": "low", "hi": "high"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken: the line on which it begins, its tag as far as there is one, and the reason."""

    line: int
    tag: str
    reason: str


@dataclass(slots=True)
class Schedule:
    """What a file holds: the sound rows, the refused ones, and the columns that mean nothing to us."""

    rows: list[ScheduleRow] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    with_limits: bool = False
    """Whether it has any limit column: then a row without limits says that its point has none."""

    def refuse(self, row: ScheduleRow, reason: str) -> None:
        """Take a row back that cannot be taken for a reason outside of the file."""
        self.rows.remove(row)
        self.refused.append(Refused(row.line, row.spec.tag, reason))


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file; of one that is too long for a row only the beginning is kept, whatever its length."""
    while chunk := file.readline(LONGEST_LINE + 2):
        line = chunk
        while chunk and not chunk.endswith("\n"):
            chunk = file.readline(LONGEST_LINE + 2)
        yield line


def read(lines: Iterable[str], check: Callable[[ScheduleRow], object]) -> Schedule:
    """Read a schedule. Raises `Invalid` only where the file has no usable header; every other fault is that of its row.

    `lines` are those of a text file opened with `encoding="utf-8", errors="surrogateescape"`: what is not UTF-8 is told by
    row. `check` is given every row that is sound by itself, and raises `Invalid` where it may not be taken all the same.
    """
    numbered = _Lines(lines)
    header = _header(numbered)
    ignored = tuple(name for name in header if name not in PUBLISHED + EXTRA)
    found = Schedule(ignored=ignored, with_limits=any(name in LIMITS for name in header))
    first_lines: dict[str, int] = {}
    for number, cells in _records(numbered):
        if isinstance(cells, str):
            found.refused.append(Refused(number, "", cells))
            continue
        place = header.index("tag")
        tag = cells[place].strip() if place < len(cells) else ""
        try:
            row = _row(number, header, cells)
            known = first_lines.setdefault(row.spec.tag, number)
            if known != number:
                raise Invalid(f"the tag {row.spec.tag} is that of line {known}", "tag")
            check(row)
        except Invalid as error:
            found.refused.append(Refused(number, _printable(tag), str(error)))
        else:
            found.rows.append(row)
    return found


def _row(number: int, header: tuple[str, ...], cells: list[str]) -> ScheduleRow:
    if len(cells) != len(header):
        raise Invalid(f"{len(cells)} fields where the header has {len(header)}")
    if any(_SURROGATE.search(cell) for cell in cells):
        raise Invalid("holds characters that are not UTF-8")
    return parse_row(number, dict(zip(header, cells, strict=True)))


class _Lines:
    """Lines with their numbers, from which the next ones can be had without taking them."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._ahead: list[str] = []
        self.number = 0

    def peek(self, count: int) -> list[str]:
        """The next lines, as many of them as there are."""
        while len(self._ahead) < count:
            line = next(self._source, None)
            if line is None:
                break
            self._ahead.append(line.rstrip("\r\n"))
        return self._ahead[:count]

    def take(self, count: int) -> None:
        """Go on behind so many lines that were seen."""
        del self._ahead[:count]
        self.number += count


def _header(lines: _Lines) -> tuple[str, ...]:
    for number, cells in _records(lines, byte_order_mark=True):
        if isinstance(cells, str):
            raise Invalid(f"line {number}, the header: {cells}", "header")
        header = tuple(_column(cell) for cell in cells)
        _check_header(header)
        return header
    raise Invalid("there is no header: the file is empty", "header")


def _check_header(header: tuple[str, ...]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise Invalid(f"the header lacks {', '.join(missing)}", "header")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise Invalid(f"the header names {', '.join(map(_printable, twice))} twice", "header")
    # A limit under a name that nobody knows would be lost without a word.
    wrong = [name for name in header if name not in LIMITS and _LIKE_A_LIMIT.search(name)]
    if wrong:
        raise Invalid(f"the header has a limit column that is not known: {', '.join(map(_printable, wrong))}", "header")


def _column(text: str) -> str:
    """The name of a column, whatever its case and the sign between its words; limits also without `alarm_`, and lo, hi."""
    name = re.sub(r"[\s-]+", "_", text.strip().lower())
    limit = _LIMIT.fullmatch(name)
    if limit is None:
        return name
    return f"alarm_{PRIORITIES[int(limit[1])]}_{_SIDES.get(limit[2], limit[2])}"


def _records(lines: _Lines, *, byte_order_mark: bool = False) -> Iterator[tuple[int, list[str] | str]]:
    """The number of the first line of each record, and its cells or why it has none. Empty and comment lines are left out."""
    while ahead := lines.peek(1):
        line = ahead[0].removeprefix("\ufeff") if byte_order_mark else ahead[0]
        number = lines.number + 1
        if not line.strip() or line.lstrip().startswith("#"):
            lines.take(1)
            continue
        cells, taken = _cells(line, lines)
        lines.take(taken)
        yield number, cells


def _cells(line: str, lines: _Lines) -> tuple[list[str] | str, int]:
    """The cells of the record that begins with a line, or what is wrong with it; and how many lines it has."""
    count = 1
    while len(line) <= LONGEST_LINE:
        try:
            return next(csv.reader([line], strict=True)), count
        except csv.Error as error:
            if "end of data" not in str(error):
                return f"is no CSV: {error}", 1
        more = lines.peek(count + 1)
        if len(more) <= count or count >= MOST_LINES_OF_A_ROW:
            return "a quote is opened and not closed", 1
        line = f"{line}\n{more[count]}"
        count += 1
    return (f"is longer than {LONGEST_LINE} characters" if count == 1 else "a quote is opened and not closed"), 1


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:64])
