"""The file of what is known of keys in hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sts.errors import KeyFileInvalid
from tests.custody.conftest import HERE
from tests.support.sealed_keys import OWN_KEY
from vending_api.custody.prism.facts import load_facts

if TYPE_CHECKING:
    from pathlib import Path

    from sts.security_module import VendingKeyFacts


def entry(facts: VendingKeyFacts) -> str:
    return f"""
[[vending_key]]
supply_group_code = "{facts.supply_group_code}"
key_revision_number = {facts.key_revision_number}
key_type = {facts.key_type.value}
base_date = {facts.base_date.value}
key_expiry_number = {facts.key_expiry_number.value}
decoder_key_generation_algorithm = "{facts.algorithm.value}"
key_check_value = "{facts.key_check_value}"
"""


ALL = "".join(map(entry, HERE.facts()))
ONE = entry(HERE.facts()[0])


@pytest.mark.parametrize("text", [ALL, ALL.lower()])
def test_the_facts_of_a_file_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "facts").write_text(text)
    assert load_facts(tmp_path / "facts") == HERE.facts()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"holds no \[\[vending_key\]\]"),
        ("vending_key = []", "holds no"),
        ("vending_key = [1]", "holds no"),
        ("a = 1\n" + ONE, "unknown field a"),
        (ONE + f'key = "{OWN_KEY}"', "entry 1, field key: unknown"),
        (ONE + ONE, "entry 2: same supply group"),
        (ONE.replace("key_check_value", "# "), "entry 1, field key_check_value: missing"),
        (ONE.replace('key_check_value = "', 'key_check_value = "x'), "expected 6 to 16 hex"),
        ("[[", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "facts").write_text(text)
    with pytest.raises(KeyFileInvalid, match=problem) as refused:
        load_facts(tmp_path / "facts")
    assert OWN_KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("digits", "is_taken"),
    [("12345", False), ("123456", True), ("0" * 16, True), ("0" * 17, False)],
)
def test_check_values_have_6_to_16_digits(
    tmp_path: Path,
    digits: str,
    is_taken: bool,  # noqa: FBT001 (a case)
) -> None:
    text = ONE.replace(HERE.facts()[0].key_check_value, digits)
    (tmp_path / "facts").write_text(text)
    if is_taken:
        assert load_facts(tmp_path / "facts")[0].key_check_value == digits
    else:
        with pytest.raises(KeyFileInvalid):
            load_facts(tmp_path / "facts")
