"""What the README and the tutorial tell a person to type is typed, against a demo server, and works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```sh demo\n(.*?)^```", re.MULTILINE | re.DOTALL)
BASE_URL = "http://127.0.0.1:8000"
LIMIT = 120
# An answer of 400 or more fails the command, and with it the block.
PRELUDE = 'set -euo pipefail\ncurl() { command curl --fail-with-body --max-time 30 "$@"; echo; }\n'


def environment() -> dict[str, str]:
    """Without settings of ours, and with this interpreter as `python3`."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("WATTLINE_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A demo server without the fleet: the directory it was started in, and its base URL."""
    directory = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "wattline", "demo", "--no-simulate", "--port", "0"]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        ready = None
        for line in process.stdout:
            ready = re.fullmatch(r"ready (\S+)\n", line)
            if ready:
                break
        assert ready, (directory / "log").read_text()
        try:
            yield directory, ready[1]
        finally:
            process.terminate()
            code = process.wait(timeout=LIMIT)
            process.stdout.close()
    assert code == 0


def typed(demo: tuple[Path, str], page: str) -> str:
    """What the lines of a page print; every one of them works."""
    directory, base_url = demo
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    script = PRELUDE + "\n".join(blocks).replace(BASE_URL, base_url)
    ran = subprocess.run(
        ["bash"], cwd=directory, env=environment(), input=script, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-readings.md"])
def test_every_line_of_a_page_works(demo: tuple[Path, str], page: str) -> None:
    printed = typed(demo, page)
    answers = printed.split("\n")
    assert any("telemetry written" in answer for answer in answers)
    assert any("FEEDER_TRIP" in answer and answer.startswith("[") for answer in answers)
    assert not any(answer == "[]" for answer in answers), printed


def test_every_line_of_the_how_to_of_households_works(demo: tuple[Path, str]) -> None:
    printed = typed(demo, "docs/how-to/household.md")
    told = ("weber", '"status":200', '"statusMessage":"Reports created"', "firstname,lastname,email,token", "Zählerstand")
    assert [text for text in told if text not in printed] == []


def test_every_line_of_the_how_to_of_depots_works(demo: tuple[Path, str]) -> None:
    printed = typed(demo, "docs/how-to/joulepoint.md")
    told = (
        '"status":"stored"', '"accepted":288', '"import_kwh":', '"cost":{"amount":"', "time,time_utc,import_kwh", '"skill":',
        '"type":"sag"', '"category":"instantaneous"', '"state":"closed"', '"loss_method":', "event: frame", '"data.ingested"',
    )  # fmt: skip
    assert [text for text in told if text not in printed] == []


def test_a_line_that_fails_is_noticed(demo: tuple[Path, str]) -> None:
    script = f"{PRELUDE}curl -sS {demo[1]}/api/query/substations\n"
    ran = subprocess.run(["bash"], env=environment(), input=script, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ran.returncode != 0
    assert "401" in ran.stderr
