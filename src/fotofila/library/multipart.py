"""Multipart uploads, part by part, as they come in: nothing is spooled, nothing is whole in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from fotofila.core.errors import BadRequestError

FIELD_BYTES = 8 * 1024
HEADER_BYTES = 8 * 1024


class CutOffError(BadRequestError):
    """The body ends before it should."""

    code = "cut_off"
    title = "The upload was cut off"


@dataclass(slots=True, kw_only=True)
class Part:
    """One part: a field has no file name."""

    name: str = ""
    filename: str | None = None
    content_type: str | None = None
    headers: dict[str, bytes] = field(default_factory=dict)
    read: bool = False


class Multipart:
    """Reads parts in order; each part's content must be read before the next part is asked for."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream = aiter(stream)
        self._events: deque[tuple[str, bytes]] = deque()
        self._header = b""
        self._value = b""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": lambda: self._events.append(("begin", b"")),
                    "on_part_data": lambda data, start, end: self._events.append(("data", data[start:end])),
                    "on_part_end": lambda: self._events.append(("end", b"")),
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise BadRequestError(f"The multipart boundary is not valid: {error}.") from error
        self._part = Part()

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._bound()

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bound()

    def _bound(self) -> None:
        if len(self._header) + len(self._value) > HEADER_BYTES:
            raise BadRequestError("A part of the multipart body has headers over 8 KB: send shorter ones.")

    def _on_header(self) -> None:
        self._events.append(("header", self._header.lower() + b":" + self._value))
        self._header = self._value = b""

    def _on_end(self) -> None:
        self._ended = True

    async def _event(self) -> tuple[str, bytes] | None:
        while not self._events:
            chunk = await anext(self._stream, None)
            if chunk is None:
                if not self._ended:
                    raise CutOffError("The upload was cut off before its end: send it again.")
                return None
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise BadRequestError(f"The multipart body cannot be read: {error}.") from error
        return self._events.popleft()

    async def parts(self) -> AsyncIterator[Part]:
        """Give each part; its content comes from `content`."""
        while (event := await self._event()) is not None:
            kind, value = event
            if kind == "begin":
                self._part = Part()
            elif kind == "header":
                name, _, text = value.partition(b":")
                self._part.headers[name.decode("latin-1").strip()] = text.strip()
            elif kind in {"data", "end"}:
                self._events.appendleft(event)
                yield shaped(self._part)
                async for _ in self.content():  # what the caller left
                    pass

    async def content(self) -> AsyncIterator[bytes]:
        """Give the content of the part at hand, up to its end."""
        if self._part.read:
            return
        while (event := await self._event()) is not None:
            if event[0] == "end":
                self._part.read = True
                return
            yield event[1]

    async def text(self) -> str:
        """Read a field whole."""
        value = b""
        async for chunk in self.content():
            value += chunk
            if len(value) > FIELD_BYTES:
                raise BadRequestError("A form field is longer than 8 KB: send files as files.")
        return value.decode("utf-8", "replace")


def shaped(part: Part) -> Part:
    """Read the headers of a part (RFC 7578)."""
    _, options = parse_options_header(part.headers.get("content-disposition", b""))
    part.name = options.get(b"name", b"").decode("utf-8", "replace")
    filename = options.get(b"filename")
    part.filename = None if filename is None else filename.decode("utf-8", "replace")
    content_type = part.headers.get("content-type")
    part.content_type = None if content_type is None else content_type.decode("latin-1")
    return part


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart/form-data content type, or None for anything else."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    if not options.get(b"boundary"):
        raise BadRequestError("The multipart body has no boundary: let the client set the Content-Type itself.")
    return options[b"boundary"]
