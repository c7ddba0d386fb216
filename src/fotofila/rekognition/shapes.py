"""Shapes of what operations take, and how a request is read by them.

A table of shapes says what AWS publishes of its service: names, types, lengths, ranges, patterns, values. Clients send
all of that unchecked, so everything is checked here, and refused in the words of AWS: a value of another type is a
`SerializationException`; whatever else is wrong is told in one `ValidationException`, all of it at once.
"""

from __future__ import annotations

import binascii
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from fotofila.rekognition.errors import AwsError

LETTERS_SPACES_NUMBERS = r"\p{L}\p{Z}\p{N}"
"""Unicode classes in a pattern of AWS, which Python's expressions do not know: one character stands for all of them."""
STAND_IN = "\x80"
MOST_SHOWN = 200
"""Characters of a wrong value that are told back."""
MOST_FAULTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string."""

    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number; whole ones are 32 bits wide."""

    whole: bool
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes, in base64."""

    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list of one shape."""

    member: Shape
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Strings by strings."""

    key: Text
    value: Text
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Members by name."""

    members: Mapping[str, Shape]
    required: tuple[str, ...] = ()


Shape = Text | Number | Blob | Listed | Mapped | Structure
INT32 = 2**31


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with a request, as far as it was read."""

    sentences: list[str] = field(default_factory=list)

    def add(self, path: str, value: object, constraint: str) -> None:
        """Tell one."""
        if len(self.sentences) < MOST_FAULTS:
            shown = "null" if value is None else f"'{str(value)[:MOST_SHOWN]}'"
            self.sentences.append(f"Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}")

    def demand_none(self) -> None:
        """Raise a ValidationException where something is wrong."""
        if count := len(self.sentences):
            what = f"{count} validation error{'s' if count > 1 else ''} detected"
            raise AwsError("ValidationException", f"{what}: {'; '.join(self.sentences)}")


def read_request(shape: Structure, given: Any) -> dict[str, Any]:
    """Return what a request says: members that are known and there, blobs as bytes.

    Raises:
        AwsError: SerializationException or ValidationException.
    """
    faults = Faults()
    read: dict[str, Any] = read_shape(shape, given, "", faults)
    faults.demand_none()
    return read


def read_shape(shape: Shape, given: Any, path: str, faults: Faults) -> Any:
    """Read one value."""
    return _READERS[type(shape)](shape, given, path, faults)


def read_structure(shape: Structure, given: Any, path: str, faults: Faults) -> dict[str, Any]:
    """Read members; null is as good as absent, and what is not known is ignored, as AWS does."""
    if not isinstance(given, dict):
        raise wrong_type(given, "a structure", path)
    read = {}
    for name, member in shape.members.items():
        value = given.get(name)
        where = f"{path}.{lowered(name)}" if path else lowered(name)
        if value is not None:
            read[name] = read_shape(member, value, where, faults)
        elif name in shape.required:
            faults.add(where, None, "not be null")
    return read


def read_text(shape: Text, given: Any, path: str, faults: Faults) -> str:
    """Read a string."""
    if not isinstance(given, str):
        raise wrong_type(given, "a String", path)
    check_length(shape, given, given, path, faults)
    if shape.pattern is not None and not matcher(shape.pattern)(given):
        faults.add(path, given, f"satisfy regular expression pattern: {shape.pattern}")
    if shape.values and given not in shape.values:
        faults.add(path, given, f"satisfy enum value set: [{', '.join(shape.values)}]")
    return given


def read_number(shape: Number, given: Any, path: str, faults: Faults) -> float:
    """Read a number; 5.0 is whole."""
    if type(given) not in {int, float}:
        raise wrong_type(given, "an Integer" if shape.whole else "a Float", path)
    if shape.whole:
        if not math.isfinite(given) or given != int(given) or not -INT32 <= given < INT32:
            raise wrong_type(given, "an Integer", path)
        given = int(given)
    if shape.least is not None and given < shape.least:
        faults.add(path, given, f"have value greater than or equal to {shape.least:g}")
    if shape.most is not None and given > shape.most:
        faults.add(path, given, f"have value less than or equal to {shape.most:g}")
    return cast("float", given)


def read_blob(shape: Blob, given: Any, path: str, faults: Faults) -> bytes:
    """Read bytes; how long they may be is for the operation to say, which has a name for images too large."""
    if not isinstance(given, str):
        raise wrong_type(given, "a Blob", path)
    try:
        read = binascii.a2b_base64(given, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_type(given, "a Blob", path) from error
    if shape.shortest is not None and len(read) < shape.shortest:
        faults.add(path, "", f"have length greater than or equal to {shape.shortest}")
    return read


def read_list(shape: Listed, given: Any, path: str, faults: Faults) -> list[Any]:
    """Read a list; null members are dropped."""
    if not isinstance(given, list):
        raise wrong_type(given, "a List", path)
    check_length(shape, given, f"[{len(given)} members]", path, faults)
    members = ((number, member) for number, member in enumerate(given, 1) if member is not None)
    return [read_shape(shape.member, member, f"{path}.{number}.member", faults) for number, member in members]


def read_map(shape: Mapped, given: Any, path: str, faults: Faults) -> dict[str, str]:
    """Read strings by strings."""
    if not isinstance(given, dict):
        raise wrong_type(given, "a Map", path)
    check_length(shape, given, f"[{len(given)} entries]", path, faults)
    read = {}
    for name, value in given.items():
        read_text(shape.key, name, f"{path}.key", faults)
        if value is not None:
            read[name] = read_text(shape.value, value, f"{path}.{name[:MOST_SHOWN]}.member", faults)
    return read


def check_length(shape: Text | Listed | Mapped, given: Any, shown: str, path: str, faults: Faults) -> None:
    """Check a length."""
    if shape.shortest is not None and len(given) < shape.shortest:
        faults.add(path, shown, f"have length greater than or equal to {shape.shortest}")
    if shape.longest is not None and len(given) > shape.longest:
        faults.add(path, shown, f"have length less than or equal to {shape.longest}")


@lru_cache(maxsize=64)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what says whether all of a text fits a pattern of AWS, which are Java's."""
    compiled = re.compile(pattern.replace(LETTERS_SPACES_NUMBERS, f"a-zA-Z0-9 {STAND_IN}"), re.ASCII)
    if LETTERS_SPACES_NUMBERS not in pattern:
        return lambda text: compiled.fullmatch(text) is not None
    return lambda text: compiled.fullmatch("".join(map(stand_in, text))) is not None


def stand_in(character: str) -> str:
    """Return one character for every letter, space and number beyond ASCII, and one that fits nothing for the rest."""
    if character.isascii():
        return character
    return STAND_IN if unicodedata.category(character)[0] in "LZN" else "\x00"


def lowered(name: str) -> str:
    """Return a member's name as AWS writes it in sentences."""
    return name[0].lower() + name[1:]


def wrong_type(given: Any, wanted: str, path: str) -> AwsError:
    """Make the error of a value that is of another type."""
    kinds = {bool: "BOOLEAN_VALUE", str: "STRING_VALUE", dict: "START_OBJECT", list: "START_ARRAY"}
    kind = kinds.get(type(given), "NUMBER_VALUE")
    where = f" (at '{path}')" if path else ""
    return AwsError("SerializationException", f"{kind} can not be converted to {wanted}{where}")


_READERS: Mapping[type[Any], Callable[[Any, Any, str, Faults], Any]] = {
    Text: read_text,
    Number: read_number,
    Blob: read_blob,
    Listed: read_list,
    Mapped: read_map,
    Structure: read_structure,
}
