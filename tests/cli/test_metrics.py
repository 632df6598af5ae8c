"""Metrics: the exposition is read back by the Prometheus library's own parser."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import wattline
from wattline.metrics import Count, Level, Metrics, Spread


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_counters_add_up_by_their_labels() -> None:
    metrics = Metrics()
    metrics.ingest_rows.add(3, "hop")
    metrics.ingest_rows.add(4, "hop")
    metrics.ingest_rejected.add(1, "hop", "not finite")
    found = samples(metrics)
    assert found["wattline_ingest_rows_total", (("contract", "hop"),)] == 7
    assert found["wattline_ingest_rejected_total", (("contract", "hop"), ("reason", "not finite"))] == 1
    assert found["wattline_telemetry_rows_total", ()] == 0


def test_a_label_value_cannot_forge_a_line() -> None:
    metrics = Metrics()
    metrics.http_requests.add(1, '/api"} 9\nwattline_forged_total 1', "200")
    assert not any(name == "wattline_forged_total" for name, _ in samples(metrics))


def test_a_duration_is_counted_in_its_bucket_and_in_every_larger_one() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 20.0):
        metrics.http_seconds.observe(seconds, "/api/health")
    found = samples(metrics)
    assert found["wattline_http_seconds_count", (("route", "/api/health"),)] == 3
    assert found["wattline_http_seconds_sum", (("route", "/api/health"),)] == 20.0035
    by_bound = {dict(labels)["le"]: value for (name, labels), value in found.items() if name == "wattline_http_seconds_bucket"}
    assert (by_bound["0.0005"], by_bound["0.0025"], by_bound["0.005"], by_bound["10.0"], by_bound["+Inf"]) == (1, 1, 2, 2, 3)


def test_a_level_is_read_when_the_page_is_asked_for() -> None:
    metrics = Metrics()
    waiting = [1, 2]
    metrics.journal_rows.source = lambda: len(waiting)
    metrics.journal_bytes.set(512)
    waiting.append(3)
    assert samples(metrics)["wattline_journal_rows", ()] == 3
    assert samples(metrics)["wattline_journal_bytes", ()] == 512


def test_two_platforms_in_one_process_do_not_share_their_figures() -> None:
    one, other = Metrics(), Metrics()
    one.telemetry_rows.add(5)
    assert samples(other)["wattline_telemetry_rows_total", ()] == 0


def test_the_process_reports_its_memory() -> None:
    assert samples(Metrics())["process_resident_memory_bytes", ()] > 1_000_000


def test_every_metric_has_our_prefix_a_meaning_and_the_name_its_kind_asks_for() -> None:
    families = Metrics().families()
    assert len({family.name for family in families}) == len(families) >= 16
    for family in families:
        assert family.name.startswith("wattline_")
        assert family.help.endswith(".")
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name
        assert family.name.endswith("_seconds") == (family.kind == "histogram"), family.name


def test_no_metric_is_there_for_nothing() -> None:
    source = Path(wattline.__file__).parent
    text = "".join(path.read_text("utf-8") for path in source.rglob("*.py") if path != source / "metrics.py")
    for name, value in vars(Metrics()).items():
        if isinstance(value, Count | Level | Spread):
            assert re.search(rf"metrics\.{name}\b", text), name
