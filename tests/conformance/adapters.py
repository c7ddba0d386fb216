from __future__ import annotations

from pathlib import Path

from fotofila.core.queue import LaneNames, Queue
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.core.storage import Storage
from fotofila.core.storage.local import LocalStorage
from fotofila.testing.clock import FileClock


def open_sqlite_queue(folder: Path) -> Queue:
    clock = FileClock(path=folder / "clock")
    return SqliteQueue(folder / "queue.db", max_deliveries=3, names=LaneNames(), now=clock.now)


def open_renamed_sqlite_queue(folder: Path) -> Queue:
    clock = FileClock(path=folder / "clock")
    names = LaneNames(process="fotos_para_processar", results="resultados_processados", failures="falhas_processamento")
    return SqliteQueue(folder / "queue.db", max_deliveries=3, names=names, now=clock.now)


def open_local_storage(root: Path) -> Storage:
    return LocalStorage(root)
