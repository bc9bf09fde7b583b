"""`vending doctor`: each objection is raised where it is due, and only there."""

from __future__ import annotations

import json
from hashlib import sha256
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from sts.keys.sealing import Custody, OpenedBy, OpeningSecret
from tests.support.operators import joined
from tests.support.sealed_keys import KEY, OWN_KEYS, sealed
from tests.support.selling import sell
from tests.support.service import NOON, purchase, writing
from vending_api.cli.approved_keys import require_approved_keys
from vending_api.cli.examination import (
    Objection,
    objections_to_database,
    objections_to_settings,
)
from vending_api.domain.actions import service as actions
from vending_api.domain.actions.types import LoadKeys
from vending_api.domain.meters.tables import METER
from vending_api.domain.operators.service import disable
from vending_api.domain.operators.types import Role
from vending_api.migrations.grants import apply_grants
from vending_api.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand

CUSTODIANS = OpeningSecret(bytes(range(16)), OpenedBy.CUSTODIANS)


@pytest.fixture
def sound(tmp_path: Path) -> dict[str, Any]:
    """Give settings that nobody objects to."""
    names = ("db", "tables", "log.key", "data.keys")
    database, tables, log_key, data_keys = (tmp_path / name for name in names)
    for file in (database, tables, log_key, data_keys):
        file.touch(mode=0o600)
    return {
        "database_url": SecretStr(f"sqlite:///{database}"),
        "sta_tables": tables,
        "security_module": tmp_path / "module",
        "log_key_file": log_key,
        "data_keys_file": data_keys,
        "tokens_kept_days": 365,
    }


@pytest.fixture
def own_keys(sound: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Give settings with a key file of custodians and limits, and a module beside the service."""
    keys = tmp_path / "keys.sealed"
    keys.touch(mode=0o600)
    keys.write_text(sealed(OWN_KEYS, CUSTODIANS, custody=Custody(2, b"set")))
    return sound | {
        "security_module": None,
        "keys_file": keys,
        "module_tokens_a_day": 10,
        "module_counters": tmp_path / "counters",
    }


def _areas(found: list[Objection]) -> list[str]:
    return [one.area for one in found]


def test_nobody_objects_to_a_sound_installation(sound: dict[str, Any]) -> None:
    assert objections_to_settings(Settings(**sound)) == []


def test_a_module_beside_the_service_is_objected_to(own_keys: dict[str, Any]) -> None:
    assert _areas(objections_to_settings(Settings(**own_keys))) == ["VENDING_SECURITY_MODULE"]


@pytest.mark.parametrize(
    ("changes", "area", "words"),
    [
        ({"sta_tables": None}, "VENDING_STA_TABLES", "sample tables"),
        ({"data_keys_file": None}, "VENDING_DATA_KEYS_FILE", "stored as they are"),
        ({"tokens_kept_days": None}, "VENDING_TOKENS_KEPT_DAYS", "for ever"),
        ({"log_key_file": None}, "VENDING_LOG_KEY_FILE", "no signed checkpoints"),
        ({"host": "0.0.0.0"}, "VENDING_HOST", "without TLS"),
        ({"trusted_proxies": (ip_network("0.0.0.0/0"),)}, "VENDING_TRUSTED_PROXIES", "everybody"),
        (
            {"database_url": SecretStr("postgresql+psycopg://v@db.example/v")},
            "VENDING_DATABASE_URL",
            "db.example does not prove",
        ),
        ({"module_units_a_day": 5}, "VENDING_MODULE_COUNTERS", "sets the limits"),
        ({"demo": True}, "VENDING_DEMO", "published keys"),
    ],
)
def test_settings_are_objected_to(
    sound: dict[str, Any], changes: dict[str, Any], area: str, words: str
) -> None:
    (found,) = objections_to_settings(Settings(**sound | changes))
    assert found.area == area
    assert words in found.problem
    assert found.mend


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://v@db.example/v?sslmode=verify-full",
        "postgresql+psycopg://v@/v?host=/run/postgresql",
        "postgresql+psycopg://v@127.0.0.1/v",
    ],
)
def test_a_database_that_proves_itself_or_is_here_is_not_objected_to(
    sound: dict[str, Any], url: str
) -> None:
    assert objections_to_settings(Settings(**sound | {"database_url": SecretStr(url)})) == []


def test_a_key_file_is_looked_at(own_keys: dict[str, Any], tmp_path: Path) -> None:
    keys, opens = tmp_path / "keys.sealed", tmp_path / "opens"

    def problems(**changes: Any) -> str:
        return " ".join(
            one.problem for one in objections_to_settings(Settings(**own_keys | changes))
        )

    assert "one secret opens" not in problems()
    keys.write_text(sealed(OWN_KEYS))
    assert "one secret opens the keys" in problems()
    keys.chmod(0o640)
    assert "is open to other users" in problems()
    keys.write_text(OWN_KEYS)
    assert "not sealed" in problems()
    keys.write_text("[[nothing")
    assert "not TOML" in problems()
    assert "No such file" in problems(keys_file=keys, log_key_file=tmp_path / "none")
    opens.touch(mode=0o600)
    opens.write_text(KEY)
    beside = problems(keys_passphrase_file=opens)
    assert "lies beside the key file" in beside
    assert KEY not in beside
    assert "in the environment" in problems(keys_passphrase=SecretStr(KEY))
    assert "nothing limits" in problems(module_tokens_a_day=None, module_counters=None)
    assert "no keys are named" in problems(keys_file=None)


def test_hardware_needs_no_key_file_and_a_password_of_its_own(
    sound: dict[str, Any], tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.touch(mode=0o600)
    settings = Settings(
        **sound | {"sta_tables": None},
        prism_address="tls://module.example.org:9443",
        prism_password_file=password,
    )
    assert _areas(objections_to_settings(settings)) == ["VENDING_PRISM_ADDRESS"]
    password.chmod(0o640)
    assert _areas(objections_to_settings(settings)) == [
        "VENDING_PRISM_ADDRESS",
        "VENDING_PRISM_PASSWORD_FILE",
    ]


def test_files_that_others_may_read_are_objected_to(sound: dict[str, Any], tmp_path: Path) -> None:
    for name in ("db", "log.key"):
        (tmp_path / name).chmod(0o644)
    found = objections_to_settings(Settings(**sound))
    assert _areas(found) == ["VENDING_LOG_KEY_FILE", "VENDING_DATABASE_URL"]
    assert all("open to other users" in one.problem for one in found)


def _of_database(engine: Engine, **settings: Any) -> dict[str, str]:
    with engine.connect() as connection:
        found = objections_to_database(connection, Settings(**settings), NOON)
    return {one.area: one.problem for one in found}


def test_the_client_of_the_demo_is_objected_to_until_it_is_switched_off(engine: Engine) -> None:
    assert "client test" in _of_database(engine)
    with writing(engine) as connection, connection.begin():
        connection.execute(text("UPDATE client SET is_active = :no"), {"no": False})
    assert "client test" not in _of_database(engine)


@pytest.mark.parametrize(("days", "is_wrong"), [(0, False), (2, True)])
def test_identifiers_far_ahead_of_the_clock_are_objected_to(
    engine: Engine, days: int, is_wrong: object
) -> None:
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        ahead = METER.c.last_token_identifier + days * 24 * 60
        connection.execute(update(METER).values(last_token_identifier=ahead))
    assert ("token identifiers" in _of_database(engine)) is is_wrong


def test_a_log_without_late_checkpoints_is_objected_to(engine: Engine, tmp_path: Path) -> None:
    key = {"log_key_file": tmp_path / "log.key"}
    assert "token log" not in _of_database(engine, **key)
    sell(engine, purchase())
    assert "token log" in _of_database(engine, **key)
    assert "token log" not in _of_database(engine)  # who has no key makes none


def test_a_role_that_may_change_evidence_is_objected_to(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        assert "rights" not in _of_database(engine)
        return
    assert "owns the tables" in _of_database(engine)["rights"]
    with engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE ROLE doctors_patient"))
        try:
            apply_grants(connection, "doctors_patient")
            connection.execute(text("SET LOCAL ROLE doctors_patient"))
            found = objections_to_database(connection, Settings(), NOON)
            assert "rights" not in {one.area for one in found}
            connection.execute(text("RESET ROLE"))
            connection.execute(text("GRANT UPDATE ON token_log TO doctors_patient"))
            connection.execute(text("SET LOCAL ROLE doctors_patient"))
            found = objections_to_database(connection, Settings(), NOON)
            assert (
                "may change or delete rows of token_log"
                in {one.area: one.problem for one in found}["rights"]
            )
        finally:
            connection.rollback()


def test_too_few_operators_are_objected_to(engine: Engine) -> None:
    assert "there are none" in _of_database(engine)["operators"]
    for name, problem in (("thandi", "one supervisor only"), ("lindiwe", None)):
        with writing(engine) as connection, connection.begin():
            joined(connection, name, Role.SUPERVISOR)
        assert (problem or "") in _of_database(engine).get("operators", "")
    assert "operators" not in _of_database(engine)
    with writing(engine) as connection, connection.begin():
        disable(connection, "lindiwe", NOON)
    assert "operators" in _of_database(engine)


def test_keys_that_nobody_approved_are_objected_to_and_not_served_with(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "keys.sealed"
    file.write_text(sealed(OWN_KEYS))
    url = SecretStr(engine.url.render_as_string(hide_password=False))
    settings = Settings(database_url=url, keys_file=file)
    assert "VENDING_KEYS_FILE" not in _of_database(engine, keys_file=file)
    require_approved_keys(settings)
    with writing(engine) as connection, connection.begin():
        proposer, other = (
            joined(connection, name, Role.KEY_CUSTODIAN) for name in ("naledi", "sipho")
        )
        digest = sha256(file.read_bytes()).hexdigest()
        action = LoadKeys(file=file.name, digest=digest, keys=())
        number = actions.propose(connection, proposer, action, "first", NOON)
    assert "have approved" in _of_database(engine, keys_file=file)["VENDING_KEYS_FILE"]
    with pytest.raises(SettingsInvalid, match="was not approved"):
        require_approved_keys(settings)
    require_approved_keys(settings.model_copy(update={"demo": True}))
    require_approved_keys(settings.model_copy(update={"security_module": tmp_path / "module"}))
    with writing(engine) as connection, connection.begin():
        actions.approve(connection, other, number, NOON)
    assert "VENDING_KEYS_FILE" not in _of_database(engine, keys_file=file)
    require_approved_keys(settings)
    file.write_text(sealed(OWN_KEYS, salt=bytes(16)))
    with pytest.raises(SettingsInvalid, match="was not approved"):
        require_approved_keys(settings)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_command_prints_a_table_or_json_and_ends_with_1(vending: VendingCommand) -> None:
    done = vending("doctor")
    assert done.code == 1
    assert "What would be right" in done.out
    assert "VENDING_LOG_KEY_FILE" in done.out
    told = vending("doctor", "--json")
    assert told.code == 1
    areas = [one["area"] for one in json.loads(told.out)]
    assert "client test" in areas
    assert f"{len(areas)} objections" in told.err
