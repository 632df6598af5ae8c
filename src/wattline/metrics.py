"""What the platform counts about itself, in the Prometheus exposition format.

Counting is plain integer arithmetic on the event loop's thread, so that the hot path can afford it; the Prometheus
classes come into being only when the page is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Literal

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Count:
    """A counter, by label values. It only grows."""

    kind: Literal["counter"] = "counter"

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.name, self.help, self.labels = name, text, labels
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0}

    def add(self, amount: float, *labels: str) -> None:
        """Count `amount` more for these label values."""
        self.values[labels] = self.values.get(labels, 0) + amount

    def family(self) -> Metric:
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for labels, value in self.values.copy().items():
            family.add_metric(labels, value)
        return family


class Level:
    """A gauge: what `set` said last, or what `source` says at the moment of reading."""

    kind: Literal["gauge"] = "gauge"
    labels: tuple[str, ...] = ()

    def __init__(self, name: str, text: str) -> None:
        self.name, self.help = name, text
        self.source: Callable[[], float] = lambda: 0.0

    def set(self, value: float) -> None:
        """Hold this value until told otherwise."""
        self.source = lambda: value

    def family(self) -> Metric:
        return GaugeMetricFamily(self.name, self.help, value=self.source())


class Spread:
    """A histogram of seconds, by label values, with upper bounds that are fixed."""

    kind: Literal["histogram"] = "histogram"

    def __init__(self, name: str, text: str, bounds: tuple[float, ...], *labels: str) -> None:
        self.name, self.help, self.bounds, self.labels = name, text, bounds, labels
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        if not labels:
            self.observe(0.0, count=0)

    def observe(self, seconds: float, *labels: str, count: int = 1) -> None:
        """Take note of one duration (or of `count` equal ones)."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self.bounds) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(self.bounds, seconds)] += count
        self._sums[labels] += seconds * count

    def family(self) -> Metric:
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        bounds = [*map(str, self.bounds), "+Inf"]
        for labels, counts in self._counts.copy().items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, self._sums[labels])
        return family


Family = Count | Level | Spread


class Metrics(Collector):
    """Every metric of one platform, on a registry of its own."""

    def __init__(self) -> None:
        self.ingest_rows = Count("wattline_ingest_rows_total", "Rows acknowledged as durable.", "contract")
        self.ingest_rejected = Count(
            "wattline_ingest_rejected_total", "Requests or rows refused, nothing of them written.", "contract", "reason"
        )
        self.unknown_fields = Count("wattline_unknown_fields_total", "Fields received that no contract names.", "contract")
        self.journal_bytes = Level("wattline_journal_bytes", "Payload that waits in the journal for the telemetry store.")
        self.journal_rows = Level("wattline_journal_rows", "Rows that wait in the journal for the telemetry store.")
        self.follower_bytes = Level(
            "wattline_follower_bytes", "Payload in the journal whose effects, such as alarms, are not durable yet."
        )
        self.journal_commit_seconds = Spread("wattline_journal_commit_seconds", "Time of one durable group commit.", FAST)
        self.telemetry_flush_seconds = Spread("wattline_telemetry_flush_seconds", "Time of one block to the store.", SLOW)
        self.telemetry_rows = Count("wattline_telemetry_rows_total", "Rows written to the telemetry store.")
        self.telemetry_errors = Count("wattline_telemetry_errors_total", "Writes that the telemetry store did not take.")
        self.tier_recompute_seconds = Spread("wattline_tier_recompute_seconds", "Time of one recomputation of tiers.", SLOW)
        self.http_requests = Count("wattline_http_requests_total", "Answers given.", "route", "status")
        self.http_seconds = Spread("wattline_http_seconds", "Time from a request to the start of its answer.", FAST, "route")
        self.scoring_seconds = Spread("wattline_scoring_seconds", "Time to score every substation once.", SLOW)
        self.mail = Count("wattline_mail_total", "Mails, by what became of them.", "state")
        self.stream_subscribers = Level("wattline_stream_subscribers", "Clients that follow a live stream now.")
        self.stream_dropped = Count("wattline_stream_dropped_total", "Messages that a slow live client did not get.")
        self.alarm_changes = Count("wattline_alarm_changes_total", "Transitions of alarms.", "change")
        self.mqtt_received = Level("wattline_mqtt_received", "MQTT messages received since the start.")
        self.mqtt_acknowledged = Level("wattline_mqtt_acknowledged", "MQTT messages done with since the start.")
        self.mqtt_pending = Level("wattline_mqtt_pending", "MQTT messages that wait to become durable.")
        self.mqtt_connected = Level("wattline_mqtt_connected", "Whether there is a broker to take messages from: 1 or 0.")
        self.dead_letters = Level("wattline_dead_letters", "Messages that could not be taken in since the start.")
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def families(self) -> list[Family]:
        """Every metric of ours, in the order of the reference."""
        return [value for value in vars(self).values() if isinstance(value, Count | Level | Spread)]

    def collect(self) -> Iterator[Metric]:
        """The present values, for the Prometheus library."""
        for family in self.families():
            yield family.family()

    def render(self) -> bytes:
        """The page that Prometheus reads; its media type is `CONTENT_TYPE`."""
        return generate_latest(self.registry)
