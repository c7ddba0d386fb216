"""Characters that a database does not keep: NUL and half a surrogate pair, which files and errors may hold."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dump_json(value: Any) -> str:
    """Write JSON that every database takes."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(without_gaps(value))
    return json.dumps(without_gaps(value)) if "\\u0000" in text else text


def without_gaps(value: Any) -> Any:
    """Put a mark in place of each such character, in text, lists and objects."""
    match value:
        case str():
            return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {without_gaps(str(key)): without_gaps(each) for key, each in value.items()}
        case list() | tuple():
            return [without_gaps(each) for each in value]
    return value
