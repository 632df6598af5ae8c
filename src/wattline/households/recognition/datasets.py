"""The public series, read from the files that sktime's package ships; sktime itself is never imported."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.classes import Dataset
from wattline.model.errors import Invalid, NotFound

Split = Literal["train", "test"]
HINT = "the training environment is not there: run scripts/train"


def environment() -> Path:
    """Where the training environment is: inside the one that runs this, so that both are removed together."""
    return Path(sys.prefix) / "train"


@dataclass(frozen=True, slots=True)
class Series:
    """The series of one split, their labels (0..), and the SHA-256 of the file."""

    values: tuple[NDArray[np.float64], ...]
    labels: NDArray[np.int64]
    sha256: str


def folder() -> Path:
    """The folder of data files, in this environment or in the one for training. Raises NotFound where neither has it."""
    for place in _places():
        found = place / "datasets" / "data"
        if found.is_dir():
            return found
    raise NotFound(HINT)


def _places() -> Iterator[Path]:
    spec = find_spec("sktime")
    if spec is not None and spec.submodule_search_locations:
        yield from map(Path, spec.submodule_search_locations)
    yield from environment().glob("lib/python3*/site-packages/sktime")


def load(dataset: Dataset, split: Split, root: Path | None = None) -> Series:
    """One split of a data set. Raises NotFound without the file, Invalid where it is not of the format."""
    name = dataset.upper()
    path = (root or folder()) / name / f"{name}_{split.upper()}.ts"
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path.name} among the data sets") from None
    return parse(held)


def parse(held: bytes) -> Series:
    """Read the `.ts` format, of one variable without time stamps: after `@data`, a line is the values, a colon, the label."""
    values, labels, data = [], [], False
    for number, line in enumerate(held.decode("utf-8-sig", "replace").splitlines(), 1):
        text = line.strip()
        if not data:
            data = text.lower() == "@data"
        elif text:
            row, colon, label = text.rpartition(":")
            try:
                values.append(np.array(row.split(","), np.float64))
                labels.append(int(label))
            except ValueError:
                raise Invalid(f"line {number} is no series") from None
            if not colon or not np.all(np.isfinite(values[-1])):
                raise Invalid(f"line {number} is no series")
    if not values:
        raise Invalid("the file holds no series")
    return Series(tuple(values), np.array(labels, np.int64), hashlib.sha256(held).hexdigest())
