"""/users/{user_id}/devices and /device_categories below the management path: the appliances of a household."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from wattline.contracts.household.documents import Body, refusals
from wattline.contracts.household.gate import Admitted, Gate
from wattline.households.appliances import categories
from wattline.households.appliances.estimate import quality
from wattline.households.appliances.service import Appliance
from wattline.households.service import Households

TAGS = ["Household devices"]
DeviceId = Annotated[int, Path(description="The device, by its id.")]
Name = Annotated[str | None, Field(description="1 to 128 characters.", examples=["Kettle"])]
Kind = Annotated[str | None, Field(description="One of the categories that `/device_categories` lists.", examples=["kettle"])]
Estimated = Annotated[bool | None, Field(description="Whether its power follows from peaks; false where `power_w` is sent.")]
PowerW = Annotated[float | None, Field(description="Its power as the household knows it, in W: above 0, at most 50000.")]


class DeviceChange(Body):
    """Fields of a device; those that are left out stay."""

    name: Name = None
    category: Kind = None
    estimated: Estimated = None
    power_w: PowerW = None


class NewDevice(DeviceChange):
    """A device: its name and its category, and its power unless that is to be estimated."""


class HouseholdDevice(BaseModel):
    """A device."""

    id: int
    name: str
    category: str
    power_w: float | None = Field(description="In W; null where it is not known.")
    estimated: bool = Field(description="Whether the power follows from peaks; else the household gave it.")
    sigma_w: float | None = Field(description="Standard error of an estimated power, in W.")
    weekly_hours: float | None = Field(description="Hours that it runs in a week; null where no peak was assigned to it.")
    rating: int | None = Field(description="Its power among its kind: 1 very frugal to 5 high; null where it is not known.")


class HouseholdDevices(BaseModel):
    """The devices of a household, by id."""

    devices: list[HouseholdDevice]
    r_squared: float | None = Field(description="The share of the peaks' variance that the estimate explains, 0 to 1.")
    quality: Literal["insufficient", "sufficient", "well"] | None = Field(description="The same in a word.")


class DeviceTitles(BaseModel):
    """What a category is called."""

    de: str
    en: str


class DeviceCategory(BaseModel):
    """A kind of device and what is usual for it."""

    name: str
    group: categories.Group
    titles: DeviceTitles
    typical_w: float = Field(description="What one draws as a rule, in W.")
    min_w: float = Field(description="What most draw at least, in W.")
    max_w: float = Field(description="What most draw at most, in W.")


class DeviceCategories(BaseModel):
    """Every kind of device, group by group."""

    categories: list[DeviceCategory]


def shown_device(device: Appliance) -> dict[str, Any]:
    """A device as its household sees it."""
    kind = categories.BY_NAME.get(device.category)
    return {
        "id": device.id,
        "name": device.name,
        "category": device.category,
        "power_w": device.power_w,
        "estimated": device.estimated,
        "sigma_w": device.sigma_w,
        "weekly_hours": device.weekly_hours,
        "rating": None if kind is None or device.power_w is None else int(kind.rate(device.power_w)),
    }


def _shown_category(kind: categories.Category) -> dict[str, Any]:
    titles = {"de": kind.title_de, "en": kind.title_en}
    usual = {"typical_w": kind.typical_w, "min_w": kind.min_w, "max_w": kind.max_w}
    return {"name": kind.name, "group": kind.group, "titles": titles, **usual}


def build(households: Households, gate: Gate) -> list[APIRouter]:
    """The routes that a household's own token opens, and an administrator's key; the categories are no secret."""
    return [_owned(households, gate), _open()]


def _open() -> APIRouter:
    router = APIRouter(tags=[*TAGS])

    @router.get("/device_categories", summary="List the kinds of devices", response_model=DeviceCategories)
    async def device_categories() -> dict[str, Any]:
        """Every kind of device, in groups, with its titles and usual powers. No key is asked."""
        return {"categories": [_shown_category(kind) for kind in categories.ALL]}

    return router


def _owned(households: Households, gate: Gate) -> APIRouter:
    router = APIRouter(tags=[*TAGS], route_class=gate.owned())
    accounts, appliances = households.accounts, households.appliances
    told = refusals(404)

    @router.get("/users/{user_id}/devices", summary="List devices", response_model=HouseholdDevices, responses=told)
    async def devices(caller: Admitted, user_id: str) -> dict[str, Any]:
        """The household's devices, and how well the estimate of their powers explains its peaks."""
        user = await accounts.user(caller.tenant, user_id)
        found = await appliances.appliances(caller.tenant, user_id)
        shown = [shown_device(each) for each in found]
        return {"devices": shown, "r_squared": user.r_squared, "quality": quality(user.r_squared)}

    @router.post(
        "/users/{user_id}/devices",
        summary="Add a device",
        status_code=201,
        response_model=HouseholdDevice,
        responses=refusals(404, 409, 413),
    )
    async def add(caller: Admitted, user_id: str, body: NewDevice) -> dict[str, Any]:
        """With `power_w` the household's own word holds; without it the power is estimated from peaks."""
        await accounts.user(caller.tenant, user_id)
        return shown_device(await appliances.create(caller.tenant, user_id, body.given()))

    @router.get("/users/{user_id}/devices/{device_id}", summary="Show a device", response_model=HouseholdDevice, responses=told)
    async def one(caller: Admitted, user_id: str, device_id: DeviceId) -> dict[str, Any]:
        """One of the household's devices."""
        await accounts.user(caller.tenant, user_id)
        return shown_device(await appliances.appliance(caller.tenant, user_id, device_id))

    @router.patch(
        "/users/{user_id}/devices/{device_id}",
        summary="Change a device",
        response_model=HouseholdDevice,
        responses=refusals(404, 413),
    )
    async def change(caller: Admitted, user_id: str, device_id: DeviceId, body: DeviceChange) -> dict[str, Any]:
        """Sets the fields that are sent. The powers of the household's devices are estimated anew."""
        await accounts.user(caller.tenant, user_id)
        return shown_device(await appliances.change(caller.tenant, user_id, device_id, body.given()))

    @router.delete("/users/{user_id}/devices/{device_id}", summary="Forget a device", status_code=204, responses=told)
    async def remove(caller: Admitted, user_id: str, device_id: DeviceId) -> Response:
        """Its peaks stay, caused by the others; their powers are estimated anew."""
        await accounts.user(caller.tenant, user_id)
        await appliances.remove(caller.tenant, user_id, device_id)
        return Response(status_code=204)

    return router
