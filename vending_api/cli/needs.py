"""What each command needs of who gives it, once there are operators: a table, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.operators.types import Right

if TYPE_CHECKING:
    from collections.abc import Mapping


class Need(NamedTuple):
    """The rights that let a command read the database, and change it; None lets nobody."""

    read: Right | None
    change: Right | None = None


ANYBODY: Final = None
"""Commands that run the service or touch no records; they ask nobody."""

_LOOKS: Final = Need(Right.LOOK)
_PROPOSES: Final = Need(Right.PROPOSE, Right.PROPOSE)
_ADMINISTERS: Final = Need(Right.ADMINISTER, Right.ADMINISTER)
_ASSISTS: Final = Need(Right.ASSIST, Right.ASSIST)
_OPERATES: Final = Need(Right.OPERATE, Right.OPERATE)
_OWN: Final = Need(Right.SELF, Right.SELF)
_DECIDES: Final = Need(Right.DECIDE, Right.DECIDE)

NEEDS: Final[Mapping[str, Need | None]] = {
    "demo": ANYBODY,
    "serve": ANYBODY,
    "worker": ANYBODY,
    "security-module": ANYBODY,
    "database upgrade": ANYBODY,
    "database grants": ANYBODY,  # it takes the database's owner, whom nothing here can stop
    "import": _PROPOSES,
    "import-meters": _PROPOSES,
    "meter show": _LOOKS,
    "meter block": _OPERATES,
    "meter unblock": _OPERATES,
    "meter key-change": _PROPOSES,
    "client list": _LOOKS,
    "client show": _LOOKS,
    "client deposit": _PROPOSES,
    "client statement": _LOOKS,
    "client password": _ADMINISTERS,
    "client switch-off": _OPERATES,
    "client switch-on": _ADMINISTERS,
    "token queue": _PROPOSES,
    "token list": _LOOKS,
    "token withdraw": _OPERATES,
    "campaign key-change": _PROPOSES,
    "campaign free-units": _PROPOSES,
    "campaign refund": _PROPOSES,
    "campaign approve": Need(Right.APPROVE, Right.APPROVE),
    "campaign run": _OPERATES,
    "campaign pause": _OPERATES,
    "campaign resume": _OPERATES,
    "campaign withdraw": _OPERATES,
    "campaign list": _LOOKS,
    "campaign show": _LOOKS,
    "campaign export": _PROPOSES,
    "sale show": Need(Right.SEE_TOKENS),
    "receipt": Need(Right.SEE_TOKENS),
    "estate list": _LOOKS,
    "estate set": _PROPOSES,
    "consumer show": _LOOKS,
    "consumer password": _ASSISTS,
    "consumer log-out": _ASSISTS,
    "support-key add": _ADMINISTERS,
    "support-key list": _LOOKS,
    "support-key revoke": _ADMINISTERS,
    "payments check": _LOOKS,
    "payments list": _LOOKS,
    "payments show": Need(Right.SEE_TOKENS),
    "payments events": Need(Right.LOOK, Right.ASSIST),
    "payments vend": _ASSISTS,
    "payments refund": _PROPOSES,
    "payments close": _ASSISTS,
    "keys propose-load": Need(Right.PROPOSE_KEYS, Right.PROPOSE_KEYS),
    "keys list": _LOOKS,
    "operator add": _ADMINISTERS,
    "operator list": _LOOKS,
    "operator roles": _ADMINISTERS,
    "operator disable": _ADMINISTERS,
    "operator reset": _ADMINISTERS,
    "operator key new": _OWN,
    "operator key revoke": _OWN,
    "login": ANYBODY,  # it is how one becomes somebody
    "logout": _OWN,
    "sessions list": _OWN,
    "sessions revoke": _OWN,
    "approvals list": _LOOKS,
    "approvals show": _LOOKS,
    "approvals approve": _DECIDES,
    "approvals refuse": _DECIDES,
    "approvals withdraw": _OWN,
    "audit-trail": Need(Right.EXAMINE),
    "doctor": ANYBODY,
    "audit tokens": Need(Right.EXAMINE),
    "watch": Need(Right.EXAMINE),
    "data-key new": ANYBODY,  # a file, no record
    "data-key apply": _OPERATES,
    "data-key forget": _OPERATES,
    "reconcile": Need(Right.EXAMINE, Right.OPERATE),
    "log key": ANYBODY,  # a file, no record
    "log checkpoint": Need(Right.SEAL_LOG, Right.SEAL_LOG),
    "log export": Need(Right.EXAMINE),
    "log verify": Need(Right.EXAMINE),
    "backup": ANYBODY,
    "restore": ANYBODY,
    "tariff check": ANYBODY,
    "tariff quote": ANYBODY,
    "tariff plot": ANYBODY,
}
"""By the path of the command."""
NOTED: Final = frozenset({Right.SEE_TOKENS})
"""Reading with these rights is noted in the audit trail, as changes are."""
