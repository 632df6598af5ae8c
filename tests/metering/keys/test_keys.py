"""Keys of devices and gateways: known from memory, rotated with grace, ended everywhere."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import sqlalchemy as sa

from tests.metering.conftest import House
from wattline.metering.keys import LONGEST_GRACE, MOST_OF_A_METER, digest_of
from wattline.metering.tables import device_keys
from wattline.model.clock import DAY, HOUR
from wattline.model.errors import Conflict, Faulty, NotFound, Unauthenticated


async def test_a_key_is_a_uuid_that_is_known_at_once_in_either_case(house: House) -> None:
    meter = await house.meter()
    made = await house.metering.keys.create("default", meter, name="gateway 1", require_signature=True)
    assert str(uuid.UUID(made.text)) == made.text
    assert uuid.UUID(made.text).version == 4
    for text in (made.text, made.text.upper()):
        assert house.metering.keys.known(text) == made.key
        assert house.metering.keys.authenticate(text) == made.key
    key = made.key
    assert (key.tenant, key.meter_id, key.meters, key.require_signature) == ("default", meter, frozenset({meter}), True)
    assert key.may_write(meter)
    assert not key.may_write(meter + 1)
    assert not key.is_gateway
    assert len(bytes.fromhex(key.secret)) == 32


async def test_what_is_no_key_is_refused_with_the_same_words(house: House) -> None:
    meter = await house.meter()
    made = await house.metering.keys.create("default", meter)
    await house.metering.keys.revoke("default", made.key.id, meter)
    for text in (None, "", made.text, str(uuid.uuid4()), made.key.secret, digest_of(made.text), "\ud800", "é" * 36, "x" * 9999):
        with pytest.raises(Unauthenticated, match=r"^missing or invalid device key$"):
            house.metering.keys.authenticate(text)


async def test_of_a_keys_text_a_digest_is_kept_and_no_representation_shows_a_secret(house: House) -> None:
    meter = await house.meter()
    made = await house.metering.keys.create("default", meter)
    rotated = await house.metering.keys.rotate("default", made.key.id, meter)
    async with house.database.read() as connection:
        (row,) = await connection.execute(sa.select(device_keys))
    assert made.text not in str(row)
    assert row.digest == digest_of(made.text)
    for shown in (repr(made.key), repr(rotated), str(rotated)):
        assert made.key.secret not in shown
        assert rotated.secret not in shown


async def test_after_a_rotation_both_secrets_hold_for_the_grace(house: House) -> None:
    meter = await house.meter()
    keys, clock = house.metering.keys, house.clock
    made = await keys.create("default", meter)
    rotated = await keys.rotate("default", made.key.id, meter, grace=HOUR)
    key = keys.authenticate(made.text)
    assert key == rotated
    assert key.secret != made.key.secret
    assert key.secrets(clock.micros()) == (rotated.secret, made.key.secret)
    clock.advance(3600 - 0.000001)
    assert len(key.secrets(clock.micros())) == 2
    clock.advance(0.000001)
    assert key.secrets(clock.micros()) == (rotated.secret,)
    again = await keys.rotate("default", made.key.id, meter, grace=0)
    assert again.secrets(clock.micros()) == (again.secret,)
    assert keys.authenticate(made.text) == again
    for grace in (-1, LONGEST_GRACE + 1):
        with pytest.raises(Faulty):
            await keys.rotate("default", made.key.id, meter, grace=grace)


async def test_a_second_rotation_ends_the_first_secret(house: House) -> None:
    meter = await house.meter()
    keys = house.metering.keys
    first = await keys.create("default", meter)
    second = await keys.rotate("default", first.key.id, meter, grace=DAY)
    third = await keys.rotate("default", first.key.id, meter, grace=DAY)
    assert third.secrets(house.clock.micros()) == (third.secret, second.secret)


async def test_a_revoked_key_ends_here_at_once_and_elsewhere_with_the_next_refresh(house: House, other: House) -> None:
    meter = await house.meter()
    keys = house.metering.keys
    made = await keys.create("default", meter)
    await other.refresh()
    assert other.metering.keys.known(made.text) == made.key
    rotated = await keys.rotate("default", made.key.id, meter)
    await other.refresh()
    assert other.metering.keys.known(made.text) == rotated
    ended = await keys.revoke("default", made.key.id, meter)
    assert ended.revoked == house.clock.micros()
    assert keys.known(made.text) is None
    await other.refresh()
    assert other.metering.keys.known(made.text) is None
    later = await House(house.database, house.clock).load()
    assert later.metering.keys.known(made.text) is None
    house.clock.advance(5)
    assert (await keys.revoke("default", made.key.id, meter)).revoked == ended.revoked
    with pytest.raises(Conflict):
        await keys.rotate("default", made.key.id, meter)
    assert await keys.list("default", meter) == [ended]


async def test_a_process_that_starts_knows_the_keys_that_hold(house: House) -> None:
    meter = await house.meter()
    made = await house.metering.keys.create("default", meter)
    gateway = await house.metering.keys.create_gateway("default", None)
    later = await House(house.database, house.clock).load()
    assert later.metering.keys.known(made.text) == made.key
    assert later.metering.keys.known(gateway.text) == gateway.key


async def test_a_gateway_writes_for_its_meters_or_for_all(house: House) -> None:
    one, two, three = [await house.meter() for _ in range(3)]
    some = (await house.metering.keys.create_gateway("default", [one, two])).key
    every = (await house.metering.keys.create_gateway("default", None)).key
    assert [some.may_write(each) for each in (one, two, three)] == [True, True, False]
    assert every.may_write(three)
    assert every.meters is None
    assert some.is_gateway
    assert every.is_gateway
    assert await house.metering.keys.list("default") == [some, every]
    assert await house.metering.keys.list("default", one) == []
    foreign = await house.meter("other")
    with pytest.raises(Faulty) as refused:
        await house.metering.keys.create_gateway("default", [one, foreign, 999])
    assert [fault.pointer for fault in refused.value.faults] == ["/meter_ids/1", "/meter_ids/2"]
    with pytest.raises(Faulty):
        await house.metering.keys.create_gateway("default", [])


async def test_keys_end_with_their_meter_and_a_gateways_key_goes_on(house: House, other: House) -> None:
    gone, stays = await house.meter(), await house.meter()
    own = await house.metering.keys.create("default", gone)
    gateway = await house.metering.keys.create_gateway("default", [gone, stays])
    await house.metering.meters.remove("default", gone)
    await other.refresh()
    for process in (house, other):
        assert process.metering.keys.known(own.text) is None
        assert process.metering.keys.known(gateway.text) == gateway.key
    with pytest.raises(NotFound):
        await house.metering.keys.create("default", gone)


async def test_a_meter_that_is_removed_meanwhile_gets_no_key(house: House) -> None:
    meter = await house.meter()
    made, gone = await asyncio.gather(
        house.metering.keys.create("default", meter), house.metering.meters.remove("default", meter), return_exceptions=True
    )
    assert gone is None
    if not isinstance(made, BaseException):
        assert house.metering.keys.known(made.text) is None
    else:
        assert isinstance(made, NotFound)


async def test_another_tenants_keys_and_another_meters_keys_are_not_there(house: House) -> None:
    meter, second, foreign = await house.meter(), await house.meter(), await house.meter("other")
    keys = house.metering.keys
    made = await keys.create("default", meter)
    gateway = await keys.create_gateway("default", None)
    for tenant, number, of in (
        ("other", made.key.id, foreign),
        ("default", made.key.id, second),
        ("default", made.key.id, None),
        ("default", gateway.key.id, meter),
        ("other", gateway.key.id, None),
        ("default", 2**63, meter),
    ):
        for call in (keys.get(tenant, number, of), keys.rotate(tenant, number, of), keys.revoke(tenant, number, of)):
            with pytest.raises(NotFound):
                await call
    with pytest.raises(NotFound):
        await keys.list("other", meter)
    assert await keys.list("other") == []
    assert keys.known(made.text) == made.key


async def test_a_meter_has_so_many_keys(house: House) -> None:
    meter = await house.meter()
    made = [await house.metering.keys.create("default", meter) for _ in range(MOST_OF_A_METER)]
    with pytest.raises(Conflict, match="revoke"):
        await house.metering.keys.create("default", meter)
    await house.metering.keys.revoke("default", made[0].key.id, meter)
    await house.metering.keys.create("default", meter)
