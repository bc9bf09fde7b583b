"""Rows for the functions over columns, and what the scalar engine makes of the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from hypothesis import strategies as st

from sts.batch import BatchSecurityModule
from sts.errors import InvalidField, StsError, TokenNotAllowed, TokenReserved
from sts.hazmat.sta import SAMPLE_TABLES, StaTables
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.key_file import KeyStore
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.security_module import (
    InProcessSecurityModule,
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.management import (
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, PowerLimit, TransferAmount
from tests.sts.published_keys import vending_key
from tests.sts.security_module_support import STORE, TID

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.tokens.kinds import Token

Row = dict[str, Any]

OTHER_TABLES: Final = StaTables(
    SAMPLE_TABLES.substitution_1[::-1], SAMPLE_TABLES.substitution_2, SAMPLE_TABLES.permutation
)
"""Tables whose second substitution is not the inverse of the first, as the licensed ones'."""
KEYS: Final = KeyStore(
    [
        *STORE,
        vending_key(algorithm="04", group="123457", revision=3, key_type=1, expiry=0xA5),
        vending_key(algorithm="04", group="123457", revision=4, key_type=3),
        vending_key(bytes(range(20)), algorithm="04", group="999999", revision=9, base=2035),
    ]
)
BATCH: Final = BatchSecurityModule(KEYS, OTHER_TABLES)
SCALAR: Final = InProcessSecurityModule(KEYS, TokenCodec(OTHER_TABLES))

COLUMNS: Final = pa.schema(
    [
        ("pan", pa.string()),
        ("supply_group_code", pa.string()),
        ("key_revision_number", pa.int64()),
        ("tariff_index", pa.string()),
        ("encryption_algorithm", pa.string()),
        ("new_supply_group_code", pa.string()),
        ("new_key_revision_number", pa.int64()),
        ("new_tariff_index", pa.string()),
        ("class", pa.int64()),
        ("subclass", pa.int64()),
        ("token_identifier_minutes", pa.int64()),
        ("random", pa.int64()),
        ("amount_tenths", pa.int64()),
        ("currency_hundred_thousandths", pa.decimal128(38, 0)),
        ("power_watts", pa.int64()),
        ("register", pa.int64()),
        ("rate", pa.int64()),
        ("pad", pa.int64()),
        ("factor", pa.int64()),
        ("control", pa.int64()),
        ("manufacturer_code", pa.string()),
        ("token", pa.string()),
    ]
)


def table_of(rows: list[Row], schema: Any = COLUMNS) -> Any:
    """Return rows as a table; what a row leaves out is null."""
    return pa.Table.from_pylist(rows, schema=schema)


def need(row: Row, name: str) -> Any:
    if row.get(name) is None:
        raise InvalidField(name, "missing", "something")
    return row[name]


def configuration(row: Row) -> MeterConfiguration:
    return MeterConfiguration(
        MeterPan.parse(need(row, "pan")),
        SupplyGroupCode(need(row, "supply_group_code")),
        KeyRevisionNumber(need(row, "key_revision_number")),
        TariffIndex(need(row, "tariff_index")),
        EncryptionAlgorithm.parse(need(row, "encryption_algorithm")),
    )


def token_of(row: Row) -> Token:
    place = (row.get("class") or 0, row.get("subclass") or 0)
    if place in {(2, 3), (2, 4), (2, 8), (2, 9)}:
        raise TokenNotAllowed("section")
    if place in {(1, 0), (1, 1)}:
        code = ManufacturerCode(need(row, "manufacturer_code"))
        token = InitiateMeterTest(control=need(row, "control"), manufacturer_code=code)
        if token.subclass != place[1]:
            raise InvalidField("subclass", "is not the code's", "another")
        return token
    if place not in MAKERS:
        raise TokenReserved("reserved")
    return MAKERS[place](row)


def dated(row: Row) -> Row:
    identifier = TokenIdentifier(need(row, "token_identifier_minutes"))
    return {"token_identifier": identifier, "random": need(row, "random")}


def transfer(resource: Resource) -> Callable[[Row], Token]:
    return lambda row: TransferCredit(
        resource=resource,
        amount=TransferAmount.covering(need(row, "amount_tenths")),
        **dated(row),
    )


def currency(resource: Resource) -> Callable[[Row], Token]:
    return lambda row: CurrencyCredit(
        resource=resource,
        amount=CurrencyAmount.covering(need(row, "currency_hundred_thousandths")),
        token_identifier=TokenIdentifier(need(row, "token_identifier_minutes")),
    )


MAKERS: Final[dict[tuple[int, int], Callable[[Row], Token]]] = {
    **{(0, int(resource)): transfer(resource) for resource in Resource},
    **{(0, 4 + resource): currency(resource) for resource in Resource},
    (2, 0): lambda row: SetMaximumPowerLimit(
        power=PowerLimit.covering(need(row, "power_watts")), **dated(row)
    ),
    (2, 1): lambda row: ClearCredit(register=need(row, "register"), **dated(row)),
    (2, 2): lambda row: SetTariffRate(rate=need(row, "rate"), **dated(row)),
    (2, 5): lambda row: ClearTamperCondition(pad=row.get("pad") or 0, **dated(row)),
    (2, 6): lambda row: SetMaximumPhasePowerUnbalanceLimit(
        power=PowerLimit.covering(need(row, "power_watts")), **dated(row)
    ),
    (2, 7): lambda row: SetWaterMeterFactor(factor=need(row, "factor"), **dated(row)),
}


def check_value(meter: MeterConfiguration, scalar_keys: KeyStore = KEYS) -> str:
    vending_key_of = scalar_keys.find(meter.supply_group_code, meter.key_revision_number)
    return derive_decoder_key(
        vending_key_of,
        pan=meter.pan,
        tariff_index=meter.tariff_index,
        encryption_algorithm=meter.encryption_algorithm,
    ).key_check_value


def attempt(work: Callable[[Row], Row], row: Row) -> Row:
    """Return what the scalar engine says of a row, in the columns that the batch brings."""
    try:
        return {"error": None, **work(row)}
    except StsError as error:
        return {"error": error.code}


def issued(row: Row) -> Row:
    request = IssueRequest(configuration(row), token_of(row))
    (outcome,) = SCALAR.issue([request])
    if isinstance(outcome, StsError):
        raise outcome
    is_clear = outcome.token.token_class == 1
    return {
        "token": outcome.digits,
        "key_check_value": None if is_clear else check_value(request.meter),
    }


def key_change_request(row: Row) -> KeyChangeRequest:
    meter = configuration(row)
    return KeyChangeRequest(
        meter,
        SupplyGroupCode(row.get("new_supply_group_code") or row["supply_group_code"]),
        meter.key_revision_number
        if row.get("new_key_revision_number") is None
        else KeyRevisionNumber(row["new_key_revision_number"]),
        TariffIndex(row.get("new_tariff_index") or row["tariff_index"]),
    )


def changed(row: Row) -> Row:
    new = key_change_request(row)
    meter = new.meter
    (outcome,) = SCALAR.change_key([new])
    if isinstance(outcome, StsError):
        raise outcome
    after = MeterConfiguration(
        meter.pan,
        new.new_supply_group_code,
        new.new_key_revision_number,
        new.new_tariff_index,
        meter.encryption_algorithm,
    )
    tokens = {f"token_{place}": digits for place, digits in enumerate(outcome, start=1)}
    return {
        **tokens,
        "key_check_value": check_value(meter),
        "new_key_check_value": check_value(after),
    }


def verified(row: Row) -> Row:
    meter = configuration(row)
    (outcome,) = SCALAR.verify([VerifyRequest(meter, need(row, "token"))])
    if isinstance(outcome, StsError):
        raise outcome
    said: Row = {
        "read_kind": type(outcome).__name__,
        "read_class": outcome.token_class,
        "read_subclass": outcome.subclass,
        "key_check_value": None if outcome.token_class == 1 else check_value(meter),
    }
    for name, value in FACTS.items():
        try:
            said[f"read_{name}"] = value(outcome)
        except AttributeError:
            said[f"read_{name}"] = None
    return said


def _payload(token: Any) -> int | None:
    return None if token.holds_key_bits else token.payload


FACTS: Final[dict[str, Callable[[Any], Any]]] = {
    "token_identifier_minutes": lambda token: token.token_identifier.minutes,
    "random": lambda token: token.random,
    "amount_tenths": lambda token: token.amount.tenths,
    "currency_hundred_thousandths": lambda token: token.amount.hundred_thousandths,
    "power_watts": lambda token: token.power.watts,
    "register": lambda token: token.register,
    "rate": lambda token: token.rate,
    "pad": lambda token: token.pad,
    "factor": lambda token: token.factor,
    "control": lambda token: token.control,
    "manufacturer_code": lambda token: str(token.manufacturer_code),
    "key_expiry_number_high": lambda token: token.key_expiry_number_high,
    "key_revision_number": lambda token: token.key_revision_number.value,
    "rollover": lambda token: int(token.rollover),
    "third_key_change_token": lambda token: int(token.third_key_change_token),
    "key_type": lambda token: int(token.key_type),
    "key_expiry_number_low": lambda token: token.key_expiry_number_low,
    "tariff_index": lambda token: int(str(token.tariff_index)),
    "supply_group_low": lambda token: token.supply_group_low,
    "supply_group_high": lambda token: token.supply_group_high,
    "payload": _payload,
}


def _pan(issuer: str, code: str, serial: int) -> str:
    drn = DecoderReferenceNumber.of(ManufacturerCode(code), DecoderSerialNumber(f"{serial:08}"))
    return MeterPan(IssuerIdentificationNumber(issuer), drn).digits


_serials = st.integers(0, 10**8 - 1)
pans = st.one_of(
    st.builds(_pan, st.sampled_from(["600727", "000100", "100000"]), st.just("07"), _serials),
    st.builds(_pan, st.just("0000"), st.sampled_from(["0100", "7704"]), _serials),
)
_places = [(str(key.supply_group_code), key.key_revision_number.value) for key in KEYS]
_garbage = st.sampled_from([None, "", "0", "12345x", "1234567", "\u0660" * 6, "600727000000000008"])


def _mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 11).flatmap(lambda chance: bad if chance == 0 else good)


_numbers = st.one_of(st.none(), st.integers(-2, 70_000), st.sampled_from([1 << 40, -(1 << 63)]))


@st.composite
def meters(draw: st.DrawFn) -> Row:
    group, revision = draw(st.sampled_from(_places))
    return {
        "pan": draw(_mostly(pans, _garbage)),
        "supply_group_code": draw(_mostly(st.just(group), _garbage)),
        "key_revision_number": draw(_mostly(st.just(revision), _numbers)),
        "tariff_index": draw(_mostly(st.sampled_from(["00", "01", "99"]), _garbage)),
        "encryption_algorithm": draw(
            _mostly(
                st.just("11" if group in {"123457", "123461", "999999"} else "07"),
                st.sampled_from(["07", "09", "11", "12", "7", None]),
            )
        ),
    }


_amounts = st.one_of(
    st.integers(0, 18_201_624),
    st.sampled_from([-1, 0, 16_383, 16_384, 180_215, 180_224, 1_818_525, 18_201_624, 18_201_625]),
)
_money = st.one_of(
    st.integers(-(10**18) - 2, 10**18 + 2),
    st.integers(-2_000_000, 2_000_000),
    st.integers(-(10**37), 10**37),
)
_kinds = st.sampled_from(
    [*MAKERS, (1, 0), (1, 1), (2, 3), (2, 9), (0, 8), (3, 0), (2, 16), (-1, 0)]
)
_identifiers = st.one_of(
    st.integers(0, (1 << 24) - 1), st.just(TID), st.sampled_from([None, -1, 1 << 24])
)
_sixteen_bits = _mostly(st.integers(0, 0xFFFF), _numbers)


@st.composite
def sales(draw: st.DrawFn) -> Row:
    token_class, subclass = draw(_kinds)
    return {
        **draw(meters()),
        "class": token_class,
        "subclass": subclass,
        "token_identifier_minutes": draw(_identifiers),
        "random": draw(_mostly(st.integers(0, 15), _numbers)),
        "amount_tenths": draw(_mostly(_amounts, _numbers)),
        "currency_hundred_thousandths": draw(_money),
        "power_watts": draw(_amounts),
        "register": draw(_sixteen_bits),
        "rate": draw(_sixteen_bits),
        "pad": draw(_sixteen_bits),
        "factor": draw(_sixteen_bits),
        "control": draw(_numbers),
        "manufacturer_code": draw(st.sampled_from(["07", "0100", "x", None])),
    }


@st.composite
def key_changes(draw: st.DrawFn) -> Row:
    group, revision = draw(st.sampled_from(_places))
    return {
        **draw(meters()),
        "new_supply_group_code": draw(st.sampled_from([group, None, "000000"])),
        "new_key_revision_number": draw(st.sampled_from([revision, None, 0])),
        "new_tariff_index": draw(st.sampled_from(["00", "42", None, "4x"])),
    }
