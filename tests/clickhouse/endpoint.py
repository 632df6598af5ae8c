"""A ClickHouse HTTP server of one's own: started, stopped, killed and made to fail by the test that holds it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from .faults import Fault

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0


class ClickHouseEndpoint:
    """One server process on one data directory. The port is chosen at the first start and kept over every restart."""

    def __init__(self, path: Path, *, user: str = "wattline", password: str = "p:w/@ &", database: str = "wattline") -> None:
        self.path = path
        self.user = user
        self.password = password
        self.database = database
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """`http://user:password@127.0.0.1:port/database`, with what must be escaped escaped."""
        credentials = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"http://{credentials}@127.0.0.1:{self.port}/{self.database}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Serve; what an earlier run stored is there again. Returns once requests are answered."""
        if self.running:
            return
        command = [sys.executable, "-m", "tests.clickhouse.server"]
        command += ["--path", str(self.path), "--port", str(self.port), "--user", self.user, "--database", self.database]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.port = self._ask({"password": self.password}, START_TIMEOUT)["port"]
        except Exception:
            self.kill()
            raise

    def stop(self) -> None:
        """Let running requests end, refuse new ones, close the engine."""
        self._end(kill=False)

    def kill(self) -> None:
        """SIGKILL: what was not durable is lost."""
        self._end(kill=True)

    def restart(self) -> None:
        self.stop()
        self.start()

    def normal(self) -> None:
        """Answer as a healthy server does; requests that hang go on."""
        self._fault(Fault())

    def slow(self, seconds: float, *, only: str | None = None) -> None:
        """Wait so long before every answer."""
        self._fault(Fault("slow", seconds=seconds, only=only))

    def refuse(self, code: int = 241, *, status: int = 500, only: str | None = None) -> None:
        """Answer with this error (by default MEMORY_LIMIT_EXCEEDED; 243 is NOT_ENOUGH_SPACE); nothing is executed."""
        self._fault(Fault("refuse", code=code, status=status, only=only))

    def hang(self, *, only: str | None = None) -> None:
        """Take requests and do nothing until `normal()`."""
        self._fault(Fault("hang", only=only))

    def lose_answers(self, *, only: str | None = None) -> None:
        """Execute, then close the connection without a word: the client cannot know."""
        self._fault(Fault("lose_answer", only=only))

    def seen(self) -> int:
        """How many queries arrived since the start, whatever became of them."""
        return int(self._order({"do": "seen"}))

    def wait_seen(self, requests: int, timeout: float = 10.0) -> bool:
        """Whether at least so many queries have arrived since the start, or do within `timeout` seconds."""
        return bool(self._order({"do": "wait_seen", "requests": requests, "timeout": timeout}, timeout + STOP_TIMEOUT))

    def client(self, **options: Any) -> Client:
        """A client of this server with a connection pool of its own: close it."""
        return clickhouse_connect.get_client(dsn=self.url, dedicated_pool=True, **options)

    def __enter__(self) -> ClickHouseEndpoint:
        self.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.stop()

    def _fault(self, fault: Fault) -> None:
        self._order({"do": "fault", "fault": asdict(fault)})

    def _order(self, order: dict[str, Any], timeout: float = STOP_TIMEOUT) -> Any:
        return self._ask(order, timeout)["result"]

    def _ask(self, order: dict[str, Any], timeout: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        # Not `select`, which fails where more than 1,024 files are open.
        waiting = select.poll()
        waiting.register(process.stdout, select.POLLIN)
        line = process.stdout.readline() if waiting.poll(timeout * 1000) else ""
        if not line:
            raise RuntimeError(f"the ClickHouse endpoint did not answer {order.get('do', 'start')}: {process.poll()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if kill:
            process.kill()
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
