"""What may be known of a vending key by anyone: everything but the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from sts.errors import VendingKeyNotFound
from sts.keys.vending_key import VendingKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sts.base_date import BaseDate
    from sts.key_data import (
        DecoderKeyGenerationAlgorithm,
        KeyExpiryNumber,
        KeyRevisionNumber,
        KeyType,
        SupplyGroupCode,
    )


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The facts that a vending key comes with; supply group and revision name it."""

    supply_group_code: SupplyGroupCode
    key_revision_number: KeyRevisionNumber
    key_type: KeyType
    base_date: BaseDate
    key_expiry_number: KeyExpiryNumber
    algorithm: DecoderKeyGenerationAlgorithm

    @classmethod
    def of(cls, key: VendingKey) -> KeyFacts:
        """Return the facts of a key."""
        return cls(
            key.supply_group_code,
            key.key_revision_number,
            key.key_type,
            key.base_date,
            key.key_expiry_number,
            key.algorithm,
        )

    def with_octets(self, octets: bytes) -> VendingKey:
        """Return the key of these facts; raises InvalidField when its length does not fit."""
        return VendingKey(
            octets,
            self.supply_group_code,
            self.key_revision_number,
            self.key_type,
            self.base_date,
            self.key_expiry_number,
            self.algorithm,
        )

    @property
    def place(self) -> tuple[str, int]:
        """Supply group and revision, by which no two keys of a store are the same."""
        return self.supply_group_code.digits, self.key_revision_number.value


Facts = TypeVar("Facts", bound=KeyFacts)


class KeyDirectory(Protocol):
    """Tells which vending keys there are."""

    def facts(self) -> Sequence[KeyFacts]:
        """Return the facts of every key."""
        ...

    def vending_key_for(
        self, supply_group_code: SupplyGroupCode, key_revision_number: KeyRevisionNumber
    ) -> KeyFacts:
        """Return the facts of one key; raises VendingKeyNotFound."""
        ...


class ListedKeys(Generic[Facts]):
    """A directory without the keys, such as the open part of a sealed key file."""

    __slots__ = ("_facts",)

    def __init__(self, facts: Iterable[Facts]) -> None:
        """Take the facts of each key."""
        self._facts = {one.place: one for one in facts}

    def facts(self) -> list[Facts]:
        """Return the facts of every key."""
        return list(self._facts.values())

    def vending_key_for(
        self, supply_group_code: SupplyGroupCode, key_revision_number: KeyRevisionNumber
    ) -> Facts:
        """Return the facts of one key; raises VendingKeyNotFound."""
        place = (supply_group_code.digits, key_revision_number.value)
        facts = self._facts.get(place)
        if facts is None:
            raise VendingKeyNotFound(*place)
        return facts
