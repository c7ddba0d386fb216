from __future__ import annotations

import pytest

from fotofila.core.queue import Outgoing
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES
from fotofila.core.queue.parts import demand_payloads, in_parts


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1], [1]),
        ([1, 1, 1], [3]),
        ([1, 1, 1, 1], [3, 1]),
        ([60, 60, 60], [1, 1, 1]),
        ([50, 50, 1], [2, 1]),
        ([500, 1, 1], [1, 2]),
    ],
)
def test_parts_hold_so_many_and_so_much(sizes: list[int], expected: list[int]) -> None:
    parts = in_parts(sizes, most=3, most_bytes=100)
    assert [len(sizes[part]) for part in parts] == expected
    assert [size for part in parts for size in sizes[part]] == sizes


def test_largest_payload_passes_and_a_larger_one_does_not() -> None:
    demand_payloads([])
    demand_payloads([Outgoing(payload=bytes(MAX_PAYLOAD_BYTES))])
    with pytest.raises(ValueError, match="204801 bytes"):
        demand_payloads([Outgoing(payload=b""), Outgoing(payload=bytes(MAX_PAYLOAD_BYTES + 1))])
