"""Custody: any so many shares make the secret, fewer do not, and a wrong one is told apart."""

from __future__ import annotations

import pickle
from itertools import combinations
from typing import TYPE_CHECKING, Final

import pytest
from Crypto.Protocol.SecretSharing import Shamir
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import InvalidField, SealNotOpened, ShareInvalid
from sts.keys.asking import opened_by_asking, shares_by_asking
from sts.keys.custody import Custodians, Share, require_custodians, shares_of
from sts.keys.sealed_file import parse_sealed_key_file
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret
from tests.support.sealed_keys import OWN_KEYS, PASSPHRASE, by_passphrase, sealed

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET: Final = bytes(range(16))
SET: Final = b"\x0a\xbc\xde"
CUSTODY: Final = Custody(3, SET)
SHARES: Final = shares_of(Shamir.split(3, 5, SECRET), needed=3, share_set=SET)
SYMBOLS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def joined(*shares: Share) -> bytes:
    custodians = Custodians(CUSTODY)
    for share in shares:
        custodians.add(share)
    return custodians.secret().octets


def test_any_three_of_five_make_the_secret() -> None:
    for chosen in combinations(SHARES, 3):
        assert joined(*chosen) == joined(*reversed(chosen)) == SECRET


def test_too_few_are_told_how_many_more() -> None:
    with pytest.raises(ShareInvalid, match="1 more of the shares are needed"):
        joined(*SHARES[:2])


def test_a_share_is_read_back_as_it_is_printed() -> None:
    for share in SHARES:
        again = Share.parse(share.text())
        facts = (again.number, again.needed, again.share_set, again.octets)
        assert facts == (share.number, 3, SET, share.octets)


def test_a_share_is_eight_groups_of_five_without_letters_that_are_misread() -> None:
    groups = SHARES[0].text().split("-")
    assert [len(group) for group in groups] == [5] * 8
    assert set("".join(groups)) <= set(SYMBOLS)
    assert not set("ILOU") & set(SYMBOLS)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(str.lower, id="small letters"),
        pytest.param(lambda text: text.replace("-", " "), id="spaces"),
        pytest.param(lambda text: text.replace("-", ""), id="no groups"),
        pytest.param(lambda text: f" {text}\r\n", id="blanks around"),
        pytest.param(lambda text: text.replace("0", "O").replace("1", "l"), id="O and l"),
        pytest.param(lambda text: text.replace("0", "o").replace("1", "I"), id="o and I"),
    ],
)
def test_a_share_may_be_typed_as_people_type(typed: Callable[[str], str]) -> None:
    for share in SHARES:
        assert Share.parse(typed(share.text())).octets == share.octets


@given(st.sampled_from(SHARES), st.integers(0, 39), st.sampled_from(SYMBOLS))
def test_every_mistyped_letter_is_noticed(share: Share, at: int, symbol: str) -> None:
    right = share.text().replace("-", "")
    typed = right[:at] + symbol + right[at + 1 :]
    if typed != right:
        with pytest.raises(ShareInvalid, match="mistyped: its checksum is wrong") as wrong:
            Share.parse(typed)
        assert right[:6] not in str(wrong.value)


def test_every_last_letter_but_the_right_one_is_noticed() -> None:
    right = SHARES[0].text()
    for symbol in set(SYMBOLS) - {right[-1]}:
        with pytest.raises(ShareInvalid, match="mistyped: its checksum is wrong"):
            Share.parse(right[:-1] + symbol)


@given(st.sampled_from(SHARES), st.integers(0, 38))
def test_every_pair_of_letters_that_changed_places_is_noticed(share: Share, at: int) -> None:
    right = share.text().replace("-", "")
    typed = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
    if typed != right:
        with pytest.raises(ShareInvalid):
            Share.parse(typed)


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ShareInvalid):
        Share.parse(text)


def test_a_share_of_another_length_is_refused() -> None:
    for text in (SHARES[0].text()[:-1], SHARES[0].text() + "0"):
        with pytest.raises(ShareInvalid, match="a share is 40 letters and digits, in groups of 5"):
            Share.parse(text)


@pytest.mark.parametrize(("needed", "number"), [(1, 1), (0, 1), (2, 0)])
def test_numbers_that_cannot_be_are_refused_in_spite_of_a_right_checksum(
    needed: int, number: int
) -> None:
    forged = object.__new__(Share)
    for name, value in (("octets", SECRET), ("share_set", SET)):
        object.__setattr__(forged, name, value)
    object.__setattr__(forged, "needed", needed)
    object.__setattr__(forged, "number", number)
    with pytest.raises(ShareInvalid, match="its numbers cannot be"):
        Share.parse(forged.text())


def test_shares_of_other_sets_and_the_same_share_twice_are_told() -> None:
    custodians = Custodians(CUSTODY)
    custodians.add(SHARES[0])
    with pytest.raises(ShareInvalid, match="share 1 is there already; another one is needed"):
        custodians.add(SHARES[0])
    for other in (Share(SECRET, 2, 3, b"xyz"), Share(SECRET, 2, 2, SET)):
        with pytest.raises(ShareInvalid, match="the file is opened by set 0ABCDE"):
            custodians.add(other)
    assert (custodians.missing, repr(custodians)) == (2, "Custodians(1 of 3 shares)")


@pytest.mark.parametrize(
    ("needed", "number", "custodians"),
    [(1, 1, 2), (16, 1, 16), (2, 0, 2), (2, 3, 2), (2, 1, 16), (3, 3, 2)],
)
def test_custodians_that_cannot_be_are_refused(needed: int, number: int, custodians: int) -> None:
    require_custodians(2, 1, 2)
    require_custodians(15, 15, 15)
    with pytest.raises(InvalidField):
        require_custodians(needed, number, custodians)


@pytest.mark.parametrize(("octets", "share_set"), [(15, 3), (17, 3), (16, 2), (16, 4)])
def test_a_share_of_another_length_cannot_be_made(octets: int, share_set: int) -> None:
    with pytest.raises(InvalidField):
        Share(bytes(octets), 1, 2, bytes(share_set))


def test_a_share_neither_prints_nor_travels() -> None:
    assert repr(SHARES[0]) == f"Share(number=1, needed=3, share_set={SET!r})"
    with pytest.raises(TypeError, match="is not pickled or copied"):
        pickle.dumps(SHARES[0])


class Desk:
    """People who answer questions one after the other, and what they are told."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []
        self.told: list[str] = []

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)

    def say(self, text: str) -> None:
        self.told.append(text)


def test_each_share_is_asked_for_until_it_is_right() -> None:
    texts = [share.text() for share in SHARES]
    other = Share(SECRET, 2, 3, b"xyz").text()
    desk = Desk("what?", texts[4], texts[4], other, texts[0][:-1] + "*", texts[0], texts[2])
    secret, custody = shares_by_asking(CUSTODY, ask=desk.ask, say=desk.say)
    assert (secret.octets, custody, desk.answers) == (SECRET, CUSTODY, [])
    assert desk.questions[0] == "Share 1 of 3, set 0ABCDE: "
    assert desk.questions[-1] == "Share 3 of 3, set 0ABCDE: "
    assert len(desk.told) == 4
    assert not any(text[:5] in "".join(desk.told) for text in texts)


def test_where_no_set_is_known_the_first_share_names_it() -> None:
    desk = Desk(*(share.text() for share in SHARES[1:4]))
    secret, custody = shares_by_asking(None, ask=desk.ask, say=desk.say)
    assert (secret.octets, custody) == (SECRET, CUSTODY)
    assert desk.questions[0] == "First share: "


def test_a_forged_share_does_not_open_the_file() -> None:
    """Whoever knows the format can make a share that is read; together they make another secret."""
    secret = OpeningSecret(SECRET, OpenedBy.CUSTODIANS)
    file = parse_sealed_key_file(sealed(OWN_KEYS, secret, custody=CUSTODY), path="keys.sealed")
    forged = Share(bytes(16), 3, 3, SET)
    texts = [share.text() for share in (SHARES[0], SHARES[1], forged)]
    right = [share.text() for share in SHARES[:3]]
    desk = Desk(*texts, *right)
    assert opened_by_asking(file, ask=desk.ask, say=desk.say).secret.octets == SECRET
    (told,) = desk.told
    assert told.startswith("keys.sealed: it is not opened by what was given: that is wrong")


def test_a_passphrase_is_asked_for_three_times() -> None:
    file = parse_sealed_key_file(sealed(OWN_KEYS, by_passphrase()), path="keys.sealed")
    desk = Desk("wrong", "", PASSPHRASE)
    opened = opened_by_asking(file, ask=desk.ask, say=desk.say)
    assert len(file.open(opened.key)) == 1
    assert desk.questions == ["Passphrase of keys.sealed: "] * 3
    desk = Desk("wrong", "wrong", "wrong", PASSPHRASE)
    with pytest.raises(SealNotOpened):
        opened_by_asking(file, ask=desk.ask, say=desk.say)
    assert (desk.answers, len(desk.told)) == ([PASSPHRASE], 2)
