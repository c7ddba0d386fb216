from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from fotofila.core.ids import is_id, new_id


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_are_uuids_of_version_7_that_tell_their_time() -> None:
    before = time.time_ns() // 1_000_000
    uuid = UUID(hex=new_id())
    assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    assert before <= uuid.int >> 80 <= time.time_ns() // 1_000_000 + 1000


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_id(), range(8000)))
    assert len(set(ids)) == 8000


@pytest.mark.parametrize(
    "text", ["", "x" * 32, "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "\n", "../" + "0" * 29, "\u0660" * 32]
)
def test_what_has_not_the_form_of_an_id_is_none(text: str) -> None:
    assert not is_id(text)
    assert is_id(new_id())
