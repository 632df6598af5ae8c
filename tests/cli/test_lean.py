"""A server process loads nothing that nobody uses, and every command still says what it is for."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import wattline.cli.process
from wattline.lean import without_pandas
without_pandas()
without_pandas()
import chdb, clickhouse_connect, pyarrow as pa
assert pa.array([1, 2]).to_numpy().tolist() == [1, 2]
try:
    import pandas
except ModuleNotFoundError as error:
    print(error, "pandas" in sys.modules)
"""


def test_arrow_and_chdb_work_and_pandas_is_not_loaded() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "No module named 'pandas' False\n"


@pytest.mark.parametrize("asked", [["--help"], ["serve", "--help"], ["household", "sensor", "--help"], ["models", "--help"]])
def test_a_command_says_what_it_is_for(asked: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-m", "wattline", *asked], capture_output=True, text=True, check=True)
    assert "Usage: " in ran.stdout
    assert ran.stderr == ""


def test_a_slip_is_told_in_a_few_lines() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "wattline", "serve", "--prot", "1"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "--prot" in ran.stderr
    assert "Traceback" not in ran.stderr
