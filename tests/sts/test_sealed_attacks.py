"""Attacks on sealed key files: each is refused, and each would succeed without its defence.

Somebody may write the file but does not know what opens it. The second half of each test takes
the one defence away, on sealing and on opening, and shows that the attack goes unnoticed then.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sts.errors import KeyFileAltered, KeyFileInvalid, SealNotOpened, StsError
from sts.keys import sealing
from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import SealedKeyFile, parse_sealed_key_file
from sts.keys.sealing import Seal, SealHeader
from tests.sts.published_keys import vending_key
from tests.support.sealed_keys import by_key, by_passphrase, sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.keys.key_facts import KeyFacts

LIVE: Final = vending_key(b"\x01\x23\x45\x67\x89\xab\xcd\x01", group="100001", base=2014)
NEXT: Final = vending_key(
    b"\x01\x23\x45\x67\x89\xab\xcd\x02", group="100001", revision=2, base=2014
)
OTHER: Final = vending_key(b"\x01\x23\x45\x67\x89\xab\xcd\x04", group="100002", base=2014)
STORE: Final = KeyStore([LIVE, NEXT, OTHER])


def _opened(text: str) -> list[Any]:
    file = parse_sealed_key_file(text, path="keys.sealed")
    return list(file.open(file.key_for(by_key())))


def _parts(text: str) -> list[str]:
    """Return what stands before the entries, and each entry."""
    head, *entries = text.split("[[sealed_key]]")
    return [head, *entries]


def _joined(parts: list[str]) -> str:
    return "[[sealed_key]]".join(parts)


def _keys_of_two_groups_swapped(text: str) -> str:
    head, first, second, third = _parts(text)
    first_key, third_key = (part[part.index("nonce") :] for part in (first, third))
    return _joined(
        [head, first.replace(first_key, third_key), second, third.replace(third_key, first_key)]
    )


def _two_entries_swapped(text: str) -> str:
    head, first, second, third = _parts(text)
    return _joined([head, third, second, first])


def _edited(field: str, value: object) -> Callable[[str], str]:
    def edit(text: str) -> str:
        head, first, *rest = _parts(text)
        lines = [
            f"{field} = {value}" if line.startswith(f"{field} =") else line
            for line in first.splitlines()
        ]
        return _joined([head, "\n".join([*lines, ""]), *rest])

    return edit


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(_keys_of_two_groups_swapped, id="the keys of two supply groups"),
        pytest.param(_edited("supply_group_code", '"999999"'), id="supply group"),
        pytest.param(_edited("key_revision_number", 9), id="revision"),
        pytest.param(_edited("key_type", 3), id="key type"),
        pytest.param(_edited("base_date", 2035), id="base date"),
        pytest.param(_edited("key_expiry_number", 254), id="expiry"),
    ],
)
def test_a_key_cannot_be_parted_from_its_facts(
    attack: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyFileAltered, match="entry 1 is not as it was sealed"):
        _opened(attack(sealed(STORE)))
    monkeypatch.setattr(sealing, "bound_to", lambda *_: b"")
    assert _opened(attack(sealed(STORE))) != list(STORE)


def test_a_key_cannot_be_made_one_of_another_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No length of a key fits two algorithms, so here the lengths are made to."""
    edit = _edited("decoder_key_generation_algorithm", '"04"')
    with pytest.raises(KeyFileInvalid, match="field sealed: expected 72 hex digits"):
        _opened(edit(sealed(STORE)))
    file = parse_sealed_key_file(sealed(STORE), path="x")
    entry = file.entries[0]
    facts = replace(entry.facts, algorithm=type(entry.facts.algorithm).DKGA04)
    seal = Seal(file.key_for(by_key()), file.header.salt)

    def octets() -> bytes | None:
        return seal.open(entry.sealed, entry.nonce, place=1, facts=facts)

    assert octets() is None
    monkeypatch.setattr(sealing, "bound_to", lambda _, facts: _without_algorithm(facts))
    entry = parse_sealed_key_file(sealed(STORE), path="x").entries[0]
    assert octets() == LIVE.octets


def _without_algorithm(facts: KeyFacts) -> bytes:
    return facts.supply_group_code.digits.encode()


def test_entries_stay_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyFileAltered, match="entry 1 is not as it was sealed"):
        _opened(_two_entries_swapped(sealed(STORE)))
    bound_to = sealing.bound_to
    monkeypatch.setattr(sealing, "bound_to", lambda _, facts: bound_to(1, facts))
    assert _opened(_two_entries_swapped(sealed(STORE))) == [OTHER, NEXT, LIVE]


def test_an_entry_of_another_file_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same key of the same secret manager: such as a revision that was withdrawn."""
    compromised = vending_key(bytes(8), group="100001", base=2014)

    def transplanted() -> str:
        old = sealed(KeyStore([compromised, NEXT, OTHER]), salt=b"an older file's.")
        return _joined([_parts(sealed(STORE))[0], *_parts(old)[1:2], *_parts(sealed(STORE))[2:]])

    with pytest.raises(KeyFileAltered, match="entry 1 is not as it was sealed"):
        _opened(transplanted())
    monkeypatch.setattr(sealing, "HKDF", lambda how, length, _, info: HKDF(how, length, None, info))
    assert _opened(transplanted())[0] == compromised


@pytest.mark.parametrize("left", [1, 2])
def test_a_file_with_fewer_keys_than_were_sealed_is_noticed(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = _joined(_parts(sealed(STORE))[: left + 1])
    with pytest.raises(KeyFileAltered, match=f"{left} of its 3 keys are here"):
        _opened(cut)
    fewer = cut.replace("number_of_keys = 3", f"number_of_keys = {left}")
    with pytest.raises(SealNotOpened, match=r"or \[seal\] was altered"):
        _opened(fewer)
    monkeypatch.setattr(Seal, "fits", lambda *_: True)
    assert len(_opened(fewer)) == left


def test_a_file_cut_off_anywhere_is_refused() -> None:
    text = sealed(STORE).rstrip()
    for length in range(len(text)):
        with pytest.raises(StsError):
            _opened(text[:length])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("scrypt_r = 8", "scrypt_r = 4"),
        ("scrypt_p = 1", "scrypt_p = 2"),
        ("scrypt_n = 16384", "scrypt_n = 32768"),
        ("number_of_keys = 3", "number_of_keys = 4"),
    ],
)
def test_no_field_of_the_header_can_be_edited(before: str, after: str) -> None:
    text = sealed(STORE, by_passphrase())
    assert before in text
    file = parse_sealed_key_file(text.replace(before, after), path="x")
    with pytest.raises(SealNotOpened):
        file.key_for(by_passphrase())


def test_everything_in_the_header_counts_for_its_check() -> None:
    by_passphrase_header = parse_sealed_key_file(sealed(STORE, by_passphrase()), path="x").header
    cost = by_passphrase_header.scrypt
    assert cost is not None
    custody = sealing.Custody(2, b"abc")
    others = [
        by_passphrase_header,
        replace(by_passphrase_header, number_of_keys=4),
        replace(by_passphrase_header, salt=bytes(16)),
        replace(by_passphrase_header, opened_by=sealing.OpenedBy.KEY),
        replace(by_passphrase_header, scrypt=None),
        replace(by_passphrase_header, scrypt=replace(cost, n=cost.n * 2)),
        replace(by_passphrase_header, scrypt=replace(cost, r=cost.r * 2)),
        replace(by_passphrase_header, scrypt=replace(cost, p=cost.p * 2)),
        replace(by_passphrase_header, custody=custody),
        replace(by_passphrase_header, custody=replace(custody, needed=3)),
        replace(by_passphrase_header, custody=replace(custody, share_set=b"abd")),
    ]
    assert len({header.octets() for header in others}) == len(others)


class _Watched(bytes):
    """Octets whose comparison by `==`, which ends at the first difference, is a failure."""

    __slots__ = ()
    __hash__ = bytes.__hash__

    def __eq__(self, _: object) -> bool:
        raise AssertionError("compared in a time that tells how much was right")

    __ne__ = __eq__


def test_the_check_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_of(self: Seal, header: SealHeader) -> bytes:
        return _Watched(original(self, header))

    original = Seal.check_of
    file = parse_sealed_key_file(sealed(STORE), path="x")
    monkeypatch.setattr(Seal, "check_of", check_of)
    file.key_for(by_key())  # right, and nobody used ==
    with pytest.raises(SealNotOpened):
        file.key_for(by_key("00" * 32))
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: one == other)
    with pytest.raises(AssertionError, match="how much was right"):
        file.key_for(by_key())


def test_a_sealed_file_does_not_print_what_opens_it() -> None:
    file = parse_sealed_key_file(sealed(STORE), path="x")
    assert isinstance(file, SealedKeyFile)
    secret, key = by_key(), file.key_for(by_key())
    for shown in (secret, key, Seal(key, file.header.salt), file.open(key), file):
        for octets in (secret.octets, key.octets, LIVE.octets):
            assert octets.hex() not in repr(shown).lower()
            assert repr(octets)[2:-1] not in repr(shown)
