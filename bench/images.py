"""CPU time of everything that is done to a 2-megapixel JPEG and is not vision: `python -m bench.images [PHOTO]`.

With a photo, that photo is scaled to 2 megapixels first; without one, a picture with the spectrum of photographs
(1/f noise) and soft shapes is made. The last line is JSON.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fotofila.core.images.annotate import Annotation, draw_annotations, lay_out_legibly
from fotofila.core.images.decode import decode
from fotofila.core.images.exif import read_exif
from fotofila.core.images.renditions import (
    ANNOTATED_QUALITY,
    ANNOTATED_SIDES,
    LARGE_SIDE,
    SMALL_SIDE,
    make_renditions,
)
from fotofila.core.images.scaling import encode_webp, fitted, shrink, shrink_pixels
from fotofila.core.images.sniff import HEAD_BYTES, sniff

_SIZE = (1736, 1157)
_ROUNDS = 15
_FACES = [
    Annotation(left=0.1 + 0.3 * n, top=0.3, width=0.08, height=0.15, label=f"{30 + n}-{36 + n} F 97%") for n in range(3)
]


def made_photo() -> Image.Image:
    """Return a colour picture whose spectrum falls off as that of photographs does."""
    rng = np.random.default_rng(7)
    height, width = _SIZE[1], _SIZE[0]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    planes = []
    for strength in (1.0, 0.4, 0.4):
        noise = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**1.2
        plane = np.fft.irfft2(noise, s=(height, width))
        planes.append(strength * plane / plane.std())
    light, first, second = planes
    rgb = np.stack([light + first, light - 0.5 * first + 0.3 * second, light - second], axis=-1)
    return Image.fromarray(np.clip(128 + 48 * rgb, 0, 255).astype(np.uint8))


def measured(call: Callable[[], object]) -> float:
    """Return the median CPU milliseconds of a call."""
    spent = []
    for _ in range(_ROUNDS):
        start = time.process_time_ns()
        call()
        spent.append((time.process_time_ns() - start) / 1e6)
    return statistics.median(spent)


def measure(photo: Image.Image) -> dict[str, float]:
    """Return step to milliseconds for a photo of 2 megapixels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        photo.save(path, quality=88)
        data = path.read_bytes()
        pixels = decode(path).pixels
        large = shrink_pixels(pixels, LARGE_SIDE)
        small = shrink(large, SMALL_SIDE)
        layout = lay_out_legibly(_FACES, [fitted(large.size, side) for side in ANNOTATED_SIDES])
        annotated = shrink_pixels(np.asarray(large), max(layout.size))
        steps: dict[str, Callable[[], object]] = {
            "sniff": lambda: sniff(data[:HEAD_BYTES], declared_type=None),
            "exif": lambda: read_exif(path),
            "decode": lambda: decode(path),
            "decode_pillow_alone": lambda: Image.open(io.BytesIO(data)).load(),
            "shrink_1024": lambda: shrink_pixels(pixels, LARGE_SIDE),
            "shrink_256": lambda: shrink(large, SMALL_SIDE),
            "webp_1024": lambda: encode_webp(large),
            "webp_256": lambda: encode_webp(small),
            "shrink_annotated": lambda: shrink_pixels(np.asarray(large), max(layout.size)),
            "draw_3_faces": lambda: draw_annotations(annotated.copy(), _FACES),
            "webp_annotated": lambda: encode_webp(annotated, quality=ANNOTATED_QUALITY),
            "renditions": lambda: make_renditions(pixels, _FACES),
            "total": lambda: (read_exif(path), make_renditions(decode(path).pixels, _FACES)),
        }
        return {name: round(measured(call), 2) for name, call in steps.items()}


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench images", description=__doc__)
    parser.add_argument("photo", nargs="?", type=Path)
    chosen = parser.parse_args(arguments).photo
    photo = Image.open(chosen).convert("RGB").resize(_SIZE, Image.Resampling.LANCZOS) if chosen else made_photo()
    result = measure(photo)
    for name, milliseconds in result.items():
        print(f"{name:24} {milliseconds:8.2f} ms CPU")
    print(json.dumps({"bench": "images", "pixels": _SIZE[0] * _SIZE[1], "cpu_milliseconds": result}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
