"""What was found in a photo, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from fotofila.cli.output import say, show_table

COLUMNS = ("#", "Centre", "Size", "Sure", "Age", "Appears", "Yaw", "Pitch", "Roll", "Sharp")
NONE = "-"


def show_faces(name: str, width: int, height: int, faces: Sequence[Mapping[str, Any]]) -> None:
    """Print what was found in a photo of `width` by `height` pixels."""
    count = f"{len(faces)} face{'' if len(faces) == 1 else 's'}" if faces else "no face"
    say(f"{name}  {width} x {height} pixels, {count}", style="bold")
    if faces:
        show_table(faces_table(width, height, faces))


def faces_table(width: int, height: int, faces: Sequence[Mapping[str, Any]]) -> Table:
    """Make the table of faces, from left to right; places in pixels, angles in degrees."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "Appears" else "right", no_wrap=True)
    for number, face in enumerate(sorted(faces, key=lambda face: face["bounding_box"]["left"]), start=1):
        table.add_row(str(number), *cells(face, width, height))
    return table


def cells(face: Mapping[str, Any], width: int, height: int) -> tuple[str, ...]:
    """Shape one face."""
    box, pose = face["bounding_box"], face["pose"]
    centre = f"{round((box['left'] + box['width'] / 2) * width)},{round((box['top'] + box['height'] / 2) * height)}"
    age, gender = face["age_range"], face["apparent_gender"]
    return (
        centre,
        f"{round(box['width'] * width)}x{round(box['height'] * height)}",
        f"{face['confidence']:.0%}",
        f"{age['low']}-{age['high']}" if age else NONE,
        f"{gender['value']} {gender['confidence']:.0%}" if gender else NONE,
        *(f"{round(pose[name])}°" for name in ("yaw", "pitch", "roll")),
        f"{face['quality']['sharpness']:.0f}",
    )
