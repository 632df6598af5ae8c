"""A server process loads nothing that nobody uses."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import wattline.cli.process
from wattline.lean import without
without("pandas")
without("pandas")
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


def test_a_command_colours_no_source_code() -> None:
    program = "import sys; from wattline.cli import main; sys.argv = ['wattline', 'version']\n"
    program += "try: main()\nexcept SystemExit: print('pygments' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False"
