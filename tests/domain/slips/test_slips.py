"""A slip cuts nothing and says what its sale says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.tokens.digits import grouped
from tests.domain.slips.made import (
    FLAT,
    NEW_KEY,
    OWING,
    PURCHASE_ID,
    QUEUED,
    key_change,
    purchase,
    sums,
    texts,
    token,
    trial_of,
)
from tests.support.selling import EVERYTHING
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import Customer
from vending_api.domain.pricing.types import Bill
from vending_api.domain.sales.references import asked_for
from vending_api.domain.slips.layout import in_two_columns, wrapped
from vending_api.domain.slips.service import (
    slip_of_sale,
    slip_of_trial,
    written_of_sale,
    written_of_trial,
)
from vending_api.domain.slips.types import Mark, SlipLine
from vending_api.sandbox.demo_data import UTILITY

WIDTHS: Final = st.sampled_from([32, 40, 48])
EVERYTHING_AT_ONCE: Final = purchase(
    EVERYTHING, 20_000, account=OWING, new_key_data=NEW_KEY, queued=QUEUED
)


def _without_spaces(text: str) -> str:
    return "".join(text.split())


_names: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.data(), WIDTHS)
def test_no_line_is_longer_than_the_paper_and_no_name_is_cut(
    data: st.DataObject, columns: int
) -> None:
    def drawn(longest: int = 40, least: int = 0) -> str:
        characters = st.characters(exclude_categories=["C", "Z"])
        return data.draw(st.text(characters, min_size=least, max_size=longest))

    utility = UTILITY._replace(name=drawn(least=1), address=drawn(80), message=drawn(80))
    customer = Customer(first_name=drawn(), last_name=drawn(), address=drawn(80))
    sale = EVERYTHING_AT_ONCE._replace(purchase_id=drawn(255), terminal_id=drawn(8, least=8))
    sale = sale._replace(meter=sale.meter._replace(utility=utility, customer=customer))
    slip = slip_of_sale(sale, columns=columns)
    for line in slip.lines:
        assert len(line.text) <= (columns // 2 if line.is_wide else columns)
        assert line.text.isprintable()
        assert not line.text.endswith(" ")
        assert bool(line.text) + line.is_rule + (line.barcode is not None) <= 1
    paper = _without_spaces("".join(texts(slip)))
    for text in (utility.name, utility.address, utility.message, sale.terminal_id):
        assert text in paper
    assert customer.first_name + customer.last_name + customer.address in paper


@given(_names)
def test_a_printer_takes_no_command_from_a_name(name: str) -> None:
    sale = purchase(FLAT, 10_000, utility=UTILITY._replace(name=name, message=name))
    slip = slip_of_sale(sale, columns=40)
    assert all(text.isprintable() for text in texts(slip))


@given(st.text(), st.integers(3, 48))
def test_wrapping_keeps_every_character_but_spaces(text: str, width: int) -> None:
    lines = wrapped(text, width, "  ")
    assert all(len(line) <= width for line in lines)
    assert _without_spaces("".join(lines)) == _without_spaces(text)


@pytest.mark.parametrize(
    ("label", "value", "lines"),
    [
        ("ab", "1", ["ab       1"]),
        ("abcd efgh", "1", ["abcd", "  efgh   1"]),
        ("abcdefgh", "1", ["abcdefgh 1"]),
        ("abcdefghi", "1", ["abcdefgh", "  i      1"]),
        ("ab", "123456789", ["ab", " 123456789"]),
        ("ab", "1234 56789 0", ["ab", "1234 56789", "         0"]),
        ("", "12", ["        12"]),
        ("ab", "", ["ab"]),
        ("", "", []),
    ],
)
def test_a_value_stands_at_the_right_beside_its_label_or_below(
    label: str, value: str, lines: list[str]
) -> None:
    assert in_two_columns(label, value, 10) == lines


def test_every_token_is_in_groups_of_four_with_its_barcode_below() -> None:
    lines = slip_of_sale(EVERYTHING_AT_ONCE, columns=40).lines
    barcodes = [place for place, line in enumerate(lines) if line.barcode is not None]
    assert [lines[place].barcode for place in barcodes] == [
        one.digits for one in EVERYTHING_AT_ONCE.tokens
    ]
    for place, one in zip(barcodes, EVERYTHING_AT_ONCE.tokens, strict=True):
        assert lines[place - 1].text.strip() == grouped(one.digits)
        assert lines[place - 1].is_tall


def test_key_change_tokens_come_first_and_are_numbered() -> None:
    lines = [text.strip() for text in texts(slip_of_sale(EVERYTHING_AT_ONCE, columns=48))]
    order = [
        lines.index("Key change: enter these first"),
        *(place for place, text in enumerate(lines) if re.fullmatch(r"Key change +\d of 2", text)),
        next(place for place, text in enumerate(lines) if text.startswith("New ")),
        next(place for place, text in enumerate(lines) if text.startswith("Electricity")),
    ]
    assert order == sorted(order)
    assert len(order) == 5
    assert "SGC 000001  KRN 2  TI 01" in lines[order[3]]


def test_a_key_change_alone_speaks_of_no_money() -> None:
    slip = slip_of_sale(key_change(), columns=40)
    paper = "\n".join(texts(slip))
    assert "Key change: enter these in order" in paper
    for word in ("ZAR", "Paid", "Receipt", "INVOICE", "Where"):
        assert word not in paper


def test_a_copy_differs_from_the_first_slip_by_its_mark_alone() -> None:
    first = slip_of_sale(EVERYTHING_AT_ONCE, columns=40)
    copy = slip_of_sale(EVERYTHING_AT_ONCE, columns=40, mark=Mark.COPY)
    mark = next(place for place, line in enumerate(copy.lines) if line.text.strip() == "COPY")
    assert copy.lines[mark].is_tall
    assert copy.lines[mark].is_wide
    assert copy.lines[: mark - 1] + copy.lines[mark + 1 :] == first.lines
    assert copy.reference == first.reference


def test_a_slip_has_the_lines_that_were_written_and_plain_ones_are_nothing_but_text() -> None:
    trial = trial_of(EVERYTHING_AT_ONCE)
    for slip, written in (
        (
            slip_of_sale(EVERYTHING_AT_ONCE, columns=40),
            written_of_sale(EVERYTHING_AT_ONCE, columns=40),
        ),
        (slip_of_trial(trial, columns=40), written_of_trial(trial, columns=40)),
    ):
        assert (written.columns, written.reference) == (slip.columns, slip.reference)
        assert len(written.rows) == len(slip.lines)
        for row, line in zip(written.rows, slip.lines, strict=True):
            is_plain = line == SlipLine(line.text)
            assert row == (line.text if is_plain else line)


def test_a_trial_shows_everything_but_tokens() -> None:
    slip = slip_of_trial(trial_of(EVERYTHING_AT_ONCE), columns=48)
    sold = slip_of_sale(EVERYTHING_AT_ONCE, columns=48)
    assert all(line.barcode is None for line in slip.lines)
    assert not any(re.search(r"\d{4} \d{4}", text) for text in texts(slip))
    amounts = [[amount for _, amount in sums(one, "Where")] for one in (slip, sold)]
    assert amounts[0] == amounts[1]
    marks = [line.text.strip() for line in slip.lines if line.is_wide]
    assert "TRIAL" in marks
    plain = slip_of_trial(trial_of(purchase(FLAT, 10_000)), columns=48)
    assert "Key change" not in "".join(texts(plain))
    gift = replace(trial_of(EVERYTHING_AT_ONCE), units_tenths=0)
    lines = texts(slip_of_trial(gift, columns=48))
    assert not any(text.startswith("Electricity") for text in lines)
    assert any(text.startswith("Free basic electricity") for text in lines)


def test_the_first_letters_tell_what_a_token_is_and_the_last_what_it_carries() -> None:
    lines = texts(slip_of_sale(EVERYTHING_AT_ONCE, columns=48))
    pairs = {tuple(re.split(r" {2,}", text)) for text in lines}
    assert {
        ("Electricity", "27.1 kWh"),
        ("Free basic electricity", "5.0 kWh"),
        ("Refund", "73.8 kWh"),
        ("Worth", "ZAR 100.00"),
        ("Power limit", "13,800 W"),
        ("Clear tamper",),
        ("Clear credit", "all registers"),
        ("Clear credit", "register 3"),
    } <= pairs
    worthless = EVERYTHING_AT_ONCE._replace(
        tokens=(token(TokenKind.REFUND, 1, units_tenths=12_345),)
    )
    lines = texts(slip_of_sale(worthless, columns=48))
    assert any(re.fullmatch("Refund +1,234.5 kWh", text) for text in lines)
    assert not any(text.startswith("Worth") for text in lines)


def test_the_moment_is_that_of_the_utility() -> None:
    for zone, moment in (("Africa/Lagos", "2026-11-21 13:04:05"), ("Asia/Tokyo", "21:04:05")):
        sale = purchase(FLAT, 10_000, utility=UTILITY._replace(time_zone=zone))
        assert any(moment in text for text in texts(slip_of_sale(sale, columns=40)))


def test_only_a_sale_with_a_number_is_a_tax_invoice() -> None:
    numbered = "\n".join(texts(slip_of_sale(purchase(FLAT, 10_000), columns=40)))
    assert re.search(r"TAX INVOICE\n +17-2026-000042\n", numbered)
    without = purchase(FLAT, 10_000, invoice_number=None)
    assert "INVOICE" not in "\n".join(texts(slip_of_sale(without, columns=40)))


def test_what_a_utility_or_customer_does_not_have_takes_no_line() -> None:
    bare = UTILITY._replace(address="", vat_registration_number="", client_id="", message="")
    nobody = Customer(first_name="", last_name="", address="")
    sale = purchase(FLAT, 10_000, utility=bare, customer=nobody)
    lines = slip_of_sale(sale, columns=40).lines
    assert lines[1].is_rule
    assert lines[-1].text.startswith("Reference")
    assert not any(line.text.startswith("Customer") for line in lines)
    where = replace(nobody, address="1 Dorp Straat")
    slip = slip_of_sale(purchase(FLAT, 10_000, customer=where), columns=40)
    assert f"Customer{'1 Dorp Straat':>32}" in texts(slip)


def test_the_number_on_the_meter_stands_below_any_other_that_it_is_known_by() -> None:
    other = texts(slip_of_sale(purchase(FLAT, 10_000, external_id="TST001"), columns=40))
    assert f"Meter{'TST001':>35}" in other
    assert f"Meter number{'01000000016':>28}" in other
    same = texts(slip_of_sale(purchase(FLAT, 10_000), columns=40))
    assert f"Meter{'01000000016':>35}" in same
    assert not any(text.startswith("Meter number") for text in same)


def _reference(**changes: Any) -> str:
    return slip_of_sale(purchase(FLAT, 10_000)._replace(**changes), columns=40).reference


def test_a_reference_is_made_of_the_receipt_number() -> None:
    assert _reference() == "R17N000042"
    of_a_debt = tuple(
        line._replace(receipt_number="3-1000000") for line in EVERYTHING_AT_ONCE.bill.lines
    )
    assert _reference(tokens=QUEUED, bill=Bill(of_a_debt)) == "R3N1000000"


def test_a_sale_without_receipt_is_known_by_its_id() -> None:
    assert slip_of_sale(key_change(), columns=40).reference == "0B1C2D3E4F5046178829A0B1C2D3E4F5"


def test_ids_that_look_alike_have_references_of_their_own() -> None:
    ids = ["r17n000042", "R17N000042", "R17-N000042", "", "-", "é", "x" * 255, "x" * 254]
    ids += [PURCHASE_ID, PURCHASE_ID + "0", PURCHASE_ID[:-1]]
    references = {_reference(purchase_id=one, tokens=QUEUED) for one in ids} | {_reference()}
    assert len(references) == len(ids) + 1
    assert all(re.fullmatch(r"[A-Z0-9]{1,40}", reference) for reference in references)


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("R17N000042", "17-000042"),
        ("R17N1000000", "17-1000000"),
        ("0B1C2D3E4F5046178829A0B1C2D3E4F5", PURCHASE_ID),
        ("17-000042", "17-000042"),
        ("R17N", "R17N"),
        ("RN000042", "RN000042"),
        ("r17n000042", "r17n000042"),
        ("0B1C2D3E4F5046178829A0B1C2D3E4F", "0B1C2D3E4F5046178829A0B1C2D3E4F"),
        (PURCHASE_ID, PURCHASE_ID),
    ],
)
def test_a_reference_leads_back_to_what_it_was_made_of(reference: str, meant: str) -> None:
    assert asked_for(reference) == meant


def test_the_reference_of_a_trial_names_meter_and_moment() -> None:
    trial = trial_of(purchase(FLAT, 10_000, external_id="x" * 20))
    slip = slip_of_trial(trial, columns=32)
    assert slip.reference == "T" + "X" * 20 + "20261121120405678"
