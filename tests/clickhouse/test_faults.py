"""What a test can do to the endpoint: restart, kill, slow down, refuse, hang, lose answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from .endpoint import ClickHouseEndpoint

CREATE = "CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1"


@pytest.fixture(scope="module")
def module_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseEndpoint]:
    with ClickHouseEndpoint(tmp_path_factory.mktemp("faulty") / "data") as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(module_endpoint: ClickHouseEndpoint) -> Iterator[ClickHouseEndpoint]:
    module_endpoint.start()
    client = module_endpoint.client()
    client.command("DROP TABLE IF EXISTS t SYNC")
    client.command(CREATE)
    client.close()
    yield module_endpoint
    module_endpoint.normal()


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_data_and_port_outlive_the_process(endpoint: ClickHouseEndpoint, ending: str) -> None:
    client = endpoint.client()
    client.command("INSERT INTO t VALUES (1), (2)")
    port = endpoint.port
    getattr(endpoint, ending)()
    assert not endpoint.running
    with pytest.raises(OperationalError):
        client.query("SELECT 1")
    endpoint.start()
    assert endpoint.port == port
    assert client.command("SELECT count() FROM t") == 2
    client.close()


def test_refusing_changes_nothing(endpoint: ClickHouseEndpoint) -> None:
    client = endpoint.client()
    endpoint.refuse(243, only="INSERT")
    with pytest.raises(DatabaseError) as caught:
        client.insert("t", [[1]], column_names=["n"])
    assert caught.value.code == 243
    assert client.command("SELECT count() FROM t") == 0
    endpoint.normal()
    client.insert("t", [[1]], column_names=["n"])
    assert client.command("SELECT count() FROM t") == 1
    client.close()


def test_a_lost_answer_was_executed(endpoint: ClickHouseEndpoint) -> None:
    client = endpoint.client()
    endpoint.lose_answers(only="INSERT")
    with pytest.raises(OperationalError):
        client.raw_insert("t", ["n"], b"7\n", fmt="TSV")
    assert client.command("SELECT max(n) FROM t") == 7
    client.close()


def test_slow_answers_come(endpoint: ClickHouseEndpoint) -> None:
    client = endpoint.client()
    endpoint.slow(0.2, only="SELECT")
    begun = time.monotonic()
    assert client.command("SELECT 1") == 1
    assert time.monotonic() - begun >= 0.2
    client.close()


def test_hanging_requests_wait_for_the_end_of_it(endpoint: ClickHouseEndpoint) -> None:
    client = endpoint.client()
    endpoint.hang()
    before = endpoint.seen()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.command, "SELECT 5")
        assert endpoint.wait_seen(before + 1)
        assert not answer.done()
        endpoint.normal()
        assert answer.result(10) == 5
    client.close()


def test_two_endpoints_run_side_by_side(endpoint: ClickHouseEndpoint, tmp_path: Path) -> None:
    with ClickHouseEndpoint(tmp_path / "data", user="u", password="", database="other") as second:
        client = second.client()
        assert client.command("SELECT currentDatabase()") == "other"
        with pytest.raises(DatabaseError):
            client.command("SELECT * FROM t")
        client.close()
