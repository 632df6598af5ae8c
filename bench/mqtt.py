"""Readings over MQTT with QoS 1, every one durable before it is acknowledged: from Mosquitto, and at the embedded broker.

`python -m bench.mqtt PORT COUNT WINDOW KEY` is the publisher: a process of its own, which only sends and reads answers.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Figure
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM
from bench.runner import ROOT, Context

SENSORS = 300
"""What a block of 1 MW has."""
WINDOW = 1000
TARGET = 10_000
WAIT_SECONDS = 120.0
TAGS = [f"MET-{number:03d}-kW" for number in range(SENSORS)]


def _varint(number: int) -> bytes:
    out = b""
    while True:
        number, low = divmod(number, 128)
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def _field(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _packets(count: int, first: float) -> list[bytes]:
    """PUBLISH packets of distinct readings: every sensor in turn, its times a second apart and ending now."""
    packets = []
    topics = [_field(f"microlink/bench/block-01/electrical/{tag}") for tag in TAGS]
    for number in range(count):
        turn, sensor = divmod(number, SENSORS)
        told = {
            "ts": round(first + turn, 3),
            "v": 40 + sensor / 10 + turn % 7,
            "u": "kW",
            "q": "GOOD",
            "alarm": None,
            "seq": turn,
        }
        body = topics[sensor] + (number % 65_000 + 1).to_bytes(2, "big") + json.dumps(told, separators=(",", ":")).encode()
        packets.append(b"\x32" + _varint(len(body)) + body)
    return packets


def publish(port: int, count: int, window: int, key: str) -> dict[str, float]:
    """Send `count` readings with at most `window` of them unacknowledged; how long it took, and each acknowledgement."""
    packets = _packets(count, time.time() - count // SENSORS - 1)
    greeting = _field("MQTT") + b"\x04\xc2\x00\x3c" + _field("bench") + _field("bench") + _field(key)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"\x10" + _varint(len(greeting)) + greeting)
        answer = connection.recv(4)
        if answer[:1] != b"\x20" or answer[3]:
            raise RuntimeError(f"the broker refused the connection: {answer!r}")
        sent = acknowledged = rest = 0
        due: list[float] = []
        taken: list[float] = []
        begun = time.perf_counter()
        while acknowledged < count:
            upto = min(count, acknowledged + window)
            if upto > sent:
                connection.sendall(b"".join(packets[sent:upto]))
                due += [time.perf_counter()] * (upto - sent)
                sent = upto
            # A PUBACK of 3.1.1 has four bytes, and they come in the order of the publications.
            got = connection.recv(262_144)
            if not got:
                raise RuntimeError("the broker closed the connection")
            number, rest = divmod(rest + len(got), 4)
            now = time.perf_counter()
            taken += [now - moment for moment in due[acknowledged : acknowledged + number]]
            acknowledged += number
        seconds = time.perf_counter() - begun
    taken.sort()
    return {"seconds": seconds, "p50": taken[len(taken) // 2] * 1000, "p99": taken[len(taken) * 99 // 100] * 1000}


def _publisher(port: int, count: int, key: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.mqtt", str(port), str(count), str(WINDOW), key]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=WAIT_SECONDS)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _counted(port: int, name: str) -> int:
    """One figure of the server's own; 0 where it has not counted yet."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return int(float(line.split()[1]))
    return 0


def _acknowledged(port: int) -> int:
    """How many messages the server has acknowledged."""
    return _counted(port, "wattline_mqtt_acknowledged")


def _check(server: Server, count: int) -> None:
    """An acknowledged message is not yet a reading: it might be a dead letter."""
    rows = _counted(server.port, 'wattline_ingest_rows_total{contract="mcs"}')
    if rows < count:
        raise RuntimeError(f"{count} messages were acknowledged, and {rows} readings taken")


def _await(port: int, count: int) -> float:
    """Wait until so many messages are acknowledged; when that was."""
    end = time.perf_counter() + WAIT_SECONDS
    while _acknowledged(port) < count:
        if time.perf_counter() > end:
            raise RuntimeError(f"only {_acknowledged(port)} of {count} messages were taken")
        time.sleep(0.02)
    return time.perf_counter()


def _mosquitto(context: Context, directory: Path) -> int:
    """A Mosquitto for the length of the bench; its port."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise RuntimeError("mosquitto is needed: apt-get install mosquitto")
    port = free_port()
    config = directory / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", f"max_inflight_messages {WINDOW}", "max_queued_messages 0"]
    config.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context.keep.callback(process.wait)
    context.keep.callback(process.terminate)
    return port


def _server(context: Context, data: Path, environment: dict[str, str]) -> Server:
    port = free_port()
    command = [PROGRAM, "serve", "--data", str(data), "--port", str(port)]
    environment = {"WATTLINE_MQTT_REGISTER_UNKNOWN": "true", **environment}
    server = Server(command, port, HEALTH_PATH, data / "bench.log", environment)
    context.keep.callback(server.stop)
    return server.start()


def _await_subscription(server: Server, port: int) -> int:
    """Send a turn of readings until the server has taken some: its subscription is there, its sensors are known."""
    while not _acknowledged(server.port):
        _publisher(port, SENSORS, "")
        time.sleep(0.1)
    # A server that came late took only a part of the first turn.
    before = _acknowledged(server.port)
    _publisher(port, SENSORS, "")
    _await(server.port, before + SENSORS)
    return _acknowledged(server.port)


def mqtt(context: Context) -> Sequence[Figure]:
    """The rate at which readings become durable and are acknowledged: publisher, broker and server on the same machine."""
    data = context.place("mqtt-mosquitto")
    broker = _mosquitto(context, data)
    server = _server(context, data, {"WATTLINE_MQTT_URL": f"mqtt://127.0.0.1:{broker}"})
    before = _await_subscription(server, broker)
    count = context.scaled(300_000, 60_000)
    spent, begun = server.cpu_seconds(), time.perf_counter()
    published = _publisher(broker, count, "")
    # The publisher starts up and makes its packets before it sends: that is not the server's time.
    idle = time.perf_counter() - begun - published["seconds"]
    seconds = _await(server.port, before + count) - begun - idle
    detail = {
        "messages": count,
        "sensors": SENSORS,
        "published_per_second": round(count / published["seconds"]),
        "server_us_per_message": round((server.cpu_seconds() - spent) / count * 1e6, 1),
    }
    _check(server, before + count)
    server.stop()
    return [
        Figure("MQTT QoS 1 from Mosquitto, durable", count / seconds, "messages/s", target=TARGET, detail=detail),
        _embedded(context, context.scaled(300_000, 60_000)),
    ]


def _embedded(context: Context, count: int) -> Figure:
    data = context.place("mqtt-embedded")
    create = [PROGRAM, "key", "create", "--name", "bench", "--data", str(data)]
    key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    server = _server(context, data, {"WATTLINE_MQTT_PORT": str(port)})
    _publisher(port, SENSORS, key)
    spent = server.cpu_seconds()
    told = _publisher(port, count, key)
    _check(server, count + SENSORS)
    detail = {
        "messages": count,
        "window": WINDOW,
        "server_us_per_message": round((server.cpu_seconds() - spent) / count * 1e6, 1),
    }
    rate = count / told["seconds"]
    name = "MQTT QoS 1 at the embedded broker, durable"
    return Figure(name, rate, "messages/s", target=TARGET, p50=told["p50"], p99=told["p99"], detail=detail)


if __name__ == "__main__":
    print(json.dumps(publish(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
