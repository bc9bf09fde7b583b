"""Key changes in the shapes of the security module are those of the scalar engine, errors too."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sts.batch import BatchSecurityModule
from sts.errors import InvalidField, StsError
from sts.keys.key_file import KeyStore
from tests.sts.batch.batch_support import BATCH, SCALAR, key_change_request, key_changes
from tests.sts.batch.test_plain_kernels import row

if TYPE_CHECKING:
    from sts.security_module import KeyChangeRequest


def _told(outcome: tuple[str, ...] | StsError) -> Any:
    return (type(outcome), str(outcome)) if isinstance(outcome, StsError) else outcome


@settings(max_examples=40)
@given(st.lists(key_changes(), max_size=24))
def test_each_request_has_the_outcome_of_the_scalar_engine(rows: list[dict[str, Any]]) -> None:
    requests: list[KeyChangeRequest] = []
    for one in rows:
        with suppress(InvalidField, TypeError):  # such a row is no request
            requests.append(key_change_request(one))
    made = list(map(_told, BATCH.change_key_of(requests)))
    assert made == list(map(_told, SCALAR.change_key(requests)))


def test_a_request_that_fails_stops_no_other() -> None:
    rows = [row(), row("999999"), row("123457", ea="11")]
    requests = [key_change_request(one) for one in rows]
    made = BATCH.change_key_of(requests)
    assert list(map(_told, made)) == list(map(_told, SCALAR.change_key(requests)))
    assert [isinstance(one, StsError) for one in made] == [False, True, False]


def test_a_module_without_keys_gets_ready_too() -> None:
    module = BatchSecurityModule(KeyStore([]))
    module.get_ready()
    assert module.change_key_of([]) == []
