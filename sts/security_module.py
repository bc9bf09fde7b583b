"""The security module: the one place that holds vending keys and issues tokens under them.

Everything outside asks by meter and gets digits; keys never come out. It is a Protocol, so
that hardware or another machine can take the place of the in-process form, and it works
on columns: a request on each row, an outcome for each, in the same order. An error in one
row is that row's outcome and never stops the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sts.errors import (
    ReadBackMismatch,
    StsError,
    TokenError,
    TokenNotAllowed,
)
from sts.key_data import KeyType
from sts.keys.decoder_key import DecoderKey, derive_decoder_key
from sts.keys.key_change import key_change_to
from sts.keys.key_facts import KeyDirectory, KeyFacts, ListedKeys
from sts.keys.vending_key import require_unexpired
from sts.tokens.codec import CLEAR_CLASS
from sts.tokens.digits import from_digits
from sts.tokens.key_change import KeyChangeToken, key_change_tokens
from sts.tokens.kinds import DatedToken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sts.key_data import (
        EncryptionAlgorithm,
        KeyRevisionNumber,
        SupplyGroupCode,
        TariffIndex,
    )
    from sts.keys.key_file import KeyStore
    from sts.keys.vending_key import VendingKey
    from sts.meter_number import MeterPan
    from sts.tokens.codec import TokenCodec
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")

_CREDIT_CLASS: Final = 0
KEY_TYPES_WITHOUT_CREDIT: Final = (KeyType.DEFAULT, KeyType.COMMON)


@dataclass(frozen=True, slots=True)
class MeterConfiguration:
    """What the module must know of a meter: all that its decoder key is derived from."""

    pan: MeterPan
    supply_group_code: SupplyGroupCode
    key_revision_number: KeyRevisionNumber
    tariff_index: TariffIndex
    encryption_algorithm: EncryptionAlgorithm


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """A token to be made for a meter: any but the sections of a key change."""

    meter: MeterConfiguration
    token: Token


@dataclass(frozen=True, slots=True)
class KeyChangeRequest:
    """A key change for a meter, which is given as it is configured now."""

    meter: MeterConfiguration
    new_supply_group_code: SupplyGroupCode
    new_key_revision_number: KeyRevisionNumber
    new_tariff_index: TariffIndex


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """The 20 digits of a token, to be read as this meter would."""

    meter: MeterConfiguration
    digits: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as the customer types it, and what it says, as read back from the digits."""

    digits: str
    token: Token


@dataclass(frozen=True, slots=True)
class VendingKeyFacts(KeyFacts):
    """What may be known of a vending key outside the module: everything but the key."""

    key_check_value: str


class SecurityModule(KeyDirectory, Protocol):
    """Issues and reads tokens by the column, and tells which keys it holds."""

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        """Return a token, or why there is none, for each request.

        Errors of a row: VendingKeyNotFound, TokenNotAllowed, KeyExpired, AlgorithmRefused,
        ReadBackMismatch, TokenReserved.
        """
        ...

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        """Have tokens made, and return what waits for them and returns what `issue` does.

        A module that stands elsewhere works meanwhile.
        """
        ...

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[tuple[str, ...] | StsError]:
        """Return the digits of a set of key change tokens, or why there is none, for each request.

        They stand in the order of their entry, 20 digits each. What they say is the meter's next
        key, so nobody else is told. Errors of a row: VendingKeyNotFound (of the current or the
        new key), AlgorithmRefused, ReadBackMismatch.
        """
        ...

    def verify(self, requests: Sequence[VerifyRequest]) -> list[Token | ReservedToken | StsError]:
        """Return what each token says to its meter, or why it says nothing.

        A module that stands elsewhere reads no section of a key out. Errors of a row:
        TokenMalformed, VendingKeyNotFound, AlgorithmRefused, CrcMismatch, TokenNotAllowed.
        """
        ...

    def facts(self) -> list[VendingKeyFacts]:
        """Return the public facts of every vending key."""
        ...

    def vending_key_for(
        self, supply_group_code: SupplyGroupCode, key_revision_number: KeyRevisionNumber
    ) -> VendingKeyFacts:
        """Return the public facts of one vending key; raises VendingKeyNotFound."""
        ...


class InProcessSecurityModule(ListedKeys[VendingKeyFacts]):
    """A security module inside this process, on the keys of a key file.

    Its policy: no credit under default and common keys; no token beyond the expiry of its
    key; key sections only as a whole set, by `change_key`. A key change carries no token
    identifier and this module knows no clock, so the caller sees to it that the keys of a key
    change are still in use.
    """

    __slots__ = ("_codec", "_keys")

    def __init__(self, keys: KeyStore, codec: TokenCodec) -> None:
        # A check value takes a cipher each time it is asked for, so it is asked for once.
        super().__init__(map(_facts_of, keys))
        self._keys = keys
        self._codec = codec

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        """Return a token, or why there is none, for each request; see SecurityModule."""
        decoder_keys = _DecoderKeys(self._keys)

        def issued(request: IssueRequest) -> IssuedToken:
            token = request.token
            if isinstance(token, DatedToken):
                vending_key = decoder_keys.vending_key_of(request.meter)
                require_allowed(token, vending_key)
                return self._read_back(token, decoder_keys.of(request.meter, vending_key))
            if isinstance(token, KeyChangeToken):
                raise TokenNotAllowed("a section of a key change is issued with its whole set only")
            return self._read_back(token, None)  # class 1 is not encrypted

        return by_row(issued, requests)

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        """Return what makes the tokens when it is called: nothing here works meanwhile."""
        return partial(self.issue, requests)

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[tuple[str, ...] | StsError]:
        """Return the digits of key change tokens, or why there are none; see SecurityModule."""
        decoder_keys = _DecoderKeys(self._keys)

        def changed(request: KeyChangeRequest) -> tuple[str, ...]:
            meter = request.meter
            new_key = self._keys.find(
                request.new_supply_group_code, request.new_key_revision_number
            )
            vending_key = decoder_keys.vending_key_of(meter)
            change = key_change_to(
                new_key,
                current=vending_key,
                pan=meter.pan,
                tariff_index=request.new_tariff_index,
                encryption_algorithm=meter.encryption_algorithm,
            )
            current = decoder_keys.of(meter, vending_key)
            sections = key_change_tokens(change)
            return tuple(self._read_back(one, current).digits for one in sections)

        return by_row(changed, requests)

    def verify(self, requests: Sequence[VerifyRequest]) -> list[Token | ReservedToken | StsError]:
        """Return what each token says to its meter; see SecurityModule."""
        decoder_keys = _DecoderKeys(self._keys)

        def read(request: VerifyRequest) -> Token | ReservedToken:
            token_class, _ = from_digits(request.digits)
            if token_class == CLEAR_CLASS:
                return self._codec.decode(request.digits, None)
            vending_key = decoder_keys.vending_key_of(request.meter)
            return self._codec.decode(request.digits, decoder_keys.of(request.meter, vending_key))

        return by_row(read, requests)

    def _read_back(self, token: Token, key: DecoderKey | None) -> IssuedToken:
        """Encode a token and read it again; raises ReadBackMismatch unless it says the same."""
        digits = self._codec.encode(token, key)
        try:
            is_right = self._codec.reads_back(digits, key, token)
        except TokenError as problem:
            raise ReadBackMismatch(f"the token just made cannot be read: {problem}") from None
        if not is_right:
            raise ReadBackMismatch("the token just made does not say what was asked for")
        return IssuedToken(digits, token)


class _DecoderKeys:
    """The decoder keys of one column of requests; rows of a meter that stand together share one.

    Only the last is kept: looking a meter up among many costs a good part of deriving its key.
    """

    __slots__ = ("_key", "_meter", "_store")

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._meter: MeterConfiguration | None = None
        self._key: DecoderKey | None = None

    def vending_key_of(self, meter: MeterConfiguration) -> VendingKey:
        return self._store.find(meter.supply_group_code, meter.key_revision_number)

    def of(self, meter: MeterConfiguration, vending_key: VendingKey) -> DecoderKey:
        """Return the key of a meter, whose vending key is `vending_key`."""
        if self._key is None or meter != self._meter:
            self._key = derive_decoder_key(
                vending_key,
                pan=meter.pan,
                tariff_index=meter.tariff_index,
                encryption_algorithm=meter.encryption_algorithm,
            )
            self._meter = meter
        return self._key


def by_row(
    make: Callable[[_Request], _Result], requests: Sequence[_Request]
) -> list[_Result | StsError]:
    """Return what is made of each request, or why there is nothing, in its place."""
    outcomes: list[_Result | StsError] = []
    for request in requests:
        try:
            outcomes.append(make(request))
        except StsError as error:
            # The traceback holds the frames, and they hold keys; it stays in here.
            outcomes.append(error.with_traceback(None))
    return outcomes


def require_allowed(token: DatedToken, key: VendingKey | KeyFacts) -> None:
    """Let a token pass that may be made under a key; raises TokenNotAllowed, KeyExpired."""
    if token.token_class == _CREDIT_CLASS and key.key_type in KEY_TYPES_WITHOUT_CREDIT:
        raise TokenNotAllowed(f"no credit is issued under a {key.key_type.name.lower()} key")
    require_unexpired(token.token_identifier, key.key_expiry_number)


def _facts_of(key: VendingKey) -> VendingKeyFacts:
    return VendingKeyFacts(
        supply_group_code=key.supply_group_code,
        key_revision_number=key.key_revision_number,
        key_type=key.key_type,
        base_date=key.base_date,
        key_expiry_number=key.key_expiry_number,
        algorithm=key.algorithm,
        key_check_value=key.key_check_value,
    )
