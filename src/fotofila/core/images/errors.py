"""What can be wrong with a picture. All of it is permanent: the same bytes fail again."""

from __future__ import annotations

from fotofila.core.errors import FotofilaError


class ImageError(FotofilaError):
    """Base of what a picture can be refused or fail for."""

    code = "invalid_image"
    status = 422
    title = "The picture cannot be used"
    permanent = True


class EmptyFileError(ImageError):
    """There is not one byte."""

    code = "empty_file"
    title = "The file is empty"


class UnsupportedMediaTypeError(ImageError):
    """The bytes are of a kind that is not taken."""

    code = "unsupported_media_type"
    status = 415
    title = "Not a kind of picture that is taken"


class RawNotSupportedError(ImageError):
    """The bytes are a camera's RAW file."""

    code = "raw_not_supported_yet"
    status = 415
    title = "RAW files are not developed yet"


class MediaTypeMismatchError(ImageError):
    """The bytes are a picture, but not of the type that the sender declared."""

    code = "media_type_mismatch"
    status = 415
    title = "The file is not what its type says"


class TooManyPixelsError(ImageError):
    """The header promises more pixels than are taken."""

    code = "too_many_pixels"
    title = "Too many pixels"


class MalformedImageError(ImageError):
    """The header contradicts itself or has no size."""

    code = "malformed_image"
    title = "The header of the picture is broken"


class TruncatedImageError(ImageError):
    """The file ends before its picture does."""

    code = "truncated_image"
    title = "The file is cut off"


class CorruptImageError(ImageError):
    """The file is all there, but its picture cannot be read."""

    code = "corrupt_image"
    title = "The picture is damaged"


class UnsupportedImageError(ImageError):
    """A known format in a variety that cannot be shown faithfully, as 32-bit floating-point TIFF."""

    code = "unsupported_image"
    title = "A variety of the format that is not read"


class ImageTooLargeError(ImageError):
    """Decoding needs more memory than the child may use."""

    code = "image_too_large"
    title = "The picture needs more memory than it may use"
