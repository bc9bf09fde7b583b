"""A security module that stands in hardware: Prism's token service, asked over Thrift."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from sts.errors import (
    AlgorithmRefused,
    CrcMismatch,
    KeyExpired,
    ReadBackMismatch,
    StsError,
    TokenError,
    TokenIdentifierOutOfRange,
    TokenMalformed,
    TokenNotAllowed,
    VendingKeyNotFound,
)
from sts.key_data import EncryptionAlgorithm
from sts.keys.key_facts import ListedKeys
from sts.security_module import IssuedToken, VendingKeyFacts, by_row, require_allowed
from sts.tokens.codec import CLEAR_CLASS, RESERVED_CLASS, TokenCodec
from sts.tokens.digits import from_digits
from sts.tokens.key_change import SUBCLASSES_OF_A_SET, KeyChangeToken, KeySection
from sts.tokens.kinds import DatedToken
from vending_api.custody.prism.link import SERVICE, DeclinedByService, Link, Patience
from vending_api.custody.prism.saying import CREDIT_CLASS, is_said, saying_of, token_said
from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sts.security_module import (
        IssueRequest,
        KeyChangeRequest,
        MeterConfiguration,
        VerifyRequest,
    )
    from sts.tokens.kinds import Token
    from sts.tokens.meter_test import InitiateMeterTest
    from sts.tokens.reserved import ReservedToken
    from vending_api.custody.prism.link import Access

_Request = TypeVar("_Request")
_Made = TypeVar("_Made")

_TYPED_IN: Final = 2
"""Token carrier technology: digits."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_CODEC: Final = TokenCodec()
"""Reads tokens of class 1, which nobody encrypts."""

_log = structlog.get_logger(__name__)


class PrismSecurityModule(ListedKeys[VendingKeyFacts]):
    """Asks the token service of a hardware security module, a row after the other.

    What it makes is proven: the service reads it back, and says which key it used. Every method
    raises SecurityModuleUnavailable where there is no answer: then nothing was sold.
    """

    def __init__(
        self, access: Access, facts: Iterable[VendingKeyFacts], patience: Patience | None = None
    ) -> None:
        """Take where it is, and what is known of the keys in it; nothing is asked yet."""
        super().__init__(facts)
        self._access = access
        self._patience = patience or Patience()
        self._idle: list[Link] = []
        self._lending = threading.Lock()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lending:
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    def sign_in(self) -> None:
        """Find out whether the service knows us; raises DeclinedByService."""
        with self._lent() as link:
            link.sign_in()

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        """Return a token, or why there is none, for each request; see `sts.SecurityModule`."""
        return self._by_row(self._issued, requests)

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        """Return what has the tokens made when it is called; the process before it waits apart."""
        return partial(self.issue, requests)

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[tuple[str, ...] | StsError]:
        """Return digits of key change tokens, or why there are none; see `sts.SecurityModule`."""
        return self._by_row(self._changed, requests)

    def verify(self, requests: Sequence[VerifyRequest]) -> list[Token | ReservedToken | StsError]:
        """Return what each token says to its meter; see `sts.SecurityModule`.

        Of sections of keys (TokenNotAllowed) and what is reserved (TokenReserved) it tells nothing.
        """
        return self._by_row(self._read, requests)

    def _issued(self, link: Link, request: IssueRequest) -> IssuedToken:
        token, meter = request.token, request.meter
        if isinstance(token, KeyChangeToken):
            raise TokenNotAllowed("a section of a key change is issued with its whole set only")
        if not isinstance(token, DatedToken):
            return self._tested(link, meter, token)
        key = self._key_of(meter)
        require_allowed(token, key)
        told = _told(meter, key)
        moment = (token.token_identifier.issued_at(key.base_date) - _EPOCH) // _SECOND
        operation = "issue_credit" if token.token_class == CREDIT_CLASS else "issue_management"
        with self._errors_of(meter, token):
            result = link.make(operation, told, saying_of(token), True, moment)  # noqa: FBT003 (Thrift has no names: our clock counts)
        if (result.key_check_value or key.key_check_value).upper() != key.key_check_value:
            raise ReadBackMismatch("the module used another key than was told of it")
        (digits,) = _digits(result, 1)
        if not is_said(token, _read_back(link, told, digits)):
            raise ReadBackMismatch("the token just made does not say what was asked for")
        return IssuedToken(digits, token)

    def _tested(
        self, link: Link, meter: MeterConfiguration, token: InitiateMeterTest
    ) -> IssuedToken:
        with self._errors_of(meter):
            result = link.make(
                "issue_meter_test", token.subclass, token.control, token.manufacturer_code.digits
            )
        (digits,) = _digits(result, 1)
        if from_digits(digits)[0] != CLEAR_CLASS or _CODEC.decode(digits, None) != token:
            raise ReadBackMismatch("the token just made does not say what was asked for")
        return IssuedToken(digits, token)

    def _changed(self, link: Link, request: KeyChangeRequest) -> tuple[str, ...]:
        meter = request.meter
        new = self.vending_key_for(request.new_supply_group_code, request.new_key_revision_number)
        subclasses = SUBCLASSES_OF_A_SET[meter.encryption_algorithm.key_octets]
        told = _told(meter, self._key_of(meter))
        to = SERVICE.NewKey(
            supply_group_code=new.supply_group_code.digits,
            key_revision_number=new.key_revision_number.value,
            tariff_index=int(request.new_tariff_index.digits),
            key_expiry_number=new.key_expiry_number.value,
        )
        with self._errors_of(meter):
            result = link.make("issue_key_change", told, to)
        all_digits = _digits(result, len(subclasses))
        for digits, subclass in zip(all_digits, subclasses, strict=True):
            saying = _read_back(link, told, digits)
            if (saying.token_class, saying.subclass) != (KeySection.token_class, subclass):
                raise ReadBackMismatch("a token just made is another section than was asked for")
        return tuple(all_digits)

    def _read(self, link: Link, request: VerifyRequest) -> Token | ReservedToken:
        token_class, _ = from_digits(request.digits)
        if token_class == CLEAR_CLASS:
            return _CODEC.decode(request.digits, None)
        key = self._key_of(request.meter)
        if token_class == RESERVED_CLASS:
            return _CODEC.decode(request.digits, None)
        with self._errors_of(request.meter):
            saying = link.read("verify", _told(request.meter, key), request.digits)
        return token_said(saying)

    def _key_of(self, meter: MeterConfiguration) -> VendingKeyFacts:
        key = self.vending_key_for(meter.supply_group_code, meter.key_revision_number)
        if meter.encryption_algorithm is EncryptionAlgorithm.EA09:
            raise AlgorithmRefused("EA09 is refused: the module has EA07 and EA11")
        return key

    @contextmanager
    def _errors_of(
        self, meter: MeterConfiguration, token: DatedToken | None = None
    ) -> Iterator[None]:
        """Turn what the service declines into our errors."""
        try:
            yield
        except DeclinedByService as declined:
            raise self._error(declined.code, meter, token) from None

    def _error(
        self, code: str, meter: MeterConfiguration, token: DatedToken | None
    ) -> StsError | SecurityModuleUnavailable:
        group, revision = meter.supply_group_code, meter.key_revision_number
        if code == "key_not_found":
            return VendingKeyNotFound(group.digits, revision.value)
        if code == "key_expired" and token is not None:
            expiry = self.vending_key_for(group, revision).key_expiry_number
            return KeyExpired(token.token_identifier.minutes, expiry.value)
        if code in _ERRORS:
            kind, text = _ERRORS[code]
            return kind(text)
        _log.error("prism_declined", code=code)
        return SecurityModuleUnavailable()

    def _by_row(
        self, make: Callable[[Link, _Request], _Made], requests: Sequence[_Request]
    ) -> list[_Made | StsError]:
        with self._lent() as link:
            return by_row(partial(make, link), requests)

    @contextmanager
    def _lent(self) -> Iterator[Link]:
        """Lend a connection to one thread, and keep it for the next; it mends itself."""
        with self._lending:
            link = self._idle.pop() if self._idle else Link(self._access, self._patience)
        try:
            yield link
        finally:
            with self._lending:
                self._idle.append(link)


_ERRORS: Final[dict[str, tuple[type[StsError], str]]] = {
    "key_expired": (TokenNotAllowed, "the module finds the key expired"),
    "key_expired_at_verify": (TokenNotAllowed, "the module finds the token's key expired"),
    "before_base_date": (
        TokenIdentifierOutOfRange,
        "the module finds the token's time before the base date of its key",
    ),
    "default_key": (TokenNotAllowed, "the module issues no such token under a key of this type"),
    "bad_crc": (CrcMismatch, "the module reads no token of this meter in these digits"),
    "malformed": (TokenMalformed, "the module finds that this is not a token"),
    "algorithm_refused": (AlgorithmRefused, "the module does not offer these algorithms"),
}


def _told(meter: MeterConfiguration, key: VendingKeyFacts) -> Any:
    return SERVICE.Meter(
        pan=meter.pan.digits,
        encryption_algorithm=int(meter.encryption_algorithm.value),
        token_carrier=_TYPED_IN,
        supply_group_code=meter.supply_group_code.digits,
        key_revision_number=meter.key_revision_number.value,
        tariff_index=int(meter.tariff_index.digits),
        key_expiry_number=key.key_expiry_number.value,
    )


def _digits(result: Any, count: int) -> list[str]:
    """Return the digits of a result, so many tokens; raises ReadBackMismatch."""
    digits = [token.digits for token in result.tokens or ()]
    try:
        for one in digits:
            from_digits(one)
    except (TokenError, TypeError):
        raise ReadBackMismatch("what was made is not a token") from None
    if len(digits) != count or len(set(digits)) != count:
        raise ReadBackMismatch(f"{len(digits)} tokens were made, and {count} were asked for")
    return digits


def _read_back(link: Link, told: Any, digits: str) -> Any:
    try:
        return link.read("verify", told, digits)
    except DeclinedByService as declined:
        if declined.code not in _ERRORS:
            _log.error("prism_declined", code=declined.code)
            raise SecurityModuleUnavailable from None
        raise ReadBackMismatch(
            f"the token just made cannot be read by its module: {declined.code}"
        ) from None
