"""A real Mosquitto on a port of its own, which a test may stop, kill and start again with what it had persisted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
STOP_SECONDS = 10
USER, PASSWORD = "platform", "a pass:word@1"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One broker: anonymous unless `secured`, persistent, on a loopback port that stays the same."""

    def __init__(
        self, directory: Path, *, lines: str = "", tls: tuple[Path, Path] | None = None, secured: bool = False
    ) -> None:
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        listener = f"listener {self.port} 127.0.0.1\n"
        if tls is not None:
            listener += f"certfile {tls[0]}\nkeyfile {tls[1]}\n"
        access = "allow_anonymous true\n"
        if secured:
            passwords = directory / "passwords"
            hasher = shutil.which("mosquitto_passwd")
            assert hasher is not None
            subprocess.run([hasher, "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
            passwords.chmod(0o644)
            access = f"allow_anonymous false\npassword_file {passwords}\n"
        # As root it would become another user, who may not enter a test's directory.
        user = "user root\n" if os.geteuid() == 0 else ""
        persistence = f"persistence true\npersistence_location {directory}/\nautosave_interval 1\nautosave_on_changes true\n"
        self.config = directory / "mosquitto.conf"
        self.config.write_text(f"{listener}{access}{user}{persistence}log_dest stderr\nmax_queued_messages 0\n{lines}")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it listens."""
        assert PROGRAM is not None, "the tests of gateways need mosquitto: apt-get install mosquitto"
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "running" in line:
                break
        else:
            raise AssertionError(f"mosquitto did not start:\n{''.join(said)}")
        self._drain = threading.Thread(target=self._process.stderr.read)
        self._drain.start()

    def stop(self) -> None:
        """Stop; it writes down what it holds."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
            self._drain.join(STOP_SECONDS)
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None

    def hang(self) -> None:
        """Answer nothing from now on, with every connection open; only `crash` ends it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def crash(self) -> None:
        """End at once: what it had not written down is lost."""
        assert self._process is not None
        self._process.kill()
        self.stop()

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def mosquitto(directory: Path, lines: str = "") -> Iterator[Mosquitto]:
    """A running broker."""
    directory.mkdir(exist_ok=True)
    with Mosquitto(directory, lines=lines) as broker:
        yield broker
