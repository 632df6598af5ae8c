"""/experiments below the management path: studies and who takes part in them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from wattline.contracts.household import documents
from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ADMIN, Admitted, Gate
from wattline.households.accounts.model import Experiment, Participant
from wattline.households.service import Households
from wattline.model.clock import from_micros


def _shown(experiment: Experiment) -> dict[str, Any]:
    return {"id": experiment.id, "name": experiment.name, "created_at": from_micros(experiment.created)}


def _part(part: Participant) -> dict[str, Any]:
    names = ("status", "number", "installed", "deinstalled", "gets_paid", "uses_prolific")
    return {"user_id": part.user, **{name: getattr(part, name) for name in names}}


def build(households: Households, gate: Gate) -> APIRouter:
    """The routes, for an administrator."""
    accounts = households.accounts
    router = APIRouter(tags=["Household management"], route_class=gate.keyed(ADMIN))

    @router.get("/experiments", summary="List experiments", response_model=documents.Experiments, responses=refusals())
    async def experiments(caller: Admitted) -> dict[str, Any]:
        """Every experiment, oldest first."""
        return {"experiments": [_shown(each) for each in await accounts.experiments(caller.tenant)]}

    @router.post(
        "/experiments",
        summary="Add an experiment",
        status_code=201,
        response_model=documents.HouseholdExperiment,
        responses=refusals(409, 413),
    )
    async def add(caller: Admitted, body: documents.NewExperiment) -> dict[str, Any]:
        """A study that nobody takes part in yet."""
        return _shown(await accounts.create_experiment(caller.tenant, body.name, body.id))

    @router.get(
        "/experiments/{experiment_id}",
        summary="Show an experiment",
        response_model=documents.HouseholdExperiment,
        responses=refusals(404),
    )
    async def one(caller: Admitted, experiment_id: str) -> dict[str, Any]:
        """Its name."""
        return _shown(await accounts.experiment(caller.tenant, experiment_id))

    @router.get(
        "/experiments/{experiment_id}/participants",
        summary="List participants",
        response_model=documents.Participants,
        responses=refusals(404),
    )
    async def participants(caller: Admitted, experiment_id: str) -> dict[str, Any]:
        """Who takes part, by user id."""
        found = await accounts.participants(caller.tenant, experiment_id)
        return {"experiment_id": experiment_id, "participants": [_part(part) for part, _ in found]}

    @router.put(
        "/experiments/{experiment_id}/participants/{user_id}",
        summary="Let a household take part",
        response_model=documents.HouseholdParticipant,
        responses=refusals(404, 413),
    )
    async def put(
        caller: Admitted, experiment_id: str, user_id: str, body: documents.ParticipantChange | None = None
    ) -> dict[str, Any]:
        """Or change how it does: sets the fields that are sent."""
        given = {} if body is None else body.given()
        return _part(await accounts.put_participant(caller.tenant, experiment_id, user_id, given))

    @router.delete(
        "/experiments/{experiment_id}/participants/{user_id}",
        summary="Take a household out",
        status_code=204,
        responses=refusals(404),
    )
    async def remove(caller: Admitted, experiment_id: str, user_id: str) -> Response:
        """It takes part no longer; its readings stay."""
        await accounts.remove_participant(caller.tenant, experiment_id, user_id)
        return Response(status_code=204)

    return router
