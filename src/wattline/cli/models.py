"""`wattline models train peaks | evaluate peaks`: the model that recognises appliances, made anew and measured."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

import wattline
from wattline.model.errors import Invalid, NotFound

if TYPE_CHECKING:
    from wattline.households.recognition.evaluation import Quality

group = typer.Typer(no_args_is_help=True, help="Models that are shipped: how they are made, and how good they are.")
train = typer.Typer(no_args_is_help=True, help="Make a model anew from public data.")
evaluate = typer.Typer(no_args_is_help=True, help="Measure a model on data that it was not made from.")
group.add_typer(train, name="train")
group.add_typer(evaluate, name="evaluate")

_PROGRAM = "wattline.households.recognition.training"


@train.command("peaks")
def train_peaks(
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="the model that this installation uses")
    ] = None,
) -> None:
    """Train the model that recognises the appliances of a peak, on PLAID and ACSF1. The same data gives the same file."""
    from wattline.households.recognition.datasets import HINT, environment
    from wattline.households.recognition.model_file import SHIPPED

    python = environment() / "bin" / "python"
    if not python.exists():
        raise NotFound(HINT)
    path = (out or SHIPPED).absolute()
    if not path.parent.is_dir():
        raise Invalid(f"there is no directory {path.parent}")
    # Until all of it is there and proved, the file that is in use stays.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".train-") as directory:
        made = Path(directory) / path.name
        about = _watched(python, made)
        made.chmod(0o644)
        made.replace(path)
    table = Table("model", "examples", "accuracy", "calibration error", box=SIMPLE_HEAD, title="cross-validation")
    for name, part in about["parts"].items():
        figures = part["cross_validation"]
        table.add_row(name, str(part["examples"]), f"{figures['accuracy']:.3f}", f"{figures['calibration_error']:.3f}")
    console = Console()
    console.print(table)
    console.print(f"written to {path} ({path.stat().st_size / 1024:.0f} KiB)", markup=False, soft_wrap=True)


def _watched(python: Path, made: Path) -> dict[str, Any]:
    """Run the training in its environment with a progress bar; gives the description of the file."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=None)
        for told in _told(python, made):
            if "error" in told:
                raise Invalid(told["error"])
            if "about" in told:
                about: dict[str, Any] = told["about"]
                return about
            progress.update(task, description=told["doing"], completed=told["done"], total=told["of"])
    raise Invalid("the training ended without a model")


def _told(python: Path, made: Path) -> Iterator[dict[str, Any]]:
    """What the training says, line by line. Its environment has no Wattline: it reads this one's source."""
    source = {"PYTHONPATH": str(Path(wattline.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), "-m", _PROGRAM, str(made)]
    # The program is this package's own, in this installation's own environment.
    with subprocess.Popen(command, env=os.environ | source, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)


@evaluate.command("peaks")
def evaluate_peaks(
    model: Annotated[
        Path | None, typer.Option(help="Model file.", show_default="the model that this installation uses")
    ] = None,
) -> None:
    """Classify the test splits of PLAID and ACSF1 and print how often the first guess is right, by data set and class."""
    from wattline.households.recognition.evaluation import evaluate as measure
    from wattline.households.recognition.model import Recogniser
    from wattline.households.recognition.model_file import SHIPPED

    recogniser = Recogniser(model or SHIPPED)
    recogniser.about()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(dataset: str, done: int, of: int) -> None:
            if dataset not in tasks:
                tasks[dataset] = progress.add_task(dataset, total=of)
            progress.update(tasks[dataset], completed=done)

        found = measure(recogniser, tell=tell)
    Console().print(_shown(found))


def _shown(found: list[Quality]) -> Table:
    table = Table("data set", "series", "accuracy", "calibration error", "unknown", box=SIMPLE_HEAD)
    for each in found:
        error, unknown = f"{each.calibration_error:.3f}", f"{each.unknown:.3f}"
        table.add_row(each.dataset, str(each.series), f"{each.accuracy:.3f}", error, unknown)
        for name, accuracy in each.classes.items():
            table.add_row(f"  {name}", "", f"{accuracy:.3f}", "", "")
    return table
