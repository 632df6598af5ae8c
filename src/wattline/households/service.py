"""The slices of households put together, their start, and what they do without being asked."""

from __future__ import annotations

from wattline.households.accounts.service import Accounts
from wattline.households.anomalies.service import Anomalies
from wattline.households.appliances.service import Appliances
from wattline.households.meters.service import Meters
from wattline.households.peaks.service import Peaks
from wattline.households.recognition.model import Recogniser
from wattline.households.reports.service import Reports
from wattline.identity.service import Identity
from wattline.ingest.pipeline import Pipeline
from wattline.jobs.service import Jobs
from wattline.model.clock import Clock
from wattline.notify.service import Notify
from wattline.registry.service import Registry
from wattline.state.database import Database

HALF_HOUR_SECONDS = 1800
HOUR_SECONDS = 3600


class Households:
    """Everything about homes. `ahead` and `kept` (us) bound the time of a reading."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        identity: Identity,
        pipeline: Pipeline,
        notify: Notify,
        clock: Clock,
        *,
        ahead: int,
        kept: int,
        token_seconds: int,
        grace_seconds: int,
    ) -> None:
        series = pipeline.series
        self.accounts = Accounts(database, registry, identity, clock)
        self.meters = Meters(
            database,
            registry,
            pipeline,
            clock,
            ahead=ahead,
            kept=kept,
            token_seconds=token_seconds,
            grace_seconds=grace_seconds,
        )
        self.accounts.released = self.meters.release
        self.recogniser = Recogniser()
        self.appliances = Appliances(database, self.recogniser, clock)
        self.peaks = Peaks(
            database, self.meters, series, clock, self.appliances.suggest, kept=kept, within=self.appliances.following
        )
        self.meters.tell_late(self.peaks.late)
        self.anomalies = Anomalies(database, self.accounts, self.meters, series, notify, clock)
        self.reports = Reports(database, self.accounts, self.meters, series, notify, clock)
        self.series = series

    def schedule(self, jobs: Jobs) -> None:
        """Let everyone's peaks and anomalies be looked at every half hour, and reports be made every hour: durably, once.

        What each of them has done is in its own tables, so a slot that was missed is made up by the next one.
        """
        jobs.periodic("household-peaks", HALF_HOUR_SECONDS, self.peaks.process_all, durable=True)
        jobs.periodic("household-anomalies", HALF_HOUR_SECONDS, self.anomalies.process_all, durable=True)
        jobs.periodic("household-reports", HOUR_SECONDS, self.reports.process_all, durable=True)
