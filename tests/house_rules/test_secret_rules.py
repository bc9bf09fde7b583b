"""What looks like a secret is found, and what only speaks of one is not."""

from __future__ import annotations

import pytest

from tests.house_rules.samples import lines_found
from tests.house_rules.secret_rules import no_equality_of_secrets, no_secret

HEX = "0badc0de" * 2  # in pieces, so that this file does not hold what it tests for
DASHES = "-" * 5
AT = "@"


@pytest.mark.parametrize(
    "text",
    [
        f'key = "{HEX}"',
        f"key: {HEX}",
        f"VENDING_KEY={HEX * 4}",
        f'"vending_key_hex":"{HEX}"',
        f'KEY: Final = "{HEX.upper()}"',
        f'key = bytes.fromhex("{HEX}")',
        f"api_key = '{HEX * 2}'",
        f'passphrase = "{HEX * 4}"',
        f"password={HEX}",
        f'secret = "{" ".join(["0b"] * 8)}"',
        f"{DASHES}BEGIN PRIVATE KEY{DASHES}",
        f"{DASHES}BEGIN EC PRIVATE KEY{DASHES}",
        "sk_live" + "_abc123",
        "sk_test" + "_" + HEX * 2,
        "AKIA" + "ABCDEFGH" * 2,
        "ASIA" + "ABCDEFGH" * 2,
        "ghp" + "_" + "abCD1" * 8,
        "xoxb" + "-" + "1234567890",
        "AIza" + "x" * 35,
        "eyJ" + "x" * 10 + ".eyJ" + "x" * 10 + ".",
        f"postgresql+psycopg://vending:letmein{AT}db/vending",
        f"https://a:b{AT}c",
    ],
)
def test_a_secret_is_found_and_not_repeated(text: str) -> None:
    assert lines_found(no_secret, f"first\n{text}\nlast") == [2]
    (finding,) = no_secret(text)
    assert text not in finding.problem
    assert HEX not in finding.problem


@pytest.mark.parametrize(
    "text",
    [
        f'key = "{HEX[:14]}"',
        f'digest = "{HEX}"',
        f'key = digest_of("{HEX[:15]}x")',
        "key: str",
        "the key of the meter 04000047110",
        "password = SecretStr(password)",
        "sk_test_demo",
        "sk_live_",
        f"{DASHES}BEGIN CERTIFICATE{DASHES}",
        "postgresql+psycopg://USER:PASSWORD@HOST/NAME",
        "postgresql+psycopg://{user}:{password}@db",
        "postgresql://vending:hunter2@db/vending",
        "http://127.0.0.1:8080/prepaidutility",
        "mailto:someone@example.org",
    ],
)
def test_talk_of_secrets_passes(text: str) -> None:
    assert no_secret(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "given == self.password",
        "code != wanted",
        "if digest(text) == kept: pass",
        "totp_secret == 1",
        "a.secret.encode() == b",
    ],
)
def test_secrets_that_are_compared_bit_by_bit_are_found(line: str) -> None:
    assert len(no_equality_of_secrets(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "hmac.compare_digest(password, given)",
        "OPERATOR.c.digest == digest",
        "error.kind == 'x'",
        "secret is None",
        "len(octets) != SECRET_OCTETS",
        "decoder == other",
    ],
)
def test_other_comparisons_are_fine(line: str) -> None:
    assert no_equality_of_secrets(line) == []
