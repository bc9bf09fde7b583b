"""Nothing is stored without the signature; what is signed is answered 200 once it is stored."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.surfaces.paystack.bodies import NO_DATA, NO_FORM, ODD_CHARGES, ODD_OTHERS, charge
from tests.surfaces.paystack.door import KEY, Door, signature_of
from vending_api.kit.errors import OutcomeUnknown, Overloaded, StorageUnavailable
from vending_api.surfaces.paystack.routes import MAX_BODY_OCTETS

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = {**ODD_CHARGES, **ODD_OTHERS, **NO_FORM, **NO_DATA}


def test_a_signed_event_is_stored_and_answered_with_200() -> None:
    door = Door()
    answer = door.signed(charge())
    assert (answer.status_code, answer.json()) == (200, {"status": True})
    assert [one.reference for one in door.heard] == ["T123456789012345"]


@pytest.mark.parametrize("body", [*ALL.values()], ids=ALL)
def test_whatever_is_signed_is_taken(body: bytes) -> None:
    door = Door()
    assert door.signed(body).status_code == 200
    assert len(door.heard) == 1


@pytest.mark.parametrize("name", ["x-paystack-signature", "X-PAYSTACK-SIGNATURE"])
def test_the_name_of_the_header_may_have_any_case(name: str) -> None:
    headers = {name: signature_of(charge())}
    assert Door().call("POST", "/webhook", content=charge(), headers=headers).status_code == 200


def _wrong() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    body = charge()
    right = signature_of(body)
    yield "missing", body, ()
    yield "empty", body, ("",)
    yield "wrong case", body, (right.upper(),)
    yield "cut", body, (right[:-1],)
    yield "of another body", body, (signature_of(b"{}"),)
    yield "altered body", body.replace(b"520000", b"520001", 1), (right,)
    yield "cut body", body[:-1], (right,)
    yield "rewritten body", json.dumps(json.loads(body)).encode(), (right,)
    yield "two", body, (right, right)
    yield "nothing at all", b"", ()


@pytest.mark.parametrize(
    ("body", "signatures"),
    [(body, signatures) for _, body, signatures in _wrong()],
    ids=[name for name, _, _ in _wrong()],
)
def test_a_wrong_signature_is_401_and_stores_nothing(
    body: bytes, signatures: tuple[str, ...]
) -> None:
    door = Door()
    with capture_logs() as logs:
        answer = door.webhook(body, *signatures)
    assert (answer.status_code, door.heard) == (401, [])
    assert [line["event"] for line in logs] == ["webhook_signature_wrong"]
    said = answer.text + repr(logs)
    assert "T123456789012345" not in said
    assert KEY not in said
    assert signature_of(body) not in said


def test_a_body_is_not_read_by_anything_before_its_signature_is_right() -> None:
    door = Door()
    assert door.webhook(b"[" * 100_000, "0" * 128).status_code == 401


def test_a_body_may_be_so_long_and_no_longer() -> None:
    door = Door()
    longest = charge(log="x" * (MAX_BODY_OCTETS - len(charge(log=""))))
    assert len(longest) == MAX_BODY_OCTETS
    assert door.signed(longest).status_code == 200
    assert door.signed(longest + b" ").status_code == 413
    assert len(door.heard) == 1


@pytest.mark.parametrize("fault", [StorageUnavailable(), Overloaded(), OutcomeUnknown()])
def test_what_could_not_be_stored_is_to_come_again(fault: Exception) -> None:
    with capture_logs() as logs:
        answer = Door(fault=fault).signed(charge())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert [line["event"] for line in logs] == ["webhook_not_stored"]


def test_a_fault_of_ours_is_not_answered_with_200() -> None:
    answer = Door(fault=RuntimeError(KEY)).signed(charge())
    assert answer.status_code == 503
    assert KEY not in answer.text


@pytest.mark.parametrize(
    ("peer", "status"), [("52.31.139.75", 200), ("::ffff:52.31.139.75", 200), ("52.31.139.76", 403)]
)
def test_only_listed_addresses_may_deliver(peer: str, status: int) -> None:
    door = Door(networks=[ip_network("52.31.139.75")])
    assert door.signed(charge(), peer=peer).status_code == status
    assert len(door.heard) == (status == 200)


def test_a_stranger_is_turned_away_before_the_signature_is_looked_at() -> None:
    door = Door(networks=[ip_network("52.31.139.75")])
    with capture_logs() as logs:
        assert door.webhook(charge(), peer="203.0.113.9").status_code == 403
    assert [(line["event"], line["address"]) for line in logs] == [
        ("webhook_address_refused", "203.0.113.9")
    ]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_the_webhook_is_only_posted_to(method: str) -> None:
    assert Door().call(method, "/webhook").status_code == 405


def test_nothing_else_is_there() -> None:
    assert Door().call("GET", "/openapi.json").status_code == 404
    assert Door().call("GET", "/docs").status_code == 404
