"""Any picture of Pillow's to 8-bit sRGB, as a careful viewer would show it on white."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from fotofila.core.images.errors import UnsupportedImageError
from fotofila.core.images.text import clean_text

_SAME_COLOURS = 3
"""A profile that moves no colour by more levels than this is taken for sRGB: converting costs 17 ns a pixel."""

_PROFILE_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_MAX_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Coloured:
    """An RGB picture, and what it was before: with alpha, and with which profile (its name, if it had one)."""

    image: Image.Image
    has_alpha: bool
    icc_profile: str | None


def to_srgb(image: Image.Image, *, significant_bits: int = 16, white_is_zero: bool = False) -> Coloured:
    """Return the picture in mode RGB: flattened on white, 16 bits scaled to 8, embedded profile applied.

    Args:
        image: Loaded.
        significant_bits: How many bits of a 16-bit gray sample are used (12 in some TIFFs).
        white_is_zero: Whether 16-bit gray counts from white (TIFF photometric 0), which Pillow leaves to us.

    Raises:
        UnsupportedImageError: samples of 32 bits or floating point, whose range nobody knows.
    """
    profile = _profile_of(image)
    has_alpha = image.has_transparency_data
    if image.mode.startswith("I;16"):
        image, has_alpha = _from_16_bits(image, significant_bits, inverted=white_is_zero), False
    if image.mode in {"I", "F"}:
        raise UnsupportedImageError(
            "This picture has samples of 32 bits or floating point, whose range is not known: "
            "export it with 8 or 16 bits per channel."
        )
    if has_alpha:
        image = _on_white(image)
    elif image.mode in {"1", "P", "YCbCr", "HSV", "RGBX"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = _apply_profile(image, profile)
    return Coloured(image=_plain_rgb(image), has_alpha=has_alpha, icc_profile=profile.name)


def is_srgb(image: Image.Image) -> bool:
    """Return whether the samples of an opened picture are RGB that `to_srgb` would leave as they are."""
    profile = _profile_of(image)
    return image.mode == "RGB" and not image.has_transparency_data and not profile.applies_to("RGB")


def profile_name(image: Image.Image) -> str | None:
    """Return the name of the profile in an opened picture, if it has one that can be read."""
    return _profile_of(image).name


def _from_16_bits(image: Image.Image, significant_bits: int, *, inverted: bool) -> Image.Image:
    samples = np.asarray(image) >> (significant_bits - 8)
    gray = np.minimum(samples, 255).astype(np.uint8)
    return Image.fromarray(255 - gray if inverted else gray)


def _on_white(image: Image.Image) -> Image.Image:
    gray = image.mode in {"LA", "La"}
    if image.mode not in {"RGBA", "LA"}:
        image = image.convert("LA" if gray else "RGBA")
    canvas = Image.new("L" if gray else "RGB", image.size, "white")
    canvas.paste(image.convert(canvas.mode), mask=image.getchannel("A"))
    return canvas


def _plain_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab_transform()) or image
    return image if image.mode == "RGB" else image.convert("RGB")


def _apply_profile(image: Image.Image, profile: _Profile) -> Image.Image:
    """Return the picture in sRGB; a profile that is broken or of another mode is ignored."""
    if profile.transform is None or not profile.applies_to(image.mode):
        return image
    in_place = profile.mode == "RGB"
    return ImageCms.applyTransform(image, profile.transform, inPlace=in_place) or image


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    name: str | None = None
    mode: str = ""
    transform: ImageCms.ImageCmsTransform | None = None
    """None: broken, of a colour space that no picture has, or as good as sRGB."""

    def applies_to(self, mode: str) -> bool:
        """Return whether colours of a mode are other than sRGB by this profile."""
        return self.transform is not None and self.mode == mode


def _profile_of(image: Image.Image) -> _Profile:
    """Return the profile in an opened picture; an empty one where there is none."""
    icc = image.info.get("icc_profile")
    return _read_profile(icc) if isinstance(icc, bytes) and icc else _Profile()


@lru_cache(maxsize=8)
def _read_profile(icc: bytes) -> _Profile:
    """Read a profile; a shoot has one, so the 3 ms that it takes are spent once."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name = clean_text(ImageCms.getProfileDescription(profile), max_length=_MAX_NAME)
        mode = _PROFILE_SPACES.get(profile.profile.xcolor_space.strip(), "")
        if not mode:
            return _Profile(name=name)
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _Profile()  # browsers show such a picture as if it had none, and so do we
    same = mode == "RGB" and _moves_by(transform) <= _SAME_COLOURS
    return _Profile(name=name, mode=mode, transform=None if same else transform)


def _moves_by(transform: ImageCms.ImageCmsTransform) -> int:
    """Return by how many levels (0-255) a transform moves the colour that it moves most, of 512 evenly spread."""
    steps = np.linspace(0, 255, 8).astype(np.uint8)
    probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(16, 32, 3)
    moved = ImageCms.applyTransform(Image.fromarray(probe), transform)
    return int(np.abs(np.asarray(moved, dtype=np.int16) - probe).max())


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
