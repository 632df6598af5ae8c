"""What an operator does about an alarm: acknowledge, shelve, unshelve, take out of service and back; and alarm limits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from wattline.alarms.model import Alarm
from wattline.contracts.mcs import derive
from wattline.contracts.mcs.alarms_rows import AlarmRow, alarm_row
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON
from wattline.contracts.mcs.gate import Gate
from wattline.model.clock import HOUR
from wattline.model.errors import NotFound
from wattline.model.principal import Principal
from wattline.platform import Platform
from wattline.registry.point import Point

SensorId = Annotated[int, Path(description="The sensor whose alarm is meant: a sensor has one at a time.")]
Operator = Annotated[str, Field(min_length=1, max_length=128, description="Who acts.", examples=["nick.searra"])]
Reason = Annotated[str, Field(min_length=3, max_length=500, examples=["Sensor calibration in progress"])]


class Acknowledge(BaseModel):
    """Who acknowledges."""

    operator: Operator


class Shelve(BaseModel):
    """Who shelves, why, and for how long."""

    operator: Operator
    reason: Reason
    duration_hours: Annotated[float, Field(ge=0.5, le=24, allow_inf_nan=False)] = 8.0


class OutOfService(BaseModel):
    """Who takes a sensor out of service, and why."""

    operator: Operator
    reason: Reason


class Service(msgspec.Struct):
    """Whether alarms of a sensor are shown."""

    sensor_id: int
    in_service: bool
    alarm: Annotated[AlarmRow | None, derive.said("Its live alarm, if there is one.")]


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS alarms"], route_class=gate.keyed("alarm:write"))
    alarms = platform.alarms
    caller = Depends(gate.admitted)
    row, service = derive.model(AlarmRow), derive.model(Service)
    told = refusals(404, 413, 422)

    def point(principal: Principal, sensor_id: int) -> Point:
        try:
            return blocks.point(principal, sensor_id)
        except NotFound:
            raise NotFound(f"No active alarm for sensor {sensor_id}") from None

    def shown(alarm: Alarm, where: Point) -> Response:
        return Response(msgspec.json.encode(alarm_row(alarm, where)), media_type=JSON)

    def state(where: Point, *, in_service: bool) -> Response:
        alarm = alarms.live(where.id)
        found = Service(where.id, in_service, None if alarm is None else alarm_row(alarm, where))
        return Response(msgspec.json.encode(found), media_type=JSON)

    @router.post("/alarms/{sensor_id}/acknowledge", summary="Acknowledge", response_model=row, responses=told)
    async def acknowledge(sensor_id: SensorId, body: Acknowledge, principal: Principal = caller) -> Response:
        """ACTIVE becomes ACKED, RTN_UNACK becomes CLEARED; in any other state there is nothing to acknowledge."""
        where = point(principal, sensor_id)
        return shown(await alarms.acknowledge(principal.tenant, where.id, body.operator), where)

    @router.post("/alarms/{sensor_id}/shelve", summary="Shelve for some hours", response_model=row, responses=told)
    async def shelve(sensor_id: SensorId, body: Shelve, principal: Principal = caller) -> Response:
        """Hides an alarm that is ACTIVE, ACKED or RTN_UNACK. When the time is up it is judged anew."""
        where = point(principal, sensor_id)
        duration = round(body.duration_hours * HOUR)
        return shown(await alarms.shelve(principal.tenant, where.id, body.operator, body.reason, duration), where)

    @router.post("/alarms/{sensor_id}/unshelve", summary="Take off the shelf", response_model=row, responses=told)
    async def unshelve(sensor_id: SensorId, body: Acknowledge, principal: Principal = caller) -> Response:
        """Judged anew at once: ACTIVE where the limit is still violated, else CLEARED."""
        where = point(principal, sensor_id)
        return shown(await alarms.unshelve(principal.tenant, where.id, body.operator), where)

    @router.post("/alarms/{sensor_id}/out-of-service", summary="Take out of service", response_model=service, responses=told)
    async def out_of_service(sensor_id: SensorId, body: OutOfService, principal: Principal = caller) -> Response:
        """Alarms of the sensor are not shown until it is back in service."""
        where = point(principal, sensor_id)
        await alarms.take_out_of_service(principal.tenant, where.id, body.operator, body.reason)
        return state(where, in_service=False)

    @router.post("/alarms/{sensor_id}/in-service", summary="Return to service", response_model=service, responses=told)
    async def in_service(sensor_id: SensorId, body: Acknowledge, principal: Principal = caller) -> Response:
        """Alarms of the sensor are shown again, and judged anew."""
        where = point(principal, sensor_id)
        await alarms.return_to_service(principal.tenant, where.id, body.operator)
        return state(where, in_service=True)

    return router
