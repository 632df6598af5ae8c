"""Work of workers that died is given to those that live."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from dbos import DBOS

from wattline.jobs.presence import open_presence

_log = logging.getLogger(__name__)


class Rescue:
    """This worker's presence, and its look at the others'. Blocks: used from one thread that is not an event loop's.

    DBOS records which worker runs a workflow, and starts one anew only when told that its worker is dead. A worker is
    named anew at every launch, so that two processes never share a name and a restart counts as a death.
    """

    def __init__(self, url: sa.URL, worker: str) -> None:
        self._presence = open_presence(url)
        self._worker = worker
        self._suspects: set[str] = set()

    def claim(self) -> None:
        """Be alive, before any work is taken."""
        self._presence.claim(self._worker)

    def look(self, dbos: DBOS) -> None:
        """Put what dead workers had begun back into the queue; exactly one live worker will take each of them."""
        self._presence.claim(self._worker)
        unfinished = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        workers = {record.executor_id for record in unfinished if record.executor_id is not None} - {self._worker}
        dead = {worker for worker in workers if self._presence.is_dead(worker)}
        # When the database restarts, every worker loses its lock and lives: it has until the next look to claim it again.
        sure = dead if self._presence.certain else dead & self._suspects
        self._suspects = dead
        if sure:
            _log.warning("taking up the unfinished work of %d workers that are gone", len(sure))
            dbos._recover_pending_workflows(sorted(sure))

    def release(self) -> None:
        self._presence.release()
