"""/users below the management path: households, their tokens and tariffs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from wattline.contracts.household import documents
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ADMIN, Admitted, Gate
from wattline.households.accounts.checks import WISHES
from wattline.households.accounts.model import Tariff, User
from wattline.households.accounts.service import Accounts
from wattline.households.service import Households
from wattline.model.clock import DAY, Clock, from_micros
from wattline.model.errors import Forbidden, Invalid

TAGS = ["Household management"]
MOST = 1000
SHOWN = ("id", "name", "firstname", "lastname", "email", "active", *WISHES, "r_squared")

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="How many to leave out.")]


def shown_user(user: User) -> dict[str, Any]:
    """A household as its manager, or itself, sees it."""
    fields = {name: getattr(user, name) for name in SHOWN}
    goal = None if user.goal_kwh is None else float(user.goal_kwh)
    return fields | {"goal_kwh": goal, "created_at": from_micros(user.created)}


def _shown_tariffs(user_id: str, tariffs: list[Tariff]) -> dict[str, Any]:
    rows = [
        {"since": each.since, "base_price": float(each.base_price), "working_price": float(each.working_price)}
        for each in tariffs
    ]
    return {"user_id": user_id, "tariffs": rows}


def build(households: Households, gate: Gate, clock: Clock) -> list[APIRouter]:
    """The routes for an administrator, and those that a household's own token opens too."""
    return [_managed(households.accounts, gate, clock), _owned(households.accounts, gate)]


def _managed(accounts: Accounts, gate: Gate, clock: Clock) -> APIRouter:
    router = APIRouter(tags=[*TAGS], route_class=gate.keyed(ADMIN))

    @router.get("/users", summary="List households", response_model=documents.UserPage, responses=refusals())
    async def users(caller: Admitted, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        """Some of the households, by id."""
        found, total = await accounts.page(caller.tenant, limit, offset)
        return {"users": [shown_user(each) for each in found], "total": total, "limit": limit, "offset": offset}

    @router.post(
        "/users",
        summary="Add a household",
        status_code=201,
        response_model=documents.HouseholdUser,
        responses=refusals(409, 413),
    )
    async def add(caller: Admitted, body: documents.NewUser) -> dict[str, Any]:
        """A household, and the site that its meters will be at."""
        return shown_user(await accounts.create_user(caller.tenant, body.given()))

    @router.delete("/users/{user_id}", summary="Forget a household", status_code=204, responses=refusals(404))
    async def delete(caller: Admitted, user_id: str) -> Response:
        """Empties what says who they are, ends their tokens, frees their meters, and takes them out of experiments.

        The readings stay, under an id that nobody gets again.
        """
        await accounts.delete_user(caller.tenant, user_id)
        return Response(status_code=204)

    @router.post(
        "/users/{user_id}/tokens",
        summary="Issue a token",
        status_code=201,
        response_model=documents.Token,
        responses=refusals(404, 413),
    )
    async def issue(caller: Admitted, user_id: str, body: documents.NewToken | None = None) -> dict[str, Any]:
        """A token with which the household reads its own data. Nothing can show it again."""
        days = None if body is None else body.valid_days
        expires = None if days is None else clock.micros() + days * DAY
        token = await accounts.issue_token(caller.tenant, user_id, expires)
        return {"user_id": user_id, "token": token, "expires_at": None if expires is None else from_micros(expires)}

    @router.get(
        "/users/{user_id}/tariffs",
        summary="List a household's prices",
        response_model=documents.Tariffs,
        responses=refusals(404),
    )
    async def tariffs(caller: Admitted, user_id: str) -> dict[str, Any]:
        """Every price that the household had or will have, oldest first."""
        user = await accounts.user(caller.tenant, user_id)
        return _shown_tariffs(user.id, await accounts.tariffs(caller.tenant, user.id))

    @router.put(
        "/users/{user_id}/tariffs/{since}",
        summary="Set the prices from a day on",
        response_model=documents.Tariffs,
        responses=refusals(404, 413),
    )
    async def set_tariff(caller: Admitted, user_id: str, since: str, body: documents.NewTariff) -> dict[str, Any]:
        """In place of those that began on that local day; answers with the whole history."""
        day = _day(since)
        await accounts.set_tariff(caller.tenant, user_id, day, body.base_price, body.working_price)
        return _shown_tariffs(user_id, await accounts.tariffs(caller.tenant, user_id))

    @router.delete("/users/{user_id}/tariffs/{since}", summary="Take prices back", status_code=204, responses=refusals(404))
    async def remove_tariff(caller: Admitted, user_id: str, since: str) -> Response:
        """The prices before them go on."""
        await accounts.remove_tariff(caller.tenant, user_id, _day(since))
        return Response(status_code=204)

    return router


def _owned(accounts: Accounts, gate: Gate) -> APIRouter:
    router = APIRouter(tags=[*TAGS], route_class=gate.owned())

    @router.get("/users/{user_id}", summary="Show a household", response_model=documents.HouseholdUser, responses=refusals(404))
    async def one(caller: Admitted, user_id: str) -> dict[str, Any]:
        """For an administrator, and for the household's own token."""
        return shown_user(await accounts.user(caller.tenant, user_id))

    @router.patch(
        "/users/{user_id}",
        summary="Change a household",
        response_model=documents.HouseholdUser,
        responses=refusals(403, 404, 413),
    )
    async def change(caller: Admitted, user_id: str, body: documents.UserChange) -> dict[str, Any]:
        """Sets the fields that are sent. With its own token a household sets its wishes: mails, reports, quiet hours, goal,
        language and zone."""
        given = body.given()
        if caller.sites is not None and not given.keys() <= WISHES.keys():
            raise Forbidden(f"with its own token a household sets {', '.join(WISHES)}")
        return shown_user(await accounts.change_user(caller.tenant, user_id, given))

    return router


def _day(since: str) -> Any:
    try:
        return documents.read_day(since)
    except ValueError as error:
        raise Invalid(f"since: {error}", "since") from None
