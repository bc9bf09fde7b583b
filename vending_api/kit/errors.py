"""The root of everything that the service refuses, and the faults that storage adds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar


class Fault(Enum):
    """What kind of fault an error is; each surface has its own answer for each kind."""

    INVALID = auto()
    """The request makes no sense as it stands."""
    NOT_FOUND = auto()
    """What the request refers to does not exist."""
    CONFLICT = auto()
    """The request contradicts an earlier one."""
    REFUSED = auto()
    """A business rule says no."""
    UNAUTHENTICATED = auto()
    """The caller did not prove who it is."""
    UNAVAILABLE = auto()
    """Nothing was done; the same request may succeed later."""
    UNKNOWN = auto()
    """It may or may not have been done; the caller must ask again."""


class DomainError(Exception):
    """A refusal with a stable `code`, the kind of its fault, and its facts as attributes."""

    fault: ClassVar[Fault]
    code: ClassVar[str]

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be sent to another process whatever its constructor wants."""
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[DomainError], args: tuple[Any, ...], facts: dict[str, Any]) -> DomainError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that a business rule turned down; committed, so that its id stays used."""

    reason: DomainError


class MessageIdUsed(DomainError):
    """The id of the message was used before, or now asks for something else."""

    fault = Fault.CONFLICT
    code = "message_id_used"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"the id {message_id} was used before; a new request needs a new id")
        self.message_id = message_id


class Overloaded(DomainError):
    """The queue of commands is full; nothing was done."""

    fault = Fault.UNAVAILABLE
    code = "overloaded"

    def __init__(self) -> None:
        super().__init__("more requests wait than may; nothing was done, try again in a second")


class StorageUnavailable(DomainError):
    """The database did not take the command; nothing was done."""

    fault = Fault.UNAVAILABLE
    code = "storage_unavailable"

    def __init__(self) -> None:
        super().__init__("the database cannot be used now; nothing was done, try again")


class SecurityModuleUnavailable(DomainError):
    """The security module did not answer; nothing was sold."""

    fault = Fault.UNAVAILABLE
    code = "security_module_unavailable"

    def __init__(self) -> None:
        super().__init__("the security module cannot be used now; nothing was done, try again")


class OutcomeUnknown(DomainError):
    """The connection was lost while committing; the command may or may not be stored."""

    fault = Fault.UNKNOWN
    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__("the database did not say whether it stored the request; retry it")
