"""`python -m bench [--only NAME ...] [--json FILE] [--quick] [--list]`, from the root of a checkout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from bench.catalog import BENCHES
from bench.runner import ROOT, run, table, write

WIDTH = 118


def main(given: list[str] | None = None) -> int:
    """Run what was asked for. Ends with 0 unless a bench crashed: a slow figure is a result, not a failure."""
    names = [bench.name for bench in BENCHES]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Wattline on this machine.")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"one or more of: {', '.join(names)}")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json", metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="a fraction of the time; figures are rough")
    parser.add_argument("--list", action="store_true", help="say what there is to run")
    arguments = parser.parse_args(given)
    if arguments.list:
        sys.stdout.write("\n".join(names) + "\n")
        return 0
    console = Console()
    if console.width < WIDTH:
        console = Console(width=WIDTH)
    chosen = [bench for bench in BENCHES if not arguments.only or bench.name in arguments.only]
    report = run(chosen, quick=arguments.quick, console=console)
    console.print(table(report))
    write(report, arguments.json)
    console.print(f"written to {arguments.json}", markup=False)
    return 1 if report["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
