"""The one way to run benches: in order, each with its own clean end, into one report."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.figure import Figure

ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Context:
    """What a bench may use. `quick` asks for a fraction of the time; `keep` closes something at the end of the bench."""

    directory: Path
    quick: bool
    console: Console
    keep: ExitStack
    results: dict[str, Figure] = field(default_factory=dict)

    def scaled(self, usual: int, quick: int) -> int:
        """A size or duration, by the kind of run."""
        return quick if self.quick else usual

    def place(self, name: str) -> Path:
        """A fresh directory for one server's data."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


@dataclass(frozen=True, slots=True)
class Bench:
    """A named measurement that gives one or more lines of the table. It may read `context.results` of those before it."""

    name: str
    measure: Callable[[Context], Sequence[Figure]]


@contextmanager
def _workplace() -> Iterator[Path]:
    """Below the checkout, not below /tmp, which may be memory. BENCH_DIRECTORY names another disk."""
    parent = Path(os.environ.get("BENCH_DIRECTORY", ROOT / "build"))
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as directory:
        yield Path(directory)


def run(benches: Sequence[Bench], *, quick: bool, console: Console) -> dict[str, Any]:
    """Run benches one after the other and return the report; a crash is recorded and the next one still runs."""
    figures: list[Figure] = []
    crashed: list[dict[str, str]] = []
    results: dict[str, Figure] = {}
    with _workplace() as directory:
        report: dict[str, Any] = {"quick": quick, "machine": machine.describe(directory)}
        for number, bench in enumerate(benches, 1):
            console.print(f"[{number}/{len(benches)}] {bench.name} ...", style="dim", markup=False)
            try:
                with ExitStack() as keep:
                    found = bench.measure(Context(directory, quick, console, keep, results))
            except Exception as error:  # a crash of one bench must not hide the others
                console.print(traceback.format_exc(), style="red", markup=False)
                crashed.append({"name": bench.name, "error": f"{type(error).__name__}: {error}"})
                continue
            for figure in found:
                figures.append(figure)
                results[figure.name] = figure
                console.print(f"    {_line(figure)}", markup=False)
    return report | {"rows": [figure.as_json() for figure in figures], "crashed": crashed}


def _line(figure: Figure) -> str:
    return f"{figure.name}: {number(figure.figure)} {figure.unit}"


def number(value: float) -> str:
    """A figure for people: thousands apart, three significant digits below a thousand."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(report: dict[str, Any]) -> Table:
    """The report's rows for a terminal."""
    shown = Table(title="Wattline bench" + (" (quick)" if report["quick"] else ""))
    for heading in ("what", "figure", "target", "met", "p50 ms", "p99 ms"):
        shown.add_column(heading, justify="left" if heading == "what" else "right")
    for row in report["rows"]:
        bound = "" if row["target"] is None else f"{'>=' if row['better'] == 'more' else '<='} {number(row['target'])}"
        met = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row["met"]]
        latencies = ["" if row[name] is None else f"{row[name]:.2f}" for name in ("p50", "p99")]
        shown.add_row(row["name"], f"{number(row['figure'])} {row['unit']}", bound, met, *latencies)
    return shown


def write(report: dict[str, Any], path: Path) -> None:
    """Store the report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, sort_keys=False) + "\n", encoding="utf-8")
