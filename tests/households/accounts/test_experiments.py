"""Experiments and who takes part in them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.households.accounts.conftest import Town
from wattline.households.accounts.model import Participant
from wattline.model.errors import Conflict, Invalid, NotFound


@pytest.fixture
async def study(town: Town) -> Town:
    """An experiment `e` and two households."""
    await town.accounts.create_experiment("t", "Study", "e")
    for user_id in ("b", "a"):
        await town.accounts.create_user("t", {"id": user_id, "goal_kwh": 5})
    return town


async def test_experiments_are_listed_oldest_first(town: Town) -> None:
    first = await town.accounts.create_experiment("t", "First", "z")
    town.clock.advance(1)
    second = await town.accounts.create_experiment("t", "Second")
    await town.accounts.create_experiment("other", "Elsewhere", "z")
    assert await town.accounts.experiments("t") == [first, second]
    assert await town.accounts.experiment("t", second.id) == second
    with pytest.raises(NotFound):
        await town.accounts.experiment("other", second.id)
    with pytest.raises(Conflict):
        await town.accounts.create_experiment("t", "Again", "z")
    for name, known in (("", None), ("x" * 129, None), ("a\x00", None), ("ok", "no spaces"), ("ok", "a" * 31)):
        with pytest.raises(Invalid):
            await town.accounts.create_experiment("t", name, known)


async def test_taking_part_begins_as_registered_and_changes_field_by_field(study: Town) -> None:
    new = await study.accounts.put_participant("t", "e", "a", {})
    assert new == Participant("e", "a", "registered", 0, None, None, gets_paid=False, uses_prolific=False)
    begun = {"status": "installation", "installed": date(2026, 5, 1), "number": 1, "gets_paid": True}
    await study.accounts.put_participant("t", "e", "a", begun)
    last = await study.accounts.put_participant("t", "e", "a", {"deinstalled": date(2026, 5, 1)})
    assert last == Participant(
        "e", "a", "installation", 1, date(2026, 5, 1), date(2026, 5, 1), gets_paid=True, uses_prolific=False
    )
    await study.accounts.put_participant("t", "e", "b", {})
    found = await study.accounts.participants("t", "e")
    assert [part.user for part, _ in found] == ["a", "b"]
    assert found[0] == (last, await study.accounts.user("t", "a"))


@pytest.mark.parametrize(
    "given",
    [
        {"status": "gone"},
        {"status": None},
        {"number": -1},
        {"number": 1.0},
        {"installed": "2026-05-01"},
        {"installed": date(2026, 5, 2), "deinstalled": date(2026, 5, 1)},
        {"gets_paid": 1},
        {"user": "b"},
    ],
)
async def test_what_may_not_be_said_of_a_part_is_refused(study: Town, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await study.accounts.put_participant("t", "e", "a", given)
    assert await study.accounts.participants("t", "e") == []


async def test_a_stay_is_judged_with_what_is_there(study: Town) -> None:
    await study.accounts.put_participant("t", "e", "a", {"deinstalled": date(2026, 5, 1)})
    with pytest.raises(Invalid):
        await study.accounts.put_participant("t", "e", "a", {"installed": date(2026, 5, 2)})


async def test_only_those_that_are_there_take_part(study: Town) -> None:
    await study.accounts.create_user("other", {"id": "stranger"})
    for tenant, experiment, user in (("t", "e", "stranger"), ("t", "none", "a"), ("other", "e", "stranger")):
        with pytest.raises(NotFound):
            await study.accounts.put_participant(tenant, experiment, user, {})
    await study.accounts.put_participant("t", "e", "a", {})
    with pytest.raises(NotFound):
        await study.accounts.remove_participant("other", "e", "a")
    await study.accounts.remove_participant("t", "e", "a")
    with pytest.raises(NotFound):
        await study.accounts.remove_participant("t", "e", "a")
    with pytest.raises(NotFound):
        await study.accounts.participants("other", "e")
