"""Fit the three forests, calibrate them on what they did not see, prove the export, write the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from wattline.households.recognition.classes import NAMES
from wattline.households.recognition.datasets import load
from wattline.households.recognition.model_file import VERSION, write
from wattline.households.recognition.training.calibrate import calibrated
from wattline.households.recognition.training.examples import peak_examples, profile_examples, start_up_examples
from wattline.households.recognition.training.export import packed, proved

SEED = 20_240_601
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a forest is grown: chosen by cross-validation on the training split."""

    trees: int
    share_of_features: float
    least_in_leaf: int

    def forest(self) -> Any:
        """An unfitted forest."""
        return ExtraTreesClassifier(
            self.trees,
            max_features=self.share_of_features,
            min_samples_leaf=self.least_in_leaf,
            random_state=SEED,
            n_jobs=-1,
        )


RECIPES = {"plaid": Recipe(200, 0.3, 1), "acsf1": Recipe(200, 0.3, 1), "peak": Recipe(150, 0.3, 2)}


def train(path: Path, tell: Tell) -> dict[str, Any]:
    """Write a model file; `tell(done, of, doing)` hears of each step. Returns the file's description.

    Raises NotFound without the data, Invalid where the exported trees do not vote as the fitted ones.
    """
    steps = 1 + 3 * len(RECIPES)
    tell(0, steps, "reading the data")
    held = {name: load(name, "train") for name in NAMES}
    arrays: dict[str, NDArray[Any]] = {}
    parts: dict[str, Any] = {}
    for number, (name, recipe) in enumerate(RECIPES.items()):
        step = 1 + 3 * number
        tell(step, steps, f"{name}: measuring features")
        random = np.random.default_rng([SEED, number])
        make = {"plaid": start_up_examples, "acsf1": profile_examples, "peak": peak_examples}[name]
        examples = make(held["plaid" if name == "plaid" else "acsf1"], random)
        tell(step + 1, steps, f"{name}: cross-validating and calibrating")
        calibration, figures = calibrated(examples, recipe.forest, SEED)
        tell(step + 2, steps, f"{name}: growing the trees")
        fitted = recipe.forest().fit(examples.rows, examples.labels, examples.weights)
        flat = packed(fitted)
        proved(fitted, flat, examples.rows)
        arrays |= {f"{name}.{key}": value for key, value in flat.items()}
        arrays |= {f"{name}.low": calibration.low, f"{name}.high": calibration.high}
        numbers = {key: getattr(calibration, key) for key in ("temperature", "offset", "sure", "strange", "noise")}
        parts[name] = {
            "classes": examples.classes,
            **numbers,
            "examples": int(np.count_nonzero(examples.labels < len(examples.classes))),
            "cross_validation": figures,
        }
    about = {
        "version": VERSION,
        "parts": parts,
        "data": {f"{name.upper()}_TRAIN.ts": series.sha256 for name, series in held.items()},
        "tools": {name: version(name) for name in ("numpy", "scikit-learn", "sktime")},
    }
    write(path, arrays, about)
    tell(steps, steps, "written")
    return about
