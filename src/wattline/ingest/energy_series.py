"""Reading meters for energy accounts: what was written is seen, whatever its age."""

from __future__ import annotations

from collections.abc import Mapping

from wattline.ingest.rollup import Rollup
from wattline.ingest.writer import Writer
from wattline.model.clock import Clock
from wattline.telemetry.engine import Engine


class EnergySeries:
    """`EnergySeries(pipeline.writer, pipeline.rollup, pipeline.engine, clock, retention)`."""

    def __init__(self, writer: Writer, rollup: Rollup, engine: Engine, clock: Clock, retention: Mapping[str, int]) -> None:
        self._writer = writer
        self._rollup = rollup
        self._engine = engine
        self._clock = clock
        self._retention = retention
