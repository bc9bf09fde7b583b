"""The slip of a sale or a trial: everything that is on it, in the order of the field's practice."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sts.tokens.management import ALL_REGISTERS
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import KeyData
from vending_api.domain.sales.references import letters_and_digits, printed_reference
from vending_api.domain.sales.types import SaleKind
from vending_api.domain.slips.bill import Paid, write_bill
from vending_api.domain.slips.layout import Paper
from vending_api.domain.slips.types import Mark, WrittenSlip
from vending_api.kit.currencies import letters_of, plain_money

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter, Utility
    from vending_api.domain.sales.types import Sale, Trial
    from vending_api.domain.slips.types import Row, Slip

_KINDS: Final = {
    TokenKind.KEY_CHANGE: "Key change",
    TokenKind.REFUND: "Refund",
    TokenKind.POWER_LIMIT: "Power limit",
    TokenKind.CLEAR_TAMPER: "Clear tamper",
    TokenKind.CLEAR_CREDIT: "Clear credit",
}
_TO_MILLISECONDS: Final = -3
_TO_SECONDS: Final = len("2026-11-21 13:04:05")


def slip_of_sale(sale: Sale, *, columns: int, mark: Mark | None = None) -> Slip:
    """Return the slip of a sale for paper of 32, 40 or 48 columns."""
    return written_of_sale(sale, columns=columns, mark=mark).finished()


def slip_of_trial(trial: Trial, *, columns: int) -> Slip:
    """Return the slip of a trial, which has no token, for paper of 32, 40 or 48 columns."""
    return written_of_trial(trial, columns=columns).finished()


def written_of_sale(sale: Sale, *, columns: int, mark: Mark | None = None) -> WrittenSlip:
    """Return the slip of a sale as it is written."""
    meter = sale.meter
    receipt = _first_receipt(sale)
    reference = printed_reference(sale.purchase_id, receipt)
    paper = Paper(columns)
    is_invoice = sale.invoice_number is not None
    paper.copy(_head(meter.utility, columns, is_invoice=is_invoice))
    if sale.invoice_number is not None:
        paper.middle(sale.invoice_number)
    if mark is not None:
        paper.rule()
        paper.headline(mark.name)
    paper.rule()
    paper.pair("Date", _local_time(sale.sold_at, meter.utility))
    if receipt is not None:
        paper.pair("Receipt", receipt)
    paper.pair("Terminal", sale.terminal_id)
    _write_meter(paper, meter)
    _write_tokens(paper, sale, receipt)
    if sale.kind is SaleKind.PURCHASE:
        free = [one.units_tenths for one in sale.tokens if one.kind is TokenKind.FREE]
        _write_money(paper, sale, free, total="Paid")
    _write_end(paper, meter.utility, reference)
    return WrittenSlip(columns, paper.rows, reference)


def written_of_trial(trial: Trial, *, columns: int) -> WrittenSlip:
    """Return the slip of a trial as it is written."""
    meter = trial.meter
    moment = trial.tried_at.strftime("%Y%m%d%H%M%S%f")[:_TO_MILLISECONDS]
    reference = f"T{letters_and_digits(meter.external_id)}{moment}"
    paper = Paper(columns)
    paper.copy(_head(meter.utility, columns, is_invoice=False))
    paper.rule()
    paper.headline(Mark.TRIAL.name)
    paper.middle("Nothing was sold")
    paper.rule()
    paper.pair("Date", _local_time(trial.tried_at, meter.utility))
    _write_meter(paper, meter)
    paper.rule()
    if trial.new_key_data is not None:
        paper.pair("Key change first", _key_data_words(trial.new_key_data))
    if trial.units_tenths:
        paper.pair(kind_of(TokenKind.STANDARD, meter), _units(trial.units_tenths, meter))
    free = [trial.free_units_tenths] if trial.free_units_tenths else []
    for tenths in free:
        paper.pair(kind_of(TokenKind.FREE, meter), _units(tenths, meter))
    _write_money(paper, trial, free, total="To pay")
    _write_end(paper, meter.utility, reference)
    return WrittenSlip(columns, paper.rows, reference)


def _write_money(
    paper: Paper, sold: Sale | Trial, free_units_tenths: Sequence[int], *, total: str
) -> None:
    write_bill(
        paper,
        sold.bill,
        paid=Paid(total, sold.amount_minor, sold.currency),
        unit=sold.meter.tariff.unit,
        gifts=[f"Free {_units(tenths, sold.meter)}" for tenths in free_units_tenths],
    )


def kind_of(kind: TokenKind, meter: Meter) -> str:
    """Return what a token is for, in words."""
    if kind is TokenKind.STANDARD:
        return meter.service_type.value
    if kind is TokenKind.FREE:
        return f"Free basic {meter.service_type.value.lower()}"
    return _KINDS[kind]


def carried_by(token: SoldToken, meter: Meter) -> str:
    """Return what a token truly carries: its units, or the setting that it makes, or nothing."""
    setting = token.setting
    if token.kind is TokenKind.POWER_LIMIT:
        return f"{setting:,} W"
    if token.kind is TokenKind.CLEAR_CREDIT:
        return "all registers" if setting == ALL_REGISTERS else f"register {setting}"
    return _units(token.units_tenths, meter) if token.units_tenths else ""


def named_tokens(sale: Sale) -> Iterator[tuple[str, SoldToken]]:
    """Yield the tokens of a sale in the order in which they are keyed in, with what they are."""
    sections = sum(token.kind is TokenKind.KEY_CHANGE for token in sale.tokens)
    for number, token in enumerate(sale.tokens, start=1):
        # The sections of a key change come first.
        carried = (
            f"{number} of {sections}"
            if token.kind is TokenKind.KEY_CHANGE
            else carried_by(token, sale.meter)
        )
        yield f"{kind_of(token.kind, sale.meter)} {carried}".rstrip(), token


@lru_cache(maxsize=1024)
def _head(utility: Utility, columns: int, *, is_invoice: bool) -> tuple[Row, ...]:
    """Return who sells; the same on all slips of a utility, so worked out once."""
    paper = Paper(columns)
    paper.headline(utility.name)
    if utility.address:
        paper.middle(utility.address)
    if utility.vat_registration_number:
        paper.middle(f"VAT number {utility.vat_registration_number}")
    if utility.client_id:
        paper.middle(f"Client id {utility.client_id}")
    if is_invoice:
        paper.rule()
        paper.middle("TAX INVOICE", is_tall=True)
    return tuple(paper.rows)


@lru_cache(maxsize=1024)
def _message(utility: Utility, columns: int) -> tuple[Row, ...]:
    """Return what the utility tells its customers; the same on all its slips, too."""
    paper = Paper(columns)
    if utility.message:
        paper.middle(utility.message)
    return tuple(paper.rows)


def _write_meter(paper: Paper, meter: Meter) -> None:
    """Write who buys, and the meter with the key data that it holds."""
    customer = meter.customer
    if name := f"{customer.first_name} {customer.last_name}".strip():
        paper.pair("Customer", name)
    if customer.address:
        paper.pair("" if name else "Customer", customer.address)
    paper.pair("Meter", meter.external_id)
    configuration = meter.configuration
    if (number := configuration.pan.decoder.digits) != meter.external_id:
        paper.pair("Meter number", number)
    algorithm = configuration.encryption_algorithm.value
    paper.spread(
        _key_data_words(KeyData.of(configuration)),
        f"ALG {algorithm}  TT {meter.token_technology_code}",
    )


def _write_tokens(paper: Paper, sale: Sale, first_receipt: str | None) -> None:
    """Write all tokens in the order in which they are keyed in."""
    meter = sale.meter
    if sale.new_key_data is not None:
        _write_key_change(paper, sale.tokens, sale.new_key_data)
    for token in sale.tokens:
        if token.kind is TokenKind.KEY_CHANGE:
            continue
        paper.rule()
        paper.pair(kind_of(token.kind, meter), carried_by(token, meter))
        if token.kind is TokenKind.REFUND and token.charge.net_minor:
            worth = plain_money(token.charge.net_minor, sale.currency)
            paper.pair("Worth", f"{letters_of(sale.currency)} {worth}")
        if token.receipt_number is not None and token.receipt_number != first_receipt:
            paper.pair("Receipt", token.receipt_number)
        paper.token(token.digits)


def _write_key_change(paper: Paper, tokens: Sequence[SoldToken], new: KeyData) -> None:
    sections = [token for token in tokens if token.kind is TokenKind.KEY_CHANGE]
    is_all = len(sections) == len(tokens)
    paper.rule()
    paper.middle(f"Key change: enter these {'in order' if is_all else 'first'}", is_tall=True)
    for number, token in enumerate(sections, start=1):
        paper.pair("Key change", f"{number} of {len(sections)}")
        paper.token(token.digits)
    paper.pair("New", _key_data_words(new))


def _write_end(paper: Paper, utility: Utility, reference: str) -> None:
    paper.rule()
    paper.pair("Reference", reference)
    paper.copy(_message(utility, paper.columns))


def _key_data_words(key_data: KeyData) -> str:
    group, revision = key_data.supply_group_code, key_data.key_revision_number
    return f"SGC {group.digits}  KRN {revision.value}  TI {key_data.tariff_index.digits}"


def _units(tenths: int, meter: Meter) -> str:
    return f"{tenths // 10:,}.{tenths % 10} {meter.tariff.unit}"


def _local_time(at: datetime, utility: Utility) -> str:
    # Cut from the ISO text, which is made several times as fast as one of a format.
    return at.astimezone(ZoneInfo(utility.time_zone)).isoformat(" ")[:_TO_SECONDS]


def _first_receipt(sale: Sale) -> str | None:
    for token in sale.tokens:
        if token.receipt_number is not None:
            return token.receipt_number
    of_debts = (line.receipt_number for line in sale.bill.lines)
    return next((number for number in of_debts if number is not None), None)
