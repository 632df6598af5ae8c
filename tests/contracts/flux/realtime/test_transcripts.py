"""What goes over the wire, byte for byte, as the clients of the two serializers have it."""

from __future__ import annotations

import json
from datetime import datetime

from .service import BESS, TOPIC, Service, bess

U = "123e4567-e89b-12d3-a456-426614174000"
BINDING = f'{{"event":"INSERT","schema":"flux","table":"mg_bess_readings","filter":"device_id=eq.{U}"}}'
CONFIG = (
    '{"config":{"broadcast":{"ack":false,"self":false},"presence":{"key":"","enabled":false},'
    f'"postgres_changes":[{BINDING}],"private":false}}}}'
)
ECHO = f'{{"status":"ok","response":{{"postgres_changes":[{BINDING[:-1]},"id":1}}]}}}}'
COLUMNS = (
    '[{"name":"time","type":"timestamptz"},{"name":"device_id","type":"uuid"},{"name":"id","type":"uuid"},'
    '{"name":"created_at","type":"timestamptz"},{"name":"soe","type":"float4"},{"name":"target_power","type":"float4"},'
    '{"name":"available_inverter_blocks","type":"int2"},{"name":"command_source","type":"int2"},'
    '{"name":"real_power_mode","type":"int2"}]'
)


def subscribed(position: int) -> str:
    return (
        '{"channel":"bess-realtime","extension":"postgres_changes","message":"Subscribed to PostgreSQL",'
        f'"position":{position},"status":"ok"}}'
    )


def change(position: int, row_id: str) -> str:
    return (
        '{"ids":[1],"data":{"schema":"flux","table":"mg_bess_readings","commit_timestamp":"STAMP","type":"INSERT",'
        f'"columns":{COLUMNS},"errors":null,"record":{{"time":"2024-01-01T12:00:00+00:00",'
        f'"device_id":"{U}","id":"{row_id}","created_at":"2024-01-01T12:00:00.000001+00:00","soe":65.5,"target_power":-25,'
        '"available_inverter_blocks":4,"command_source":1,"real_power_mode":null},'
        f'"position":{position}}}}}'
    )


def stamp(text: str) -> str:
    """The commit's time in a frame: milliseconds, Z."""
    found = json.loads(text)
    payload = found[4] if isinstance(found, list) else found["payload"]
    shown = payload["data"]["commit_timestamp"]
    assert datetime.fromisoformat(shown).timestamp() * 1000 == payload["data"]["position"] // 1000
    assert len(shown) == len("2024-01-01T12:00:01.123Z")
    return str(shown)


MEASURES = {"target_power": -25.0, "available_inverter_blocks": 4, "command_source": 1}


async def test_serializer_2(service: Service) -> None:
    async with service.client() as client:
        await client.socket.send(f'["6","6","{TOPIC}","phx_join",{CONFIG}]')
        assert await client.raw() == f'["6","6","{TOPIC}","phx_reply",{ECHO}]'
        system = await client.raw()
        position = json.loads(system)[4]["position"]
        assert system == f'["6",null,"{TOPIC}","system",{subscribed(position)}]'
        [row] = await service.insert(U, 65.5, **MEASURES)
        text = str(await client.raw())
        told = json.loads(text)[4]["data"]["position"]
        assert told > position
        assert text == f'[null,null,"{TOPIC}","postgres_changes",{change(told, row["id"])}]'.replace("STAMP", stamp(text))
        await client.socket.send('[null,"9","phoenix","heartbeat",{}]')
        assert await client.raw() == '[null,"9","phoenix","phx_reply",{"status":"ok","response":{}}]'
        await client.socket.send(f'["6","7","{TOPIC}","phx_leave",{{}}]')
        assert await client.raw() == f'["6","7","{TOPIC}","phx_reply",{{"status":"ok","response":{{}}}}]'
        assert await client.raw() == f'["6","6","{TOPIC}","phx_close",{{}}]'
        await client.socket.send(f'["6","8","{TOPIC}","anything",{{}}]')
        assert (
            await client.raw()
            == f'["6","8","{TOPIC}","phx_reply",{{"status":"error","response":{{"reason":"unmatched topic"}}}}]'
        )


async def test_serializer_1(service: Service) -> None:
    key = await service.key()
    async with service.client(key, version="1.0.0") as client:
        payload = f'{CONFIG[:-1]},"access_token":"{key}"}}'
        await client.socket.send(f'{{"event":"phx_join","payload":{payload},"topic":"{TOPIC}","ref":"1","join_ref":"1"}}')
        assert await client.raw() == f'{{"topic":"{TOPIC}","event":"phx_reply","payload":{ECHO},"ref":"1"}}'
        system = await client.raw()
        position = json.loads(system)["payload"]["position"]
        assert system == f'{{"topic":"{TOPIC}","event":"system","payload":{subscribed(position)},"ref":null}}'
        [row] = await service.insert(U, 65.5, **MEASURES)
        text = str(await client.raw())
        told = json.loads(text)["payload"]["data"]["position"]
        frame = f'{{"topic":"{TOPIC}","event":"postgres_changes","payload":{change(told, row["id"])},"ref":null}}'
        assert text == frame.replace("STAMP", stamp(text))
        await client.socket.send('{"event":"heartbeat","payload":{},"topic":"phoenix","ref":null,"join_ref":null}')
        assert await client.raw() == (
            '{"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":null}'
        )
        await client.socket.send(f'{{"event":"phx_leave","payload":{{}},"topic":"{TOPIC}","ref":"2","join_ref":"1"}}')
        assert json.loads(await client.raw())["ref"] == "2"
        assert await client.raw() == f'{{"topic":"{TOPIC}","event":"phx_close","payload":{{}},"ref":"1"}}'


async def test_without_a_version_it_is_serializer_1(service: Service) -> None:
    async with service.client(version=None) as client:
        await client.socket.send('{"event":"heartbeat","payload":{},"topic":"phoenix","ref":"1"}')
        assert json.loads(await client.raw())["ref"] == "1"


async def test_a_binding_comes_back_as_it_was_sent(service: Service) -> None:
    odd = (
        '{"z":1.0,"table":"mg_bess_readings", "filter" : "device_id=eq.'
        + U.upper()
        + '","schema":"public","event":"*","a":[{}]}'
    )
    async with service.client() as client:
        await client.socket.send(f'["1","1","{TOPIC}","phx_join",{{"config":{{"postgres_changes":[{odd},{odd}]}}}}]')
        answer = await client.hear()
        wanted = json.loads(odd)
        assert answer[4]["response"]["postgres_changes"] == [{**wanted, "id": 1}, {**wanted, "id": 2}]
        assert list(answer[4]["response"]["postgres_changes"][0]) == [*wanted, "id"]
        await client.event("system")
        await service.insert(U, 1.0)
        told = await client.event("postgres_changes")
        assert (told["ids"], told["data"]["schema"], told["data"]["table"]) == ([1, 2], "public", BESS)
        await client.silent()


async def test_no_bindings_no_system_message(service: Service) -> None:
    async with service.client() as client:
        assert await client.join() == {"status": "ok", "response": {"postgres_changes": []}}
        await client.silent()
        ref = await client.say(TOPIC, "phx_join", {}, "9", "9")
        assert await client.hear() == ["1", "1", TOPIC, "phx_close", {}]
        assert (await client.hear())[1] == ref


async def test_frames_that_are_no_messages_are_passed_over(service: Service) -> None:
    async with service.client() as client:
        position = await client.subscribe(bess())
        deep = "[" * 100_000
        for said in (
            "", "x", "[]", "{}", "null", '["1"]', "[1.5,2,3,4,5]", deep, f'["1","2","{TOPIC}","broadcast",{deep}',
            f'["1","2","{TOPIC}","nothing",{{}}]', f'["1","2","{TOPIC}","broadcast",17]', b"", b"\x03", bytes(300),
            b"\x03\xff\xff\xff\xff\xff\x01short", f'["1","2","{TOPIC}","access_token",[]]', '[null,"1","phoenix","x",{}]',
        ):  # fmt: skip
            await client.socket.send(said)
        await service.insert(U, 1.0)
        [told] = await client.changes(1)
        assert told["position"] > position
        await client.silent()
