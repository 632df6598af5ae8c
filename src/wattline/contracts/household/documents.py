"""What bodies and answers of the management routes hold, and what the OpenAPI document says of failures."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LONGEST_AMOUNT = 40


class HouseholdFailure(BaseModel):
    """What went wrong."""

    error: str = Field(description="In words.")
    status: int = Field(description="The HTTP status.")


_REFUSALS: dict[int, str] = {
    400: "The request makes no sense; the error names the field.",
    401: "No key, one that is not valid now, or one that does not open this.",
    403: "The key is a household's, and this is not for it to say.",
    404: "There is no such thing, or the key does not include it.",
    409: "What is asked does not fit what is there.",
    413: "The body is too large.",
    429: "Asked too often; `Retry-After` says when to come again.",
    500: "The work failed.",
    503: "A store is away; `Retry-After` says when to come again.",
    507: "The disk is full; nothing was written.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that asks for a key: what every one may answer, and these statuses (413: it reads a body)."""
    usual = {400, 401, 503} | ({507} if 413 in statuses else set())
    told: dict[int | str, dict[str, Any]] = {
        status: {"model": HouseholdFailure, "description": _REFUSALS[status]} for status in sorted(usual.union(statuses))
    }
    # With a default there is no 422 in the document: nothing of this contract answers with one.
    return told | {"default": {"model": HouseholdFailure, "description": "Any other failure, in the same shape."}}


def read_day(value: object) -> date:
    """The day of a text such as 2026-01-31; ValueError for anything else."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day, as 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None


def _read_amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(text := str(value)) > LONGEST_AMOUNT:
        raise ValueError("must be a number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("must be a number") from None


Day = Annotated[date, BeforeValidator(read_day)]
Amount = Annotated[Decimal, BeforeValidator(_read_amount)]
"""A number of JSON, or its text: exact to the last decimal."""


class Body(BaseModel):
    """What a caller sends: every field as its type says, and no other field."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


Language = Literal["de", "en"]


class UserChange(Body):
    """Fields of a household; those that are left out stay. With its own token a household sets its wishes, `zone` to
    `goal_kwh`; the others are for an administrator."""

    name: str | None = Field(default=None, description="1 to 128 characters.")
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = Field(default=None, description="Where its mails go; null: nowhere.")
    active: bool | None = Field(default=None, description="Whether it is sent mails at all.")
    zone: str | None = Field(default=None, description="IANA name of its local time.")
    language: Language | None = None
    anomaly_mails: bool | None = None
    report_mails: bool | None = None
    report_days: int | None = Field(default=None, description="Days that a report covers, 1 to 7.")
    report_hour: int | None = Field(default=None, description="Local hour at which it comes, 0 to 23.")
    quiet_from: int | None = Field(
        default=None, description="Local hour from which no mail goes out, 0 to 23; null: none is quiet."
    )
    quiet_to: int | None = Field(default=None, description="Local hour until which no mail goes out.")
    goal_kwh: Amount | None = Field(default=None, description="What it wants to use a day, in kWh.")


class NewUser(UserChange):
    """A household. What is left out: Europe/Berlin, de, both mails, a report of 3 days at 6 o'clock, no quiet hours."""

    id: str | None = Field(default=None, description="1 to 30 of A-Z a-z 0-9 _ -; made where it is left out.")


class HouseholdUser(BaseModel):
    """A household."""

    id: str
    name: str
    firstname: str | None
    lastname: str | None
    email: str | None
    active: bool
    zone: str
    language: Language
    anomaly_mails: bool
    report_mails: bool
    report_days: int
    report_hour: int
    quiet_from: int | None
    quiet_to: int | None
    goal_kwh: float | None
    r_squared: float | None = Field(description="How well the estimate of its appliances' powers explains its peaks.")
    created_at: datetime


class UserPage(BaseModel):
    """Some of the households, by id."""

    users: list[HouseholdUser]
    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int


class NewToken(Body):
    """How long a token holds."""

    valid_days: int | None = Field(default=None, ge=1, le=3650, description="Left out: until it is revoked.")


class Token(BaseModel):
    """A token of a household, shown this once."""

    user_id: str
    token: str
    expires_at: datetime | None


class NewTariff(Body):
    """Prices."""

    base_price: Amount = Field(description="EUR a month, 0 to 10000, at most 6 decimals.")
    working_price: Amount = Field(description="EUR a kWh, 0 to 10, at most 6 decimals.")


class HouseholdTariff(BaseModel):
    """Prices from a local day on."""

    since: date
    base_price: float
    working_price: float


class Tariffs(BaseModel):
    """The prices of a household, oldest first."""

    user_id: str
    tariffs: list[HouseholdTariff]


class NewExperiment(Body):
    """A study."""

    name: str
    id: str | None = Field(default=None, description="1 to 30 of A-Z a-z 0-9 _ -; made where it is left out.")


class HouseholdExperiment(BaseModel):
    """A study that households take part in."""

    id: str
    name: str
    created_at: datetime


class Experiments(BaseModel):
    """The studies, oldest first."""

    experiments: list[HouseholdExperiment]


class ParticipantChange(Body):
    """How a household takes part; what is left out stays, or is `registered` in run 0 without dates."""

    status: str | None = Field(default=None, description="Where it stands, from registered to inactive.")
    number: int | None = Field(default=None, description="The run: 0 is the first.")
    installed: Day | None = None
    deinstalled: Day | None = None
    gets_paid: bool | None = None
    uses_prolific: bool | None = None


class HouseholdParticipant(BaseModel):
    """A household in a study."""

    user_id: str
    status: str
    number: int
    installed: date | None
    deinstalled: date | None
    gets_paid: bool
    uses_prolific: bool


class Participants(BaseModel):
    """Who takes part, by user id."""

    experiment_id: str
    participants: list[HouseholdParticipant]
