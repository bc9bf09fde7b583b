"""What tests ask of the module in hardware."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sts.errors import (
    StsError,
)
from sts.key_data import (
    EncryptionAlgorithm,
)
from sts.security_module import (
    IssuedToken,
    IssueRequest,
)
from sts.tokens.kinds import READERS, DatedToken
from tests.custody.conftest import HERE
from tests.custody.test_elsewhere import METER, _one_of, credit

if TYPE_CHECKING:
    from sts.tokens.kinds import Token


EA11 = replace(METER, encryption_algorithm=EncryptionAlgorithm.EA11)


REQUEST = [IssueRequest(METER, credit())]


def kind_of(outcome: Any) -> Any:
    return type(outcome) if isinstance(outcome, StsError) else outcome


def tokens() -> list[Token]:
    """Return a token of each kind; those with an identifier at a minute that is not reserved."""
    made = map(_one_of, READERS.values())
    return [
        replace(one, token_identifier=credit().token_identifier)
        if isinstance(one, DatedToken)
        else one
        for one in made
    ]


def digits_here() -> str:
    (issued,) = HERE.issue([IssueRequest(METER, credit())])
    assert isinstance(issued, IssuedToken)
    return issued.digits
