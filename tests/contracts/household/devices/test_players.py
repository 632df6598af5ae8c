"""The three published devices, as they would live with the server."""

from __future__ import annotations

import pytest

from wattline.households.meters.model import Measurement

from .readers import Analog, Digital, Failed, Pi
from .served import SCRIPT, Served

STRANGER = "AA:BB:CC:DD:FF:FF"


async def test_the_digital_reader_takes_its_script_and_sends(served: Served) -> None:
    device = Digital(served.port, served.digital)
    assert await device.ask() == 200
    assert device.script == SCRIPT
    assert await device.read(1234.5678, 345.6, 12.25) == 200
    assert served.taken == [(served.digital, Measurement(1234.5678, False, 12.25, 345.6))]


async def test_the_digital_reader_gets_its_script_again_when_it_asks(served: Served) -> None:
    device = Digital(served.port, served.digital)
    await device.ask()
    device.script = None
    await device.ask()
    assert device.script is None
    await device.ask(force=True)
    assert device.script == SCRIPT


async def test_the_digital_reader_asks_for_a_new_token_on_401_and_sends_once_more(served: Served) -> None:
    device = Digital(served.port, served.digital, token="A" * 30)
    assert await device.read(1.5) == 200
    assert [each.value for _, each in served.taken] == [1.5]


async def test_the_digital_reader_of_nobody_gets_no_token(served: Served) -> None:
    device = Digital(served.port, STRANGER)
    assert await device.ask() == 401
    assert await device.read(1.5) == 401


async def test_the_analog_reader_counts_turns(served: Served) -> None:
    device = Analog(served.port, served.analog)
    await device.ask()
    assert device.rotations == 75
    for turns in (1, 0):
        served.clock.advance(15)
        await device.read(turns)
    assert served.taken == [(served.analog, Measurement(1 / 75, True)), (served.analog, Measurement(0.0, True))]
    await device.ask()
    assert device.rotations == 75, "it never says that it has them"


async def test_the_analog_reader_can_make_nothing_of_a_refusal_and_goes_on(served: Served) -> None:
    device = Analog(served.port, served.analog)
    await device.ask()
    device.token, held = "A" * 30, device.token
    with pytest.raises(Failed, match="401"):
        await device.read(1)
    device.token = held
    await device.read(1)
    assert len(served.taken) == 1


async def test_the_pi_sends_what_it_could_not_send(served: Served) -> None:
    device = Pi(served.port, served.digital)
    assert await device.ask() == 200
    second = served.second
    device.backlog = [((second + at) * 10**9 + 5, 100.0 + at / 1000, 1.0) for at in (0, 15, 30)]
    assert await device.sync() == [200, 200, 200]
    times = [each.time for _, each in served.taken]
    assert times == [(second + at) * 10**6 for at in (30, 15, 0)]
    assert {each.time_unit for _, each in served.taken} == {"ns"}
    assert await device.read(100.04) == 200
    await device.hang_up()


async def test_the_pi_reads_every_failure_as_a_message(served: Served) -> None:
    device = Pi(served.port, STRANGER)
    assert await device.ask() == 401
    assert await device.read(1.0) == 401
    assert await device.read(-1.0) == 400
    assert await device.read(1.0, nanoseconds=5) == 400
    device.mac = served.digital
    assert await device.ask() == 200
    assert await device.read(1.0) == 200
    await device.hang_up()
