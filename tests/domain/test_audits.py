"""Audits of what was sold find every token that was tampered with, and nothing where none was."""

from __future__ import annotations

from secrets import token_bytes
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import text

from sts.keys.sta_tables import SAMPLE_TABLES
from tests.domain.eventful import drop_guards
from tests.support.service import writing
from vending_api.domain.audits import service
from vending_api.domain.audits.opening import module_of
from vending_api.domain.audits.types import WORDS, Finding, FindingKind, Said, Tally
from vending_api.domain.issuing import service as issuing
from vending_api.kit.vault import VAULT, DataKeyMissing, Vault, vault_of
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


_MODULE: Final = module_of(example_keys(), SAMPLE_TABLES)
_FORGET_MOST: Final = """
UPDATE token SET digits = (SELECT token_digest FROM token_log
 WHERE token_log.meter_key = token.meter_key AND token_log.kind = token.kind
 AND token_log.token_identifier = token.token_identifier)
WHERE kind <> 'key_change' AND sale_key <> <sold>
"""
_NAMES: Final = {
    "<forget most>": _FORGET_MOST,
    "<zeros>": f"'{'0' * 64}'",
    "<sold>": "(SELECT key FROM sale WHERE purchase_id = 'sold')",
    "<confirmed>": "(SELECT key FROM sale WHERE purchase_id = 'confirmed')",
}
"""What the statements below mean."""
_THE_TOKEN: Final = (
    "SELECT units_tenths, token_identifier, digits FROM token WHERE sale_key = <sold>"
)


def test_nothing_is_found_where_everything_has_happened(used: Engine, tmp_path: Path) -> None:
    found, tally = _audited(used, tmp_path, "")
    assert found == []
    with used.connect() as connection:
        kinds = connection.execute(text("SELECT DISTINCT kind FROM token")).scalars().all()
        tokens = connection.execute(text("SELECT count(*) FROM token")).scalar_one()
    assert {*kinds} >= {"standard", "free", "refund", "power_limit", "key_change"}
    assert (tally.tokens, tally.logged, tally.findings) == (tokens, tokens, {})


@pytest.mark.parametrize(
    ("by", "kinds"),
    [
        (
            "UPDATE token SET units_tenths = units_tenths + 1 WHERE sale_key = <sold>",
            ["other_amount"],
        ),
        ("UPDATE token SET setting = setting + 1 WHERE kind = 'power_limit'", ["other_amount"]),
        (
            "UPDATE token SET token_identifier = 1 WHERE sale_key = <sold>",
            ["other_identifier"],
        ),
        ("UPDATE token SET kind = 'power_limit' WHERE sale_key = <sold>", ["other_kind"]),
        ("UPDATE token SET kind = 'unheard of' WHERE sale_key = <sold>", ["other_kind"]),
        ("UPDATE token SET kind = 'free' WHERE sale_key = <sold>", ["log_differs"]),
        ("UPDATE token SET digits = '01234567890123456789' WHERE sale_key = <sold>",
         ["record_gone", "unreadable"]),
        ("UPDATE token SET digits = '1,\"\n2' WHERE sale_key = <sold>",
         ["record_gone", "unreadable"]),
        ("UPDATE token SET key_revision_number = 9 WHERE sale_key = <sold>", ["unreadable"]),
        ("UPDATE token SET tariff_index = '07' WHERE sale_key = <sold>", ["unreadable"]),
        (
            ("UPDATE token SET meter_key = (SELECT key FROM meter WHERE external_id = 'TST007')"
            " WHERE sale_key = <sold>"),
            ["unreadable"],
        ),
        ("DELETE FROM token WHERE sale_key = <sold>", ["record_gone"]),
        ("DELETE FROM token_log WHERE reference = 'sold'", ["not_in_log"]),
        ("UPDATE token_log SET meter_key = 2 WHERE reference = 'sold'", ["log_differs"]),
        ("UPDATE token_log SET token_identifier = 2 WHERE reference = 'sold'", ["log_differs"]),
        ("UPDATE token_log SET base_date = 2035 WHERE reference = 'sold'", ["log_differs"]),
        ("UPDATE token_log SET reference = 'x\"y' WHERE reference = 'sold'", ["log_differs"]),
        (
            "UPDATE token_log SET token_digest = 'none' WHERE reference = 'sold'",
            ["not_in_log", "record_gone"],
        ),
        ("UPDATE token SET sale_key = 999 WHERE sale_key = <sold>", ["no_sale" ]),
        (
            ("UPDATE token SET sale_key = (SELECT key FROM sale WHERE purchase_id = 'refused')"
            " WHERE sale_key = <sold>"),
            ["no_sale"],
        ),
        (
            ("UPDATE token SET token_identifier = (SELECT token_identifier FROM token WHERE"
            " sale_key = <sold>) WHERE sale_key = <confirmed>"),
            ["identifier_twice", "identifier_twice", "other_identifier"],
        ),
    ],
)  # fmt: skip
def test_it_is_found_and_nothing_else(
    used: Engine, tmp_path: Path, by: str, kinds: list[str]
) -> None:
    found, tally = _audited(used, tmp_path, by)
    assert sorted(one.kind for one in found) == kinds
    assert dict(tally.findings) == {FindingKind(one): kinds.count(one) for one in kinds}


def test_a_finding_names_meter_amounts_identifier_and_sale(used: Engine, tmp_path: Path) -> None:
    (before,) = _rows(used)
    by = "UPDATE token SET units_tenths = 1 WHERE sale_key = <sold>"
    ((one,), _) = _audited(used, tmp_path, by)
    units, identifier, digits = before
    assert one.kind is FindingKind.OTHER_AMOUNT
    assert (one.external_meter_id, one.reference, one.base_date) == ("TST001", "sold", 2014)
    assert one.says == Said("TransferCredit", units, identifier)
    assert one.sold == Said("standard", 1, identifier)
    assert one.digits == digits
    assert digits not in repr(one)


def test_what_the_log_alone_has_is_named_by_the_log(used: Engine, tmp_path: Path) -> None:
    ((_, identifier, _),) = _rows(used)
    ((one,), _) = _audited(used, tmp_path, "DELETE FROM token WHERE sale_key = <sold>")
    assert (one.external_meter_id, one.reference) == ("TST001", "sold")
    assert one.sold == Said("standard", None, identifier)


def test_what_was_sold_before_there_was_a_log_need_not_be_in_it(
    used: Engine, tmp_path: Path
) -> None:
    by = (
        "UPDATE sale SET key_data = NULL WHERE purchase_id = 'sold';"
        "DELETE FROM token_log WHERE reference = 'sold'"
    )
    assert _audited(used, tmp_path, by)[0] == []


def test_it_reads_and_never_writes_and_leaves_no_file(used: Engine, tmp_path: Path) -> None:
    if used.dialect.name == "postgresql":
        with used.connect() as connection:
            connection.execution_options(postgresql_readonly=True)
            found = [*service.audit_sold(connection, _MODULE, tmp_path, Tally(), _not_told)]
    else:
        with used.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            found = [*service.audit_sold(connection, _MODULE, tmp_path, Tally(), _not_told)]
            connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert found == []
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("by", "kinds"),
    [
        ("", []),
        ("<forget most>", []),
        ("<forget most>;DELETE FROM token_log WHERE reference = 'confirmed'", ["not_in_log"]),
        ("UPDATE token SET digits = <zeros> WHERE sale_key = <sold>",
         ["not_in_log", "record_gone"]),
        ("<forget most>;UPDATE token SET sale_key = 999 WHERE sale_key = <confirmed>", ["no_sale"]),
        (("UPDATE token SET digits = (SELECT digits FROM token WHERE sale_key = <confirmed>)"
          " WHERE sale_key = <sold>"), ["record_gone", "unreadable"]),
        ("UPDATE token SET units_tenths = units_tenths + 1 WHERE sale_key = <sold>",
         ["other_amount"]),
    ],
    ids=["sealed", "forgotten", "not logged", "digest", "no sale", "moved", "amount"],
)  # fmt: skip
def test_tokens_that_are_stored_encrypted_or_forgotten_are_audited_as_well(
    used: Engine, tmp_path: Path, by: str, kinds: list[str]
) -> None:
    sealed = used.execution_options(**{VAULT: Vault({"0001": b"k" * 32}, token_bytes)})
    found, _ = _audited(sealed, tmp_path, by)
    assert sorted(one.kind for one in found) == kinds


def test_without_the_data_key_nothing_is_said_of_sealed_tokens(
    used: Engine, tmp_path: Path
) -> None:
    stored = Vault({"0001": b"k" * 32}, token_bytes).seal(b"0" * 9, "1")
    with pytest.raises(DataKeyMissing):
        _audited(
            used,
            tmp_path,
            "UPDATE token SET digits = '<sealed>' WHERE sale_key = <sold>".replace(
                "<sealed>", stored
            ),
        )


def test_every_finding_has_words() -> None:
    assert {*WORDS} == {*FindingKind}


def _rows(engine: Engine) -> list[tuple[int, int, str]]:
    with engine.connect() as connection:
        found = connection.execute(text(_meant(_THE_TOKEN)))
        return [(row[0], row[1], row[2]) for row in found]


def _meant(statement: str) -> str:
    for name, meaning in _NAMES.items():
        statement = statement.replace(name, meaning)
    return statement


def _audited(engine: Engine, folder: Path, statements: str) -> tuple[list[Finding], Tally]:
    """Return what is found after some statements, which are then undone."""
    tally = Tally()
    with writing(engine) as connection:
        transaction = connection.begin()
        drop_guards(connection)
        if vault_of(connection).newest is not None:
            issuing.seal_tokens(connection, after=0, most=10_000)
        for statement in filter(None, statements.split(";")):
            connection.execute(text(_meant(statement)))
        found = [*service.audit_sold(connection, _MODULE, folder, tally, _not_told)]
        transaction.rollback()
    return found, tally


def _not_told(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks."""
