"""What an export says: lines of JSON. One `collection`, its `user`s, its `face`s, its `consent`s, and an `end`."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fotofila.faces.collections.export_file import BadExportError
from fotofila.faces.collections.schemas import CollectionName, Days, Note, PersonId
from fotofila.faces.engine.base import CHIP_BYTES
from fotofila.faces.face import face_from_json

FORMAT: Literal["fotofila-collection/1"] = "fotofila-collection/1"
ID = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
SHA256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Model = Annotated[str, Field(min_length=1, max_length=64)]
Text255 = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
LONGEST_VECTOR = 4096
NORM_TOLERANCE = 0.02
"""A unit vector in float16 is at most that far from length 1."""


class Line(BaseModel):
    """Unknown names are ignored: a later version may add some."""

    model_config = ConfigDict(extra="ignore")


class CollectionLine(Line):
    """The collection, first."""

    type: Literal["collection"] = "collection"
    format: Literal["fotofila-collection/1"]
    program: str
    exported_at: AwareDatetime
    name: CollectionName
    model: Model
    tags: dict[str, str]
    keep_chips: bool
    switched_on: bool
    ttl_days: Days | None
    consent_note: Note | None
    created_at: AwareDatetime


class UserLine(Line):
    """A person who is known by several faces; users come before faces."""

    type: Literal["user"] = "user"
    user_id: PersonId
    created_at: AwareDatetime


class FaceLine(Line):
    """A face; vectors by model, little-endian float16 of length 1 in base64, and perhaps its chip (112x112 RGB)."""

    type: Literal["face"] = "face"
    face_id: ID
    image_id: ID
    image_sha256: SHA256
    external_image_id: Text255 | None
    user_id: PersonId | None
    face: dict[str, Any]
    model: Model
    indexed_at: AwareDatetime
    vectors: dict[Model, str]
    chip: str | None = None

    def raw_vectors(self) -> dict[str, bytes]:
        """Return the vectors as they are kept."""
        return {model: base64.b64decode(text, validate=True) for model, text in self.vectors.items()}

    def raw_chip(self) -> bytes | None:
        """Return the chip."""
        return base64.b64decode(self.chip, validate=True) if self.chip is not None else None


class ConsentLine(Line):
    """A note that somebody agreed."""

    type: Literal["consent"] = "consent"
    kind: Literal["face_id", "user_id", "external_image_id"]
    subject: Text255
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    given_by: Text255 | None
    given_at: AwareDatetime
    recorded_at: AwareDatetime
    withdrawn_at: AwareDatetime | None


class EndLine(Line):
    """How many there were of each; the last line."""

    type: Literal["end"] = "end"
    users: int
    faces: int
    consents: int


AnyLine = CollectionLine | UserLine | FaceLine | ConsentLine | EndLine
LINE: TypeAdapter[AnyLine] = TypeAdapter(Annotated[AnyLine, Field(discriminator="type")])


@dataclass(slots=True, kw_only=True)
class Contents:
    """What a whole file holds."""

    collection: CollectionLine
    counts: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    """Vectors of each model."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of a vector of each model."""
    chips: int = 0
    newest_face: str = ""
    sha256: str = ""
    """Of all lines."""


def write_line(line: AnyLine) -> bytes:
    """Write a line."""
    return orjson.dumps(line.model_dump(mode="json")) + b"\n"


def parse(lines: Iterable[bytes]) -> Iterator[AnyLine]:
    """Read lines.

    Raises:
        BadExportError: a line is none of an export.
    """
    for number, text in enumerate(lines, start=1):
        try:
            yield LINE.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "it"
            raise BadExportError(f"Line {number} of the file is none of an export: {where} {first['msg']}.") from error


def survey(lines: Iterable[bytes]) -> Contents:
    """Read a whole file, look at everything that is in it, and count.

    Raises:
        BadExportError: something in it cannot be.
    """
    digest = hashlib.sha256()
    contents: Contents | None = None
    users: set[str] = set()
    last: AnyLine | None = None
    for line in parse(seen(lines, digest)):
        if isinstance(last, EndLine):
            raise BadExportError("The file goes on after its end.")
        last = line
        if contents is None:
            if not isinstance(line, CollectionLine):
                raise BadExportError("The file does not begin with a collection.")
            contents = Contents(collection=line)
            continue
        contents.counts[line.type] += 1
        look_at(line, contents, users)
    if contents is None or not isinstance(last, EndLine):
        raise BadExportError("The file has no end: it was cut off when it was written.")
    contents.sha256 = digest.hexdigest()
    return contents


def seen(lines: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    """Hash lines as they go by."""
    for line in lines:
        digest.update(line + b"\n")
        yield line


def look_at(line: AnyLine, contents: Contents, users: set[str]) -> None:
    """Look at one line; raises BadExportError where it does not fit those before."""
    match line:
        case CollectionLine():
            raise BadExportError("The file holds two collections.")
        case UserLine():
            users.add(line.user_id)
        case FaceLine():
            if line.user_id is not None and line.user_id not in users:
                raise BadExportError(f"The face {line.face_id} belongs to a user who is not in the file.")
            look_at_face(line, contents)
        case EndLine():
            told = {"user": line.users, "face": line.faces, "consent": line.consents}
            if any(contents.counts[name] != count for name, count in told.items()):
                raise BadExportError("The file holds not as many users, faces and consents as it says.")
        case ConsentLine():
            pass


def look_at_face(line: FaceLine, contents: Contents) -> None:
    """Look at a face, its vectors and its chip."""
    if line.face_id <= contents.newest_face:  # so none is there twice, and no list of them has to be kept
        raise BadExportError(f"The face {line.face_id} is not in its place: faces are sorted by their ids.")
    contents.newest_face = line.face_id
    try:
        face_from_json(line.face)
        vectors, chip = line.raw_vectors(), line.raw_chip()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadExportError(f"The face {line.face_id} cannot be read.") from error
    if chip is not None and len(chip) != CHIP_BYTES:
        raise BadExportError(f"The chip of the face {line.face_id} has not {CHIP_BYTES} bytes.")
    contents.chips += chip is not None
    for model, raw in vectors.items():
        size = contents.sizes.setdefault(model, len(raw))
        if not is_unit(raw) or len(raw) != size:
            raise BadExportError(f"The vector of the face {line.face_id} by {model} is none.")
        contents.models[model] += 1


def is_unit(raw: bytes) -> bool:
    """Say whether bytes are a vector of length 1 in little-endian float16."""
    if not raw or len(raw) % 2 or len(raw) > 2 * LONGEST_VECTOR:
        return False
    norm = float(np.linalg.norm(np.frombuffer(raw, "<f2").astype(np.float32)))
    return abs(norm - 1.0) <= NORM_TOLERANCE
