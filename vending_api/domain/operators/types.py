"""Operators, their roles and what each role may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

LONGEST_NAME: Final = 24
"""Two names stand in the warrant of a token, which has 120 characters."""
SESSION_LASTS: Final = timedelta(hours=8)
"""A working day."""
FREE_ATTEMPTS: Final = 5
"""So many wrong logins one after the other cost no wait."""
FIRST_WAIT: Final = timedelta(seconds=30)
"""After one more; each further one doubles it."""
LONGEST_WAIT: Final = timedelta(hours=1)
ATTEMPTS_KEPT: Final = timedelta(days=1)
"""After a day without one, wrong logins are forgotten."""


class Role(StrEnum):
    """What somebody is at the utility."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    KEY_CUSTODIAN = "key-custodian"
    AUDITOR = "auditor"
    SUPPORT = "support"


class Right(StrEnum):
    """What a command may need."""

    SELF = "own affairs"
    """Own sessions, keys, password and proposals."""
    LOOK = "look at the register"
    SEE_TOKENS = "see tokens again"
    EXAMINE = "examine the evidence"
    ASSIST = "help customers"
    OPERATE = "daily work that gives nobody value"
    PROPOSE = "propose what has value"
    APPROVE = "approve what has value"
    PROPOSE_KEYS = "propose keys"
    APPROVE_KEYS = "approve keys"
    DECIDE = "decide about proposals"
    ADMINISTER = "administer operators and passwords"
    SEAL_LOG = "sign the token log"


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.CLERK: frozenset({Right.SELF, Right.LOOK, Right.OPERATE, Right.PROPOSE}),
    Role.SUPERVISOR: frozenset(
        {
            *(Right.SELF, Right.LOOK, Right.SEE_TOKENS, Right.EXAMINE, Right.ASSIST),
            *(Right.OPERATE, Right.PROPOSE, Right.APPROVE, Right.DECIDE, Right.ADMINISTER),
        }
    ),
    Role.KEY_CUSTODIAN: frozenset(
        {
            *(Right.SELF, Right.LOOK, Right.PROPOSE_KEYS, Right.APPROVE_KEYS),
            *(Right.DECIDE, Right.SEAL_LOG),
        }
    ),
    Role.AUDITOR: frozenset({Right.SELF, Right.LOOK, Right.SEE_TOKENS, Right.EXAMINE}),
    Role.SUPPORT: frozenset({Right.SELF, Right.LOOK, Right.SEE_TOKENS, Right.ASSIST}),
}
"""What each role may do; who has several may do all of it."""
PERSONAL: Final = frozenset(
    {Right.APPROVE, Right.APPROVE_KEYS, Right.DECIDE, Right.ADMINISTER, Right.SEAL_LOG}
)
"""What needs somebody who has logged in with both factors; an API key does not do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who gives commands."""

    key: int
    name: str
    roles: frozenset[Role]
    is_disabled: bool
    must_change_password: bool
    added_at: datetime

    @property
    def rights(self) -> frozenset[Right]:
        """What this operator may do."""
        return frozenset[Right]().union(*(RIGHTS[role] for role in self.roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperator:
    """An operator to be added, with a password that somebody else has made."""

    name: str
    roles: frozenset[Role]
    password_hash: str = field(repr=False)
    totp_sealed: str = field(repr=False)


class PassKind(StrEnum):
    """How an operator is known after the login."""

    SESSION = "session"
    API_KEY = "api key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A session or API key; of its secret nothing but a digest is kept."""

    number: int
    kind: PassKind
    operator_name: str
    label: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who gives this command, and by what that is known."""

    operator: Operator
    kind: PassKind
    number: int
    """Of the session or the API key."""

    def may(self, right: Right) -> bool:
        """Tell whether a right is there: by a role, and not by an API key if it is personal."""
        is_known_well = self.kind is PassKind.SESSION or right not in PERSONAL
        return is_known_well and right in self.operator.rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What somebody's password and code are held against."""

    operator: Operator
    password_hash: str = field(repr=False)
    totp_sealed: str = field(repr=False)
    totp_step: int
    """The time step of the last code that was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A candidate whose password and code were right; nothing is stored of it yet."""

    candidate: Candidate
    totp_secret: str = field(repr=False)
    totp_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """Another password, as it is kept."""

    password_hash: str = field(repr=False)
    totp_sealed: str = field(repr=False)
