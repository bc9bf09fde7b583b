"""Changes JSON as a value and not as octets, so that most of what comes of it is still JSON."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 5, 255, 256, 65_536, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**30),
    *(0.5, 1e16, -0.0, 1e300, "", " ", "0", "1", "-1", "1.5", "1e5", "TST001", "TST004", "TST006"),
    *(
        "TST011",
        "710",
        "566",
        "840",
        "purchase-1",
        "key-change-1",
        "\x00",
        "\n",
        "\ud800",
        "é",
        "٣",
    ),
    *(
        "a" * 65,
        "9" * 40,
        "<b>",
        "../..",
        "%00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
    ),
    *("2026-11-21T12:00:00Z", "2026-02-30T00:00:00Z", "16:00", "null", [], {}, [[]], [{}], [None]),
)
_OFTEN: Final = 4


def mutator(words: Sequence[str], *, kept: int) -> Callable[[bytes, int, int], bytes]:
    """Return what changes inputs whose first `kept` octets are not of the JSON.

    A fifth of all inputs, and what is no JSON, is changed octet by octet, with `words` put in.
    """
    octets = [word.encode() for word in words]

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = Random(seed)  # noqa: S311 (libFuzzer wants the same for the same seed)
        try:
            value = json.loads(data[kept:])
        except (ValueError, RecursionError):
            return _mangled(data, chance, octets)[:max_size]
        if not chance.randrange(_OFTEN + 1):
            return _mangled(data, chance, octets)[:max_size]
        head = bytes([chance.randrange(256)]) if not chance.randrange(8) else data[:1]
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            value = _changed(value, chance)
        text = json.dumps(value, ensure_ascii=chance.random() < 0.5, separators=(",", ":"))
        return (head[:kept] + text.encode("utf-8", "surrogatepass"))[:max_size]

    return mutate


def _mangled(data: bytes, chance: Random, words: Sequence[bytes]) -> bytes:
    """Return octets of which some are left out, and others put in."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, length = chance.randrange(len(data) + 1), chance.choice((0, 0, 1, 1, 2, 8, 64))
        there = chance.randrange(len(data) + 1)
        put_in = (
            chance.choice(words),
            chance.randbytes(chance.randrange(1, 4)),
            data[there : there + chance.randrange(1, 32)],
            b"",
        )
        data = data[:at] + chance.choice(put_in) + data[at + length :]
    return data


def _changed(value: Any, chance: Random) -> Any:
    """Return a value with one place of it changed."""
    places = list(_places(value, ()))
    place = chance.choice(places)
    if not place:
        return value
    parent = _at(value, place[:-1])
    last = place[-1]
    match chance.randrange(7):
        case 0:
            del parent[last]
        case 1:
            parent[last] = _copy(_at(value, chance.choice(places)))
        case 2 if isinstance(parent, dict):
            parent[str(chance.choice(_ODD))] = parent[last]
        case 2:
            parent.append(_copy(parent[last]))
        case 3 if isinstance(parent[last], int | float):
            parent[last] += chance.choice((-1, 1, 10, -parent[last], parent[last]))
        case 3 if isinstance(parent[last], str):
            at = chance.randrange(len(parent[last]) + 1)
            odd = chance.choice(("", "0", "9", "-", " ", ".", "\x00", "\u2028", "\U0001f600"))
            parent[last] = parent[last][:at] + odd + parent[last][at + chance.randrange(2) :]
        case _:
            parent[last] = _copy(chance.choice(_ODD))
    return value


def _places(value: Any, place: tuple[Any, ...]) -> Any:
    yield place
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*place, key))


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
