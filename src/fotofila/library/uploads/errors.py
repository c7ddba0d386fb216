"""What can be wrong with an upload, beside what the door says of its content."""

from __future__ import annotations

from fotofila.core.errors import BadRequestError, ConflictError, FotofilaError, InvalidInputError


class UploadMovedError(ConflictError):
    """The upload is not where the request thinks it is: at another offset, or written by another request meanwhile."""

    code = "upload_offset"
    title = "The upload is at another offset"


class UploadIncompleteError(ConflictError):
    """The bytes are not all here."""

    code = "upload_incomplete"
    title = "The upload is not complete"


class UploadGoneError(FotofilaError):
    """The upload expired, or its content was refused."""

    code = "upload_gone"
    status = 410
    title = "The upload is over"
    permanent = True


class SizeMismatchError(InvalidInputError):
    """The file has another size than was announced."""

    code = "size_mismatch"
    title = "The size is not the announced one"


class ChecksumMismatchError(InvalidInputError):
    """The file has another checksum than was announced."""

    code = "checksum_mismatch"
    title = "The checksum is not the announced one"


class PieceMismatchError(BadRequestError):
    """A piece of a resumable upload is not what its `Upload-Checksum` says; 460 is tus's own status for it."""

    code = "piece_mismatch"
    status = 460
    title = "The checksum does not match"
    permanent = False


class SilentClientError(FotofilaError):
    """A request sent nothing for too long."""

    code = "silent"
    status = 408
    title = "Nothing more came"


class TusVersionError(FotofilaError):
    """The request is of another version of the protocol, or of none."""

    code = "tus_version"
    status = 412
    title = "This speaks tus 1.0.0"
    permanent = True


class TusContentTypeError(FotofilaError):
    """The body has another content type than the protocol wants."""

    code = "tus_content_type"
    status = 415
    title = "Wrong content type"
    permanent = True
