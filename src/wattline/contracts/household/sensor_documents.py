"""What bodies and answers of the management of sensors hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from wattline.contracts.household.documents import Body
from wattline.households.meters.model import LONGEST_SCRIPT, USUAL_LIMIT

SensorType = Literal["analog_electricity", "digital_electricity", "gas", "water"]


def _number(value: object) -> object:
    """A whole number of JSON is a number; true is none."""
    return float(value) if type(value) is int and abs(value) < 2**53 else value


Kwh = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]

SCRIPT = f"Configures the reader, or the rotations for a kWh as digits; at most {LONGEST_SCRIPT} bytes; null: none."
SHOWN_BY_THE_SENSOR = "What the sensor must show to get a token, 1 to 128 characters; null: nothing. Nothing shows it again."
LIMIT = f"kWh a minute that may be used at most; {USUAL_LIMIT} unless told."


class SensorChange(Body):
    """Fields of a sensor; those that are left out stay."""

    script: str | None = Field(default=None, description=SCRIPT)
    secret: str | None = Field(default=None, description=SHOWN_BY_THE_SENSOR)
    limit_kwh_minute: Kwh | None = Field(default=None, description=LIMIT)


class NewSensor(SensorChange):
    """A sensor."""

    sensor_id: str = Field(description="Its MAC address.", examples=["AA:BB:CC:DD:EE:01"])
    type: SensorType = "digital_electricity"


class Assign(Body):
    """Whom the sensor reads from now on."""

    user_id: str | None = Field(description="The household; null: nobody.")
    initial: Kwh | None = Field(default=None, description="What its register shows now, in kWh, where that is known.")


class Swap(Body):
    """The meter behind the sensor was replaced."""

    initial: Kwh = Field(description="What the register of the new one shows, in kWh.")


class HouseholdSensor(BaseModel):
    """A sensor as it is registered."""

    sensor_id: str = Field(description="Its MAC address.")
    type: SensorType
    user_id: str | None = Field(description="The household that it reads.")
    script_id: str | None = Field(description="The id by which the sensor may confirm its script.")
    needs_script: bool = Field(description="Whether its next token brings the script.")
    has_secret: bool
    limit_kwh_minute: float
    created_at: datetime


class Sensors(BaseModel):
    """Some of the sensors, by address."""

    sensors: list[HouseholdSensor]
    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int


class NewestReading(BaseModel):
    """The newest reading that was taken of the sensor for the household that it reads."""

    time: datetime
    value: float | None = Field(description="The register as sent, in kWh; of an analog sensor the sum of what it sent.")
    value_out: float | None = Field(description="The register of what was fed in, in kWh.")
    value_current: float | None = Field(description="The power, in W.")
    total: float | None = Field(description="What was used in all, through every swap, in kWh.")


class SensorAssignment(BaseModel):
    """That the sensor read a household."""

    user_id: str
    since: datetime
    until: datetime | None = Field(description="null: still.")


class SensorRefusal(BaseModel):
    """A reading that was not taken."""

    time: datetime
    value: float | None
    reason: str
    count: int = Field(description="How often it came.")
    received_at: datetime = Field(description="When it came last.")


class HouseholdSensorDetail(HouseholdSensor):
    """A sensor in full."""

    script: str | None
    newest: NewestReading | None = Field(description="null: none yet.")
    assignments: list[SensorAssignment] = Field(description="Oldest first.")
    refusals: list[SensorRefusal] = Field(description="Of this process, newest first.")
