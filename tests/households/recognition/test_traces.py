"""Series of the public data sets: their watts, their features, their confidences, the files they come in."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from wattline.households.recognition.classes import ACSF1, NAMES, PLAID, UNKNOWN, Dataset
from wattline.households.recognition.datasets import load, parse
from wattline.households.recognition.electrical import signature
from wattline.households.recognition.model import Recogniser
from wattline.model.errors import Invalid, NotFound

SHARED = Recogniser()


def recording(active: np.ndarray, factor: float = 0.9) -> np.ndarray:
    """An hour as ACSF1 has it: reactive power, active power, voltage, current, standardised as one."""
    random = np.random.default_rng(3)
    reactive = active * math.tan(math.acos(factor))
    voltage = 230 + random.normal(0, 1, active.size)
    voltage += 230 - voltage.mean()
    rows = np.column_stack((reactive, active, voltage, np.hypot(active, reactive) / voltage)).ravel()
    return np.asarray((rows - rows.mean()) / rows.std())


def compressor() -> np.ndarray:
    second = np.arange(365) * 10.0
    return np.where(second % 2400 < 900, 85 + 40 * np.exp(-(second % 2400) / 120), 1.2)


def test_the_standardisation_of_a_recording_is_undone() -> None:
    active = compressor()
    found = signature(recording(active))
    assert found.active_w == pytest.approx(active, abs=0.05)
    assert found.voltage_v.mean() == pytest.approx(230)
    assert found.current_a.max() == pytest.approx(active.max() / 0.9 / 230, rel=0.02)


def test_an_appliance_that_is_off_has_no_watts() -> None:
    assert signature(recording(np.zeros(365))).active_w == pytest.approx(np.zeros(365), abs=1e-6)


@pytest.mark.parametrize(
    "series",
    [
        np.zeros(1460),
        np.ones(1461),
        np.ones(100),
        np.full(1460, np.nan),
        np.random.default_rng(1).normal(size=1460),
        np.zeros((365, 4)),
    ],
)
def test_what_is_no_recording_is_refused(series: np.ndarray) -> None:
    with pytest.raises(Invalid):
        SHARED.classify_trace("acsf1", series)


@pytest.mark.parametrize("series", [np.ones(20), np.full(500, np.inf), np.zeros((10, 50))])
def test_what_is_no_start_up_is_refused(series: np.ndarray) -> None:
    with pytest.raises(Invalid):
        SHARED.classify_trace("plaid", series)


def test_a_compressor_is_a_fridge() -> None:
    first = SHARED.classify_trace("acsf1", recording(compressor(), 0.62))[0]
    assert (first.name, first.category) == ("fridge or freezer", "fridge")


@pytest.mark.parametrize("dataset", ["plaid", "acsf1"])
def test_all_classes_are_named_and_their_confidences_sum_to_one(dataset: Dataset) -> None:
    series = recording(compressor()) if dataset == "acsf1" else 1 + np.cos(np.arange(300) * 2 * np.pi / 5)
    guesses = SHARED.classify_trace(dataset, series)
    assert sorted(guess.name for guess in guesses) == sorted([*NAMES[dataset], UNKNOWN])
    assert math.fsum(guess.confidence for guess in guesses) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_unknown_as_a_start_up_and_as_an_hour(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert SHARED.classify_trace("plaid", np.abs(random.normal(0.5, 0.5, 400)))[0].name == UNKNOWN
    assert SHARED.classify_trace("acsf1", recording(np.abs(random.normal(200, 150, 365))))[0].name == UNKNOWN


FILE = "# told\n@problemName PLAID\n@classLabel true 0 1\n@data\n1.5,-2E-3,4:1\n\n7,8:0\n"


def test_series_of_any_length_are_read() -> None:
    held = parse(FILE.encode())
    assert [series.tolist() for series in held.values] == [[1.5, -0.002, 4.0], [7.0, 8.0]]
    assert held.labels.tolist() == [1, 0]
    assert len(held.sha256) == 64


@pytest.mark.parametrize(
    "wrong", ["@data\n", "", "@data\n1,2\n", "@data\n1,x:0\n", "@data\n1,?:0\n", "@data\n1,nan:0\n", "1,2:0\n"]
)
def test_a_file_without_series_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid):
        parse(wrong.encode())


def test_a_data_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"PLAID_TEST\.ts"):
        load("plaid", "test", tmp_path)


def test_every_class_has_a_name_of_its_own() -> None:
    assert (len(set(PLAID)), len(set(ACSF1))) == (11, 10)
