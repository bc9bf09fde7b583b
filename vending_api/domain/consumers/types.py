"""Who has registered, and what is asked of the register of consumers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.estates.types import Estate

API_KEY_CHARACTERS: Final = 119
"""Letters and digits: 708 bits of chance, so a plain SHA-256 hides a key as well as argon2."""
KEYS_OF_A_CONSUMER: Final = 10
"""How many devices may be logged in; one more login ends the oldest."""
ATTEMPTS_WINDOW: Final = timedelta(minutes=1)
ATTEMPTS_BY_EMAIL: Final = 5
"""In a window, for one e-mail address from one network address."""
ATTEMPTS_BY_ADDRESS: Final = 30
"""In a window, from one network address, whatever the e-mail address."""


class MeterSource(StrEnum):
    """How a meter is fed, in the words that consumers are shown."""

    SINGLE = "single source"
    DUAL = "dual source"


class MeterPhase(StrEnum):
    """How many phases a meter has, in the words that consumers are shown."""

    SINGLE = "single phase"
    THREE = "3 phase"


METER_TYPES: Final = {1: MeterSource.SINGLE, 2: MeterSource.DUAL}
METER_PHASE_TYPES: Final = {1: MeterPhase.SINGLE, 2: MeterPhase.THREE}
"""The numbers that consumers choose by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A resident who has registered; personal data, so its repr shows the key alone."""

    key: int
    """The number of the user, and of the user's one meter, on the wire."""
    name: str = field(repr=False)
    email: str = field(repr=False)
    """As it was written when registering."""
    flat_number: str = field(repr=False)
    estate: Estate
    meter_key: int
    """Our own number of the meter's row; never leaves the service."""
    meter_number: str
    """What the register calls the meter: its external id."""
    meter_type_id: int
    meter_phase_type_id: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody of the operator's support, who may look at every order."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffKey:
    """That somebody of the staff holds an API key."""

    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationFacts:
    """What of a registration must be held against the records; None for what is not sound."""

    email: str | None = field(repr=False)
    estate_key: int | None
    meter_number: str | None


class FieldProblem(StrEnum):
    """Why a field of a registration cannot be."""

    TAKEN = "taken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register a resident; the password comes as its hash."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    password_hash: str = field(repr=False)
    estate_key: int
    flat_number: str = field(repr=False)
    meter_type_id: int
    meter_phase_type_id: int
    meter_number: str
    received_at: datetime
