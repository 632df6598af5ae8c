"""The words of accounts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Language = Literal["de", "en"]

STATUSES = (
    "registered",
    "approved",
    "dismissed",
    "exported",
    "first_survey",
    "first_finished",
    "installation",
    "second_survey",
    "second_finished",
    "third_survey",
    "third_finished",
    "deinstallation",
    "inactive",
)
"""Where a participant of an experiment stands, in the order in which it usually goes."""


@dataclass(frozen=True, slots=True)
class User:
    """A household. `id` has up to 30 characters and is the key of its site; times in us, hours local.

    A report covers `report_days` days (1 to 7) and comes at `report_hour`; no mail goes out from `quiet_from` to `quiet_to`
    (None: at any hour). `goal_kwh` is what the household wants to use a day. `r_squared` tells how well the estimate of its
    appliances' powers explains its peaks. A deleted one has no personal fields.
    """

    tenant: str
    id: str
    name: str
    firstname: str | None
    lastname: str | None
    email: str | None
    zone: str
    language: Language
    active: bool
    anomaly_mails: bool
    report_mails: bool
    report_days: int
    report_hour: int
    quiet_from: int | None
    quiet_to: int | None
    goal_kwh: Decimal | None
    r_squared: float | None
    created: int
    deleted: int | None


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices from the local day `since`: EUR a month, and EUR a kWh."""

    since: date
    base_price: Decimal
    working_price: Decimal


@dataclass(frozen=True, slots=True)
class Experiment:
    """A study that households take part in."""

    tenant: str
    id: str
    name: str
    created: int


@dataclass(frozen=True, slots=True)
class Participant:
    """A household in an experiment. `number` tells the run: 0 the first, 1 the second."""

    experiment: str
    user: str
    status: str
    number: int
    installed: date | None
    deinstalled: date | None
    gets_paid: bool
    uses_prolific: bool
