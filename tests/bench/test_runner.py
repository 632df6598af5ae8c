"""One runner, one table, one report; and the real thing end to end, without a word about time."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.figure import Figure, median_run, percentile
from bench.runner import Bench, Context, run, table

KEYS = {"name", "figure", "unit", "better", "target", "met", "p50", "p99", "detail"}


@pytest.mark.parametrize(
    ("better", "target", "met"),
    [("more", 10, True), ("more", 10.1, False), ("less", 10, True), ("less", 9.9, False), ("more", None, None)],
)
def test_a_target_is_the_least_or_the_most(better: str, target: float | None, met: bool | None) -> None:
    figure = Figure("x", 10.0, "things", better, target)  # type: ignore[arg-type]
    assert figure.met is met
    assert set(figure.as_json()) == KEYS


def test_percentiles_are_in_milliseconds() -> None:
    assert percentile([0.001, 0.002, 0.003], 50) == pytest.approx(2.0)
    assert median_run([3.0, 1.0, 2.0], float) == 2.0


def test_a_crash_is_recorded_and_the_rest_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DIRECTORY", str(tmp_path))
    closed: list[str] = []

    def broken(context: Context) -> list[Figure]:
        context.keep.callback(closed.append, "broken")
        raise RuntimeError("no server")

    def fine(context: Context) -> list[Figure]:
        assert context.scaled(100, 5) == 5
        assert context.place("x").is_dir()
        return [Figure("second", 0.001234, "s", "less", 3.0, detail={"from": sorted(context.results)})]

    def after(context: Context) -> list[Figure]:
        return [Figure("third", context.results["second"].figure * 2, "s")]

    output = io.StringIO()
    console = Console(file=output, width=120)
    report = run([Bench("first", broken), Bench("second", fine), Bench("third", after)], quick=True, console=console)
    assert report["crashed"] == [{"name": "first", "error": "RuntimeError: no server"}]
    assert closed == ["broken"]
    assert [row["name"] for row in report["rows"]] == ["second", "third"]
    assert report["rows"][1]["figure"] == pytest.approx(0.0025, abs=0.0001)
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["fsync_ms"]["p50"] > 0
    console.print(table(report))
    assert "second" in output.getvalue()
    assert json.loads(json.dumps(report)) == report
    assert not list(tmp_path.iterdir())


def test_one_real_bench_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BENCH_DIRECTORY", str(tmp_path / "work"))
    target = tmp_path / "report" / "bench.json"
    assert main(["--only", "latest", "--quick", "--json", str(target)]) == 0
    report = json.loads(target.read_text())
    assert report["crashed"] == []
    assert report["quick"] is True
    (row,) = report["rows"]
    assert set(row) == KEYS
    assert row["detail"]["rows"] == 1000
    assert row["figure"] > 0
    assert "telemetry/latest" in capsys.readouterr().out
