"""What was found in a photo, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

COLUMNS = ("#", "Centre", "Size", "Sure", "Age", "Appears", "Yaw", "Pitch", "Roll", "Sharp")
NONE = "-"


def faces_table(name: str, width: int, height: int, faces: Sequence[Mapping[str, Any]]) -> Table:
    """Make the table of a photo of `width` by `height` pixels; faces from left to right, angles in degrees."""
    count = f"{len(faces)} face{'' if len(faces) == 1 else 's'}" if faces else "no face"
    title = Text.assemble((name, "bold"), f"  {width} x {height} pixels, {count}")
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="", pad_edge=False)
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
