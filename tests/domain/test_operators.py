"""Operators: who they are, what their roles allow, what they are known by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.operators import hired, joined, log_in
from tests.support.service import NOON, writing
from vending_api.domain.operators import login, service
from vending_api.domain.operators.errors import (
    LastSupervisor,
    NotAllowed,
    OperatorLoginRejected,
    OperatorUnknown,
    PassRejected,
    PassUnknown,
)
from vending_api.domain.operators.types import (
    LONGEST_NAME,
    PERSONAL,
    RIGHTS,
    SESSION_LASTS,
    NewOperator,
    NewPassword,
    PassKind,
    Right,
    Role,
)
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

GIVEN = NewPassword(password_hash="none", totp_sealed="none")
VALUE = {Right.PROPOSE, Right.APPROVE, Right.PROPOSE_KEYS, Right.APPROVE_KEYS}


def _new(name: str, *roles: Role) -> NewOperator:
    return NewOperator(name=name, roles=frozenset(roles), password_hash="none", totp_sealed="none")


def test_each_role_has_rights_and_each_right_a_role() -> None:
    assert set(RIGHTS) == set(Role)
    assert frozenset[Right]().union(*RIGHTS.values()) == set(Right)


def test_auditors_and_support_neither_propose_nor_approve_value() -> None:
    for role in (Role.AUDITOR, Role.SUPPORT):
        assert not RIGHTS[role] & VALUE
    assert not RIGHTS[Role.CLERK] & PERSONAL
    assert not RIGHTS[Role.AUDITOR] & {Right.ASSIST, Right.OPERATE, Right.ADMINISTER}


def test_the_first_operator_is_a_supervisor(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        assert not service.is_peopled(connection)
        with pytest.raises(EntryInvalid, match="first operator must be a supervisor"):
            service.add_operator(connection, _new("thandi", Role.CLERK), NOON)
        service.add_operator(connection, _new("thandi", Role.SUPERVISOR), NOON)
        assert service.is_peopled(connection)
        service.add_operator(connection, _new("pieter", Role.CLERK), NOON)
        assert [one.name for one in service.all_operators(connection)] == ["pieter", "thandi"]


@pytest.mark.parametrize("name", ["", "T", "1a", "a b", "a,b", "a" * (LONGEST_NAME + 1), "a\n"])
def test_a_name_that_is_none_is_refused(engine: Engine, name: str) -> None:
    refused = pytest.raises(EntryInvalid, match=r"operator\.name")
    with writing(engine) as connection, connection.begin(), refused:
        service.add_operator(connection, _new(name, Role.SUPERVISOR), NOON)


@pytest.mark.parametrize("name", ["a", "a.b-1", "a" * LONGEST_NAME])
def test_a_name_that_is_one_is_taken_once(engine: Engine, name: str) -> None:
    with writing(engine) as connection, connection.begin():
        service.add_operator(connection, _new(name, Role.SUPERVISOR), NOON)
        with pytest.raises(EntryInvalid, match="already"):
            service.add_operator(connection, _new(name, Role.SUPERVISOR), NOON)


def test_an_operator_has_a_role(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        joined(connection, "thandi", Role.SUPERVISOR)
        with pytest.raises(EntryInvalid, match="none; write one"):
            service.add_operator(connection, _new("pieter"), NOON)
        with pytest.raises(EntryInvalid, match="none; write one"):
            service.set_roles(connection, "thandi", frozenset())


def test_the_last_supervisor_that_can_act_stays(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for name in ("thandi", "lindiwe"):
            joined(connection, name, Role.SUPERVISOR)
        service.disable(connection, "lindiwe", NOON)
        with pytest.raises(LastSupervisor):
            service.disable(connection, "thandi", NOON)
        with pytest.raises(LastSupervisor):
            service.set_roles(connection, "thandi", frozenset({Role.CLERK}))
        service.set_roles(connection, "thandi", frozenset({Role.CLERK, Role.SUPERVISOR}))
        service.reset(connection, "lindiwe", GIVEN, NOON)
        service.disable(connection, "thandi", NOON)
        for act in (service.disable, lambda c, n, at: service.reset(c, n, GIVEN, at)):
            with pytest.raises(OperatorUnknown):
                act(connection, "nobody", NOON)


def test_two_supervisors_cannot_disable_each_other_at_once(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for name in ("thandi", "lindiwe"):
            joined(connection, name, Role.SUPERVISOR)

    def disable(name: str) -> bool:
        try:
            with writing(engine) as connection, connection.begin():
                service.disable(connection, name, NOON)
        except LastSupervisor:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(disable, ("thandi", "lindiwe"))) == [False, True]


def test_an_api_key_does_what_the_roles_allow_but_nothing_personal(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        person = joined(connection, "thandi", Role.SUPERVISOR)
        machine = joined(connection, "robot", Role.SUPERVISOR, kind=PassKind.API_KEY)
    for right in RIGHTS[Role.SUPERVISOR]:
        service.require(person, right)
        assert machine.may(right) == (right not in PERSONAL)
    with pytest.raises(NotAllowed, match="an API key may not approve"):
        service.require(machine, Right.APPROVE)
    with pytest.raises(NotAllowed, match="roles of thandi"):
        service.require(person, Right.APPROVE_KEYS)


def test_a_pass_ends_with_its_time(engine: Engine) -> None:
    person = hired(engine, "thandi", Role.SUPERVISOR)
    log_in(engine, person, NOON, session="s")
    with engine.connect() as connection:
        last = NOON + SESSION_LASTS - timedelta(microseconds=1)
        assert service.who_acts(connection, "s", last).operator.name == "thandi"
        for secret, at in (("s", NOON + SESSION_LASTS), ("S", NOON), ("", NOON)):
            with pytest.raises(PassRejected):
                service.who_acts(connection, secret, at)


def test_what_is_revoked_counts_no_more(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        boss = joined(connection, "thandi", Role.SUPERVISOR)
        clerk = joined(connection, "pieter", Role.CLERK)
        other = joined(connection, "aisha", Role.CLERK)
        assert [one.operator_name for one in service.passes(connection, clerk, NOON)] == ["pieter"]
        assert len(service.passes(connection, boss, NOON)) == 3
        with pytest.raises(PassUnknown):
            service.revoke_pass(connection, clerk, other.number, NOON)
        service.revoke_pass(connection, clerk, clerk.number, NOON)
        with pytest.raises(PassUnknown):
            service.revoke_pass(connection, clerk, clerk.number, NOON)
        service.revoke_pass(connection, boss, other.number, NOON)
        for name in ("pieter", "aisha"):
            with pytest.raises(PassRejected):
                service.who_acts(connection, f"secret of {name}", NOON)
        assert service.who_acts(connection, "secret of thandi", NOON) == boss


@pytest.mark.parametrize("how", ["disable", "reset", "change_password"])
def test_who_is_disabled_or_gets_another_password_is_logged_out(engine: Engine, how: str) -> None:
    with writing(engine) as connection, connection.begin():
        joined(connection, "thandi", Role.SUPERVISOR)
        clerk = joined(connection, "pieter", Role.CLERK)
        if how == "disable":
            service.disable(connection, "pieter", NOON)
        elif how == "reset":
            service.reset(connection, "pieter", GIVEN, NOON)
        else:
            service.change_password(connection, clerk.operator, GIVEN, NOON)
        with pytest.raises(PassRejected):
            service.who_acts(connection, "secret of pieter", NOON)
        service.who_acts(connection, "secret of thandi", NOON)


def test_who_is_disabled_meanwhile_gets_no_session(engine: Engine) -> None:
    hired(engine, "lindiwe", Role.SUPERVISOR)
    person = hired(engine, "thandi", Role.SUPERVISOR)
    with writing(engine) as connection, connection.begin():
        candidate = login.begin(connection, "thandi", NOON)
    verified = login.verify(candidate, person.password, person.code(NOON), NOON)
    with writing(engine) as connection, connection.begin():
        service.disable(connection, "thandi", NOON)
        with pytest.raises(OperatorLoginRejected):
            login.finish(connection, verified, "s", NOON)
    with pytest.raises(OperatorLoginRejected):
        log_in(engine, person, NOON)


def test_no_secret_shows() -> None:
    shown = repr(_new("thandi", Role.CLERK)) + repr(GIVEN)
    assert "none" not in shown
