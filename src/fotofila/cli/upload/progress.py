"""The progress bar of an upload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from fotofila.cli.output import ERR
from fotofila.cli.pictures import Picture


class Bar:
    """Shows bytes and files on standard error, where that is a terminal."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[files]} of {task.fields[all_files]} photos"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=ERR,
            transient=True,
            disable=not ERR.is_terminal,
        )
        total = sum(picture.size_bytes for picture in pictures)
        self._task = self._progress.add_task("", total=total, files=0, all_files=len(pictures))
        self._over_bytes = 0
        self._files = 0
        self._going: dict[Picture, int] = {}

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._progress.stop()

    def going(self, picture: Picture, sent_bytes: int) -> None:
        """Show how much of a file has gone out."""
        self._going[picture] = sent_bytes
        self._show()

    def over(self, picture: Picture) -> None:
        """Count a file as done with."""
        self._going.pop(picture, None)
        self._over_bytes += picture.size_bytes
        self._files += 1
        self._show()

    def _show(self) -> None:
        completed = self._over_bytes + sum(self._going.values())
        self._progress.update(self._task, completed=completed, files=self._files)
