"""What can go wrong with collections."""

from __future__ import annotations

from fotofila.core.errors import ConflictError, ForbiddenError, NotFoundError
from fotofila.faces.engine.base import NoFaceError

__all__ = [
    "CollectionExistsError",
    "CollectionNotFoundError",
    "FaceNotFoundError",
    "NoFaceError",
    "OtherEngineError",
    "RecognitionOffError",
    "UserExistsError",
    "UserNotFoundError",
]


class CollectionNotFoundError(NotFoundError):
    """The workspace has no collection of this name."""

    code = "collection_not_found"
    title = "There is no such collection"


class CollectionExistsError(ConflictError):
    """The workspace has a collection of this name."""

    code = "collection_exists"
    title = "The collection exists"


class FaceNotFoundError(NotFoundError):
    """The collection has no such face."""

    code = "face_not_found"
    title = "There is no such face"


class UserNotFoundError(NotFoundError):
    """The collection has no such user."""

    code = "collection_user_not_found"
    title = "There is no such user in the collection"


class UserExistsError(ConflictError):
    """The collection has a user of this name."""

    code = "collection_user_exists"
    title = "The user exists"


class RecognitionOffError(ForbiddenError):
    """Biometrics are opt-in: neither the workspace nor the collection has switched them on."""

    code = "recognition_off"
    title = "Face recognition is off"


class OtherEngineError(ConflictError):
    """The vectors of a collection lie with another engine than that of this process."""

    code = "other_engine"
    title = "The collection belongs to another engine"
