"""Users: what may be said of them, their site, their tokens, and how they are forgotten."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.households.accounts.conftest import Town
from wattline.households.tables import participants, tariffs, users
from wattline.model.clock import DAY
from wattline.model.errors import Conflict, Invalid, NotFound, Unauthenticated

PERSON = {"name": "Weber", "firstname": "Anna", "lastname": "Weber", "email": "Anna.Weber@Example.ORG"}


async def test_a_new_household_is_a_site_with_an_id_that_says_nothing(town: Town) -> None:
    user = await town.accounts.create_user("t", {})
    assert re.fullmatch(r"[A-Za-z0-9]{30}", user.id)
    assert (user.zone, user.language, user.report_days, user.report_hour) == ("Europe/Berlin", "de", 3, 6)
    assert (user.active, user.anomaly_mails, user.report_mails) == (True, True, True)
    assert (user.quiet_from, user.quiet_to, user.goal_kwh, user.email, user.deleted) == (None, None, None, None, None)
    assert (user.name, user.created) == (user.id, town.clock.micros())
    site = town.registry.site("t", user.id)
    assert site is not None
    assert (site.name, site.zone) == (user.id, "Europe/Berlin")
    assert await town.accounts.user("t", user.id) == user


async def test_everything_that_is_given_is_kept(town: Town) -> None:
    given = PERSON | {
        "id": "weber-1_A",
        "zone": "America/New_York",
        "language": "en",
        "active": False,
        "anomaly_mails": False,
        "report_mails": False,
        "report_days": 7,
        "report_hour": 0,
        "quiet_from": 22,
        "quiet_to": 6,
        "goal_kwh": Decimal("7.50"),
    }
    await town.accounts.create_user("t", given)
    user = await town.accounts.user("t", "weber-1_A")
    for name, value in (given | {"email": "Anna.Weber@example.org", "goal_kwh": Decimal("7.5")}).items():
        assert getattr(user, name) == value, name


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a" * 31}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "ä"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"name": ""}, "name"),
        ({"name": "a" * 129}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": None}, "name"),
        ({"firstname": "a\nb"}, "firstname"),
        ({"email": "two@example.org, three@example.org"}, "email"),
        ({"email": "a@example.org\r\nBcc: b@example.org"}, "email"),
        ({"email": "a" * 64 + "@" + "b" * 190}, "email"),
        ({"email": 1}, "email"),
        ({"zone": "Berlin"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": "Europe"}, "zone"),
        ({"zone": "\ud800"}, "zone"),
        ({"zone": None}, "zone"),
        ({"language": "fr"}, "language"),
        ({"language": ["de"]}, "language"),
        ({"active": 1}, "active"),
        ({"anomaly_mails": "yes"}, "anomaly_mails"),
        ({"report_mails": None}, "report_mails"),
        ({"report_days": 0}, "report_days"),
        ({"report_days": 8}, "report_days"),
        ({"report_days": True}, "report_days"),
        ({"report_hour": 24}, "report_hour"),
        ({"report_hour": -1}, "report_hour"),
        ({"report_hour": 6.0}, "report_hour"),
        ({"quiet_from": 22}, "quiet_from"),
        ({"quiet_from": 5, "quiet_to": 5}, "quiet_to"),
        ({"quiet_from": 22, "quiet_to": 24}, "quiet_to"),
        ({"goal_kwh": 0}, "goal_kwh"),
        ({"goal_kwh": "NaN"}, "goal_kwh"),
        ({"goal_kwh": Decimal("1e999999")}, "goal_kwh"),
        ({"goal_kwh": Decimal("1e-7")}, "goal_kwh"),
        ({"tenant": "other"}, "field"),
        ({"deleted": None}, "field"),
        ({"r_squared": 1.0}, "field"),
    ],
)
async def test_what_may_not_be_said_is_refused_by_its_field_and_nothing_is_written(
    town: Town, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await town.accounts.create_user("t", given)
    assert refused.value.field == field
    assert await town.accounts.users() == []
    if "id" not in given:
        kept = await town.accounts.create_user("t", {"id": "u"})
        with pytest.raises(Invalid):
            await town.accounts.change_user("t", "u", given)
        assert await town.accounts.user("t", "u") == kept


async def test_a_refused_address_is_not_in_the_words_of_the_refusal(town: Town) -> None:
    with pytest.raises(Invalid) as refused:
        await town.accounts.create_user("t", {"email": "secret.person@@example.org"})
    assert "secret" not in str(refused.value)


async def test_an_id_is_given_once_whoever_has_it(town: Town) -> None:
    await town.registry.put_site("t", "SUB-1")
    await town.accounts.create_user("t", {"id": "u"})
    await town.accounts.create_user("gone", {"id": "u"})
    for taken in ("u", "SUB-1"):
        with pytest.raises(Conflict):
            await town.accounts.create_user("t", {"id": taken})
    await town.accounts.delete_user("t", "u")
    with pytest.raises(Conflict):
        await town.accounts.create_user("t", {"id": "u"})
    assert [(user.tenant, user.id) for user in await town.accounts.users()] == [("gone", "u")]


async def test_of_two_who_take_an_id_at_once_one_has_it(town: Town) -> None:
    made = await asyncio.gather(
        *(town.accounts.create_user("t", {"id": "u", "name": name}) for name in "ab"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in made) == ["Conflict", "User"]


async def test_a_change_sets_what_is_given_and_the_site_follows(town: Town) -> None:
    before = await town.accounts.create_user("t", {"id": "u", **PERSON})
    after = await town.accounts.change_user("t", "u", {"zone": "Asia/Tokyo", "name": "Home", "email": None, "goal_kwh": 8})
    assert (after.zone, after.name, after.email, after.goal_kwh) == ("Asia/Tokyo", "Home", None, Decimal(8))
    assert (after.firstname, after.report_hour, after.created) == (before.firstname, before.report_hour, before.created)
    assert await town.accounts.user("t", "u") == after
    site = town.registry.site("t", "u")
    assert site is not None
    assert (site.name, site.zone) == ("Home", "Asia/Tokyo")
    assert await town.accounts.change_user("t", "u", {}) == after


async def test_quiet_hours_are_judged_with_those_that_are_there(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u", "quiet_from": 22, "quiet_to": 6})
    assert (await town.accounts.change_user("t", "u", {"quiet_to": 7})).quiet_to == 7
    for given in ({"quiet_to": 22}, {"quiet_from": None}):
        with pytest.raises(Invalid):
            await town.accounts.change_user("t", "u", given)
    assert (await town.accounts.change_user("t", "u", {"quiet_from": None, "quiet_to": None})).quiet_from is None


async def test_a_household_of_another_tenant_does_not_exist(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u"})
    calls = (
        town.accounts.user("other", "u"),
        town.accounts.change_user("other", "u", {"name": "x"}),
        town.accounts.delete_user("other", "u"),
        town.accounts.issue_token("other", "u"),
    )
    for call in calls:
        with pytest.raises(NotFound):
            await call
    assert (await town.accounts.users("other"), await town.accounts.page("other", 10, 0)) == ([], ([], 0))
    assert (await town.accounts.user("t", "u")).name == "u"


async def test_households_come_in_pages(town: Town) -> None:
    for number in range(5):
        await town.accounts.create_user("t", {"id": f"u{number}"})
    await town.accounts.create_user("other", {"id": "v"})
    await town.accounts.delete_user("t", "u2")
    first, total = await town.accounts.page("t", 2, 0)
    rest, _ = await town.accounts.page("t", 10, 2)
    assert ([user.id for user in first], [user.id for user in rest], total) == (["u0", "u1"], ["u3", "u4"], 4)


async def test_a_token_reads_one_household_until_its_end(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u"})
    token = await town.accounts.issue_token("t", "u", town.clock.micros() + DAY)
    principal = await town.identity.authenticate(token)
    assert (principal.tenant, principal.scopes, principal.sites) == ("t", {"household:read"}, {"u"})
    town.clock.advance(86_400)
    with pytest.raises(Unauthenticated):
        await town.identity.authenticate(token)
    with pytest.raises(Invalid):
        await town.accounts.issue_token("t", "u", town.clock.micros())


async def test_a_deleted_household_is_forgotten_and_its_id_stays_taken(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u", **PERSON, "goal_kwh": 5})
    await town.accounts.create_user("t", {"id": "neighbour", **PERSON})
    await town.accounts.create_experiment("t", "Study", "e")
    tokens = {}
    for user_id in ("u", "neighbour"):
        tokens[user_id] = await town.accounts.issue_token("t", user_id)
        await town.accounts.put_participant("t", "e", user_id, {})
    released = []

    async def release(tenant: str, user_id: str) -> None:
        released.append((tenant, user_id))

    town.accounts.released = release
    await town.accounts.delete_user("t", "u")

    assert set(released) == {("t", "u")}
    with pytest.raises(Unauthenticated):
        await town.identity.authenticate(tokens["u"])
    assert await town.identity.authenticate(tokens["neighbour"])
    assert [part.user for part, _ in await town.accounts.participants("t", "e")] == ["neighbour"]
    async with town.database.read() as connection:
        row = (await connection.execute(sa.select(users).where(users.c.id == "u"))).one()
        for table in (tariffs, participants):
            assert (await connection.execute(sa.select(table).where(table.c.user == "u"))).all() == []
    assert row.deleted == town.clock.micros()
    assert (row.name, row.firstname, row.lastname, row.email, row.goal_kwh) == ("u", None, None, None, None)
    site = town.registry.site("t", "u")
    assert site is not None
    assert site.name is None
    for call in (town.accounts.user("t", "u"), town.accounts.delete_user("t", "u"), town.accounts.issue_token("t", "u")):
        with pytest.raises(NotFound):
            await call
