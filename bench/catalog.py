"""Everything that is measured, in the order it runs. A new contract adds its benches here."""

from __future__ import annotations

from bench import (
    alarms,
    anomalies,
    comparison,
    detection,
    feeds,
    flux,
    forecasts,
    household,
    household_csv,
    ingest,
    joulepoint_ingest,
    lifecycle,
    live,
    mqtt,
    peaks,
    power_quality,
    query,
    recognition,
    scenario,
    telemetry,
)
from bench.runner import Bench

BENCHES: tuple[Bench, ...] = (
    Bench("single", ingest.single),
    Bench("baseline", comparison.baseline),
    Bench("batch", ingest.batch),
    Bench("latest", query.latest),
    Bench("week", query.week),
    Bench("live", live.live),
    Bench("scoring", detection.scoring),
    Bench("telemetry", telemetry.telemetry),
    Bench("alarms", alarms.alarms),
    Bench("feeds", feeds.feeds),
    Bench("mqtt", mqtt.mqtt),
    Bench("flux", flux.flux),
    Bench("household", household.readings),
    Bench("household csv", household_csv.export),
    Bench("joulepoint", joulepoint_ingest.readings),
    Bench("joulepoint bulk", joulepoint_ingest.bulk),
    Bench("peaks", peaks.peaks),
    Bench("anomalies", anomalies.anomalies),
    Bench("recognition", recognition.recognition),
    Bench("forecasts", forecasts.forecasts),
    Bench("power quality", power_quality.power_quality),
    Bench("lifecycle", lifecycle.lifecycle),
    Bench("scenario", scenario.scenario),
)
