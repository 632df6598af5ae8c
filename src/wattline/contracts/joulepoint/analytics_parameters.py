"""What every analytics route is asked: of whom, for which period, in which time zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from wattline.billing.days import zone_named
from wattline.contracts.joulepoint.problem import Problem, bad_parameter
from wattline.contracts.joulepoint.query import Instant
from wattline.metering.figures.service import Figures, check_range
from wattline.metering.figures.subject import Subject
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Fault, Invalid
from wattline.model.principal import Principal

TAG = "Joulepoint analytics"
ANALYTICS = "/api/energy/analytics"
NO_STORE = {"Cache-Control": "no-store"}
LONGEST_ZONE = 64
LARGEST_ID = 2**63 - 1
USUAL_SPAN = DAY
SUBJECT = ("meter_id", "group_id", "account_id")

_ONE = "Exactly one of meter_id, group_id and account_id."
Meter = Annotated[int | None, Query(alias="meter_id", ge=1, le=LARGEST_ID, description=_ONE)]
Group = Annotated[int | None, Query(alias="group_id", ge=1, le=LARGEST_ID, description=_ONE)]
Account = Annotated[int | None, Query(alias="account_id", ge=1, le=LARGEST_ID, description=_ONE)]
From = Annotated[Instant | None, Query(alias="from", description="Begin, included: a day before `to` unless given.")]
To = Annotated[Instant | None, Query(alias="to", description="End, not included: now unless given.")]
Tz = Annotated[str | None, Query(max_length=LONGEST_ZONE, description="An IANA time zone in place of the meter's.")]


class Whom(NamedTuple):
    """Of whom figures are asked, by id."""

    meter_id: int | None
    group_id: int | None
    account_id: int | None
    tz: str | None

    def subject(self, caller: Principal, figures: Figures) -> Subject:
        """The subject. Raises `Problem` 400 unless exactly one is named, `NotFound`."""
        if sum(each is not None for each in self[:3]) != 1:
            faults = [Fault(f"?{name}", "exactly_one", "exactly one of them is given") for name in SUBJECT]
            raise Problem(400, "bad_parameter", "exactly one of meter_id, group_id and account_id must be given", faults)
        return figures.subjects.find(caller, meter_id=self.meter_id, group_id=self.group_id, account_id=self.account_id)

    def zone(self, subject: Subject) -> ZoneInfo:
        """The zone that is asked for, else the subject's. Raises `Problem` 400."""
        if self.tz is None:
            return subject.zone
        try:
            return zone_named(self.tz)
        except Invalid as error:
            raise bad_parameter("tz", "unknown_zone", str(error)) from None

    def named(self) -> dict[str, int]:
        """The id that was given, by its parameter's name."""
        return {name: number for name, number in zip(SUBJECT, self[:3], strict=True) if number is not None}


async def whom(meter: Meter = None, group: Group = None, account: Account = None, tz: Tz = None) -> Whom:
    """The parameters that name the subject."""
    return Whom(meter, group, account, tz)


class Span(NamedTuple):
    """A period as it was asked for, in us."""

    start: int | None
    end: int | None

    def resolved(self, clock: Clock, members: int) -> tuple[int, int]:
        """The period [start, end). Raises `Problem` 400."""
        end = clock.micros() if self.end is None else self.end
        start = end - USUAL_SPAN if self.start is None else self.start
        with as_parameters():
            check_range(start, end, members)
        return start, end


async def span(start: From = None, end: To = None) -> Span:
    """The parameters of the period."""
    return Span(start, end)


Asked = Annotated[Whom, Depends(whom)]
Period = Annotated[Span, Depends(span)]


@contextmanager
def as_parameters() -> Iterator[None]:
    """Let what the domain finds wrong with a parameter be answered with 400."""
    try:
        yield
    except Invalid as error:
        name = error.field or "from"
        raise Problem(400, "bad_parameter", str(error), [Fault(f"?{name}", "invalid", str(error))]) from None
