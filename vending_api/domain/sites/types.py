"""What a site file says, and how the register differs from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sts.key_data import KeyRevisionNumber, SupplyGroupCode
    from vending_api.domain.clients.types import ClientTerms
    from vending_api.domain.meters.types import PurchaseLimits, Utility, UtilityRules


class Kind(StrEnum):
    """What a site is made of, in the words of a site file."""

    UTILITY = "utility"
    SUPPLY_GROUP = "supply_group"
    TARIFF = "tariff"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEntry:
    """A supply group of a utility."""

    code: SupplyGroupCode
    key_revision: KeyRevisionNumber | None = None
    """What all its meters should hold; None leaves each as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityEntry:
    """A utility; its name is what it is known by."""

    utility: Utility
    limits: PurchaseLimits
    rules: UtilityRules
    supply_groups: tuple[GroupEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffEntry:
    """A tariff; meters are put under it by its name."""

    name: str
    document: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEntry:
    """A client; its user name is what it is known by."""

    user_name: str
    name: str
    terms: ClientTerms
    terminals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that a site file says."""

    utilities: tuple[UtilityEntry, ...] = ()
    tariffs: tuple[TariffEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One value that the register gets in place of another."""

    field: str
    before: str | int | None
    after: str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the register does not hold yet, or holds otherwise."""

    kind: Kind
    name: str
    is_new: bool
    fields: tuple[FieldChange, ...] = ()
    """What changes; empty for what is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """What cannot be entered, because the register holds something against it."""

    kind: Kind
    name: str
    field: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteComparison:
    """How a site differs from the register."""

    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]

    def new_names(self, kind: Kind) -> frozenset[str]:
        """Return the names of a kind that the register does not hold yet."""
        return frozenset(one.name for one in self.changes if one.kind is kind and one.is_new)
