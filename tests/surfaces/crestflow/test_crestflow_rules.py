"""Each rule lets the nearest good value pass and refuses the nearest bad one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from email.headerregistry import Address
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.surfaces.crestflow.goods import at
from vending_api.surfaces.crestflow import rules
from vending_api.surfaces.crestflow.rules import Wrong

Rule = Callable[[Any], Any]
LABEL_63: Final = "a" * 63
STRING: Final = "The {field} must be a string."
FORMAT: Final = "The {field} format is invalid."
LONG: Final = "The {field} may not be greater than 255 characters."
INTEGER: Final = "The {field} must be an integer."
NUMBER: Final = "The {field} must be a number."
EMAIL: Final = "The {field} must be a valid email address."
DATE: Final = "The {field} is not a valid date."
POSITIVE: Final = "The {field} must be greater than 0."
GREAT: Final = "The {field} may not be greater than 1000000000000."
naira: Final = rules.amount(2)
francs: Final = rules.amount(0)


GOOD: Final = (
    (rules.text, "x" * 255, "x" * 255),
    (rules.text, "Adé \N{NO-BREAK SPACE} 'O' <b>", "Adé \N{NO-BREAK SPACE} 'O' <b>"),
    (rules.email, "a@b.c", "a@b.c"),
    (rules.email, "Jane.O'Doe+x@Mail.Example.org", "Jane.O'Doe+x@Mail.Example.org"),
    (rules.email, f"{'a' * 64}@{LABEL_63}.org", f"{'a' * 64}@{LABEL_63}.org"),
    (rules.phone, "1234567", "1234567"),
    (rules.phone, "+123456789012345", "+123456789012345"),
    (rules.password, "x", "x"),
    (rules.password, "é" * 512, "é" * 512),
    (rules.new_password, " 234567 ", " 234567 "),
    (rules.new_password, "é" * 8, "é" * 8),
    (rules.integer, 0, 0),
    (rules.integer, "0", 0),
    (rules.integer, "+12", 12),
    (rules.integer, "-12", -12),
    (rules.integer, 2**63 - 1, 2**63 - 1),
    (rules.integer, str(1 - 2**63), 1 - 2**63),
    (rules.one_of({1, 2}), "2", 2),
    (rules.digits, "01234567890", "01234567890"),
    (rules.digits, 1234567890, "1234567890"),
    (rules.digits, "7" * 255, "7" * 255),
    (naira, 1, 100),
    (naira, "1", 100),
    (naira, Decimal("0.01"), 1),
    (naira, ".5", 50),
    (naira, "5.", 500),
    (naira, "+5200.10", 520_010),
    (naira, Decimal("5200.100000000000000000000000000000000"), 520_010),
    (naira, Decimal("5.2E+3"), 520_000),
    (naira, 10**12, 10**14),
    (francs, 5200, 5200),
    (francs, "5200.0", 5200),
    (rules.since, "2026-01-02", at("2026-01-02 00:00:00")),
    (rules.until, "2026-01-02", at("2026-01-03 00:00:00")),
    (rules.since, "2026-01-02 14:51:53", at("2026-01-02 14:51:53")),
    (rules.until, "2026-01-02T14:51:53Z", at("2026-01-02 14:51:54")),
    (rules.until, "2026-01-02T14:51", at("2026-01-02 14:52:00")),
    (rules.until, "2024-02-29", at("2024-03-01 00:00:00")),
)


@pytest.mark.parametrize(("rule", "value", "read"), GOOD, ids=range(len(GOOD)))
def test_good_values_are_read(rule: Rule, value: Any, read: Any) -> None:
    assert rule(value) == read
    assert type(rule(value)) is type(read)


BAD: Final = (
    (rules.text, 5, STRING),
    (rules.text, True, STRING),
    (rules.text, ["x"], STRING),
    (rules.text, "x" * 256, LONG),
    (rules.text, "a\0b", FORMAT),
    (rules.text, "a\nb", FORMAT),
    (rules.text, "a\x7fb", FORMAT),
    (rules.text, "a\ud800b", FORMAT),
    (rules.text, "a\udfffb", FORMAT),
    (rules.email, 5, STRING),
    (rules.email, "a@b", EMAIL),
    (rules.email, "a.b.c", EMAIL),
    (rules.email, "@b.c", EMAIL),
    (rules.email, "a@@b.c", EMAIL),
    (rules.email, "a..b@c.d", EMAIL),
    (rules.email, ".a@c.d", EMAIL),
    (rules.email, "a b@c.d", EMAIL),
    (rules.email, "a@b..c", EMAIL),
    (rules.email, "a@-b.c", EMAIL),
    (rules.email, "a@b-.c", EMAIL),
    (rules.email, "a@b.c, d@e.f", EMAIL),
    (rules.email, "Jane <a@b.c>", EMAIL),
    (rules.email, "é@b.c", EMAIL),
    (rules.email, f"{'a' * 65}@b.c", EMAIL),
    (rules.email, f"a@{LABEL_63}a.org", EMAIL),
    (rules.email, "a@b.c\r\nBcc: d@e.f", FORMAT),
    (rules.phone, "123456", FORMAT),
    (rules.phone, "1234567890123456", FORMAT),
    (rules.phone, "++1234567", FORMAT),
    (rules.phone, "\N{FULLWIDTH DIGIT ONE}234567", FORMAT),
    (rules.phone, 2348031234567, STRING),
    (rules.password, 12345678, STRING),
    (rules.password, "x\0", FORMAT),
    (rules.password, "x\ud800", FORMAT),
    (rules.password, "x" * 1025, "The {field} may not be greater than 1024 characters."),
    (rules.password, "é" * 513, "The {field} may not be greater than 1024 characters."),
    (rules.new_password, "1234567", "The {field} must be at least 8 characters."),
    (rules.new_password, "é" * 7, "The {field} must be at least 8 characters."),
    (rules.new_password, 12345678, STRING),
    (rules.integer, "01", INTEGER),
    (rules.integer, "1.0", INTEGER),
    (rules.integer, Decimal("1.5"), INTEGER),
    (rules.integer, "one", INTEGER),
    (rules.integer, True, INTEGER),
    (rules.integer, 2**63, INTEGER),
    (rules.integer, -(2**63), INTEGER),
    (rules.integer, "9223372036854775808", INTEGER),
    (rules.integer, "\N{ARABIC-INDIC DIGIT ONE}", INTEGER),
    (rules.integer, {"id": 1}, INTEGER),
    (rules.one_of({1, 2}), 0, "The selected {field} is invalid."),
    (rules.one_of({1, 2}), 3, "The selected {field} is invalid."),
    (rules.one_of({1, 2}), "x", INTEGER),
    (rules.digits, "4700-0000", NUMBER),
    (rules.digits, -1, NUMBER),
    (rules.digits, True, NUMBER),
    (rules.digits, Decimal("1.5"), NUMBER),
    (rules.digits, "\N{ARABIC-INDIC DIGIT ONE}", NUMBER),
    (rules.digits, "\0", NUMBER),
    (rules.digits, "7" * 256, LONG),
    (naira, "much", NUMBER),
    (naira, "1e3", NUMBER),
    (naira, "1,000", NUMBER),
    (naira, ".", NUMBER),
    (naira, True, NUMBER),
    (naira, [5200], NUMBER),
    (naira, 0, POSITIVE),
    (naira, "-0.01", POSITIVE),
    (naira, Decimal("-1E+999999"), POSITIVE),
    (naira, Decimal("0.001"), FORMAT),
    (naira, "5200.001", FORMAT),
    (naira, Decimal("5200.000000000000000000000000000000000001"), FORMAT),
    (naira, Decimal("1E-999999"), FORMAT),
    (francs, "5200.5", FORMAT),
    (naira, 10**12 + 1, GREAT),
    (naira, "1000000000000.01", GREAT),
    (naira, Decimal("1E+999999"), GREAT),
    (rules.since, "yesterday", DATE),
    (rules.since, "2026-02-30", DATE),
    (rules.since, "2026-01-02 25:00", DATE),
    (rules.since, "2026-01-02T14:51:53+01:00", DATE),
    (rules.since, "26-01-02", DATE),
    (rules.until, "9999-12-31", DATE),
    (rules.since, "0000-01-01", DATE),
    (rules.since, "a\0b", FORMAT),
)


@pytest.mark.parametrize(("rule", "value", "text"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused(rule: Rule, value: Any, text: str) -> None:
    with pytest.raises(Wrong) as refused:
        rule(value)
    assert str(refused.value) == text


def _joined(part: str, most: int) -> st.SearchStrategy[str]:
    parts = st.lists(st.from_regex(part, fullmatch=True), min_size=2, max_size=4)
    return parts.map(".".join).filter(lambda text: len(text) <= most)


@given(_joined(rules._ATOM, 64), _joined(rules._LABEL, 190))
def test_an_address_is_one_for_the_mail_library_too(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    assert rules.email(address) == address
    parsed = Address(addr_spec=address)
    assert (parsed.username, parsed.domain) == (local, domain)


@given(st.integers(1, 10**14))
def test_a_sum_in_naira_is_read_exactly_from_a_number_and_from_a_text(kobo: int) -> None:
    written = Decimal(kobo).scaleb(-2)
    assert naira(written) == naira(f"{written:f}") == kobo


@given(st.datetimes(min_value=at("2000-01-01").replace(tzinfo=None)).map(str))
def test_a_moment_lasts_a_second(written: str) -> None:
    moment = written[:19]
    if moment < "9999-12-31 23:59:59":
        assert rules.until(moment) - rules.since(moment) == timedelta(seconds=1)
