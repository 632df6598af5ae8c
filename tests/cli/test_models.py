"""`wattline models`: what it says without the training environment, and what it prints with data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.cli.conftest import Result
from wattline.cli.models import group
from wattline.households.recognition import datasets, evaluation
from wattline.households.recognition.model_file import SHIPPED
from wattline.model.errors import NotFound

HINT = "the training environment is not there: run scripts/train"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation beside which nothing was installed."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_without_the_environment_it_says_in_one_line_how_to_get_it(command: str) -> None:
    before = SHIPPED.read_bytes()
    ran = CliRunner().invoke(group, [command, "peaks"])
    assert isinstance(ran.exception, NotFound)
    assert str(ran.exception) == HINT
    assert SHIPPED.read_bytes() == before


def test_a_model_that_is_no_model_is_one_line_on_the_command_line(wattline: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_text("nothing")
    ran = wattline("models", "evaluate", "peaks", "--model", "x.npz")
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("wattline: ")


def test_the_evaluation_prints_every_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    series = {
        "plaid": datasets.Series((1 + np.cos(np.arange(300) * 2 * np.pi / 5),), np.array([6]), ""),
        "acsf1": datasets.Series((np.tile([0.0, 0.0, 1.73, 0.0], 365) - 0.577,), np.array([9]), ""),
    }
    monkeypatch.setattr(evaluation, "load", lambda name, _split, _root: series[name])
    monkeypatch.setattr(evaluation, "metered_peaks", lambda _watts, _random: [(np.arange(9) * 20_000_000, np.full(9, 90.0))])
    ran = CliRunner().invoke(group, ["evaluate", "peaks"], env={"COLUMNS": "200"})
    assert ran.exit_code == 0, ran.output
    for name in ("plaid", "incandescent light bulb", "acsf1", "phone charger", "peaks of acsf1", "entertainmentAndComputers"):
        assert name in ran.output
