"""The model file: compressed arrays and a description, checked before a number of it is used."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.calibration import Calibration
from wattline.households.recognition.forest import Forest
from wattline.model.errors import WattlineError

VERSION = 1
"""Of the file's layout and of the features: a file of another version does not fit this code."""
SHIPPED = Path(__file__).with_name("appliances.npz")
PARTS = ("plaid", "acsf1", "peak")
"""The three models of a file: start-up traces, hours of one appliance, peaks in watts."""
_ABOUT = "about"
_PACKED = {
    "sizes": np.uint16,
    "feature": np.uint8,
    "skip": np.uint16,
    "splits": np.float32,
    "shares": np.float32,
    "low": np.float32,
    "high": np.float32,
}
Arrays = Mapping[str, NDArray[Any]]


class ModelFileError(WattlineError):
    """The model file is missing, damaged, or of another version."""


@dataclass(frozen=True, slots=True)
class Part:
    """One model: its classes in the order of the confidences (without "unknown"), its trees and its calibration."""

    classes: tuple[str, ...]
    forest: Forest
    calibration: Calibration

    def confidences(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """(classes + 1,) of one row of features, "unknown" at the end."""
        return self.judged(row)[0]

    def judged(self, row: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
        """The same, and the share of the trees that take it for noise."""
        votes = self.forest.share(row)
        return self.calibration.confidences(row, votes, len(self.classes)), float(votes[-1])


def digest(arrays: Arrays, about: Mapping[str, Any]) -> str:
    """SHA-256 of every array and of the description."""
    print_ = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(arrays):
        print_.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        print_.update(np.ascontiguousarray(arrays[name]).tobytes())
    return print_.hexdigest()


def write(path: Path, arrays: Arrays, about: Mapping[str, Any]) -> None:
    """Write a file. The same arrays and description make the same bytes: no time, no name of a machine is in it."""
    sealed = {"about": dict(about), "sha256": digest(arrays, about)}
    text = np.frombuffer(json.dumps(sealed, sort_keys=True).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{_ABOUT: text, **arrays})


def read(path: Path) -> tuple[dict[str, Part], dict[str, Any]]:
    """The models of a file by name, and its description. Raises `ModelFileError` unless all of it is as it was written."""
    try:
        arrays = _arrays(path)
        sealed = json.loads(arrays.pop(_ABOUT).tobytes())
        about: dict[str, Any] = sealed["about"]
        if about["version"] != VERSION:
            raise ModelFileError(
                f"the appliance model {path.name} is of version {about['version']}; this program reads {VERSION}"
            )
        if sealed["sha256"] != digest(arrays, about):
            raise ModelFileError(f"the appliance model {path.name} is damaged: its check sum does not match")
        return {name: _part(name, arrays, about["parts"][name]) for name in PARTS}, about
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no appliance model {path.name}: `wattline models train peaks` makes one") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelFileError(f"the appliance model {path.name} is damaged: {error}") from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    # In memory: of a broken archive NumPy would leave the file open.
    held = io.BytesIO(path.read_bytes())
    try:
        if not zipfile.is_zipfile(held):
            raise ValueError("it is no archive")
        with np.load(held, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    # RuntimeError: one that is encrypted, or packed in a way that Python does not know.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError("it is no archive of arrays") from error


def _part(name: str, arrays: Arrays, about: Mapping[str, Any]) -> Part:
    held = {key: arrays[f"{name}.{key}"] for key in _PACKED}
    for key, kind in _PACKED.items():
        if held[key].dtype != kind:
            raise ValueError(f"{name}.{key} is {held[key].dtype}")
    low, high, classes = held.pop("low"), held.pop("high"), tuple(map(str, about["classes"]))
    if low.shape != high.shape or low.ndim != 1 or held["shares"].shape[1] <= len(classes):
        raise ValueError(f"the arrays of {name} do not fit one another")
    numbers = {key: float(about[key]) for key in ("temperature", "offset", "sure", "strange", "noise")}
    return Part(classes, Forest.unpack(**held, features=len(low)), Calibration(**numbers, low=low, high=high))
