"""All published and recorded vectors, through the functions over columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from sts.base_date import BaseDate
from sts.batch import BatchSecurityModule
from sts.batch.tokens import Ciphers, make_tokens
from sts.hazmat.sta import SAMPLE_TABLES
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
)
from sts.keys.decoder_key import DecoderKey
from sts.keys.key_file import KeyStore
from sts.keys.vending_key import VendingKey
from tests.sts.batch.batch_support import table_of
from tests.sts.conformance_support import every_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

Vector = dict[str, Any]

ENCRYPTED: Final = [
    vector
    for vector in every_vector()
    if vector["expect"] == "token"
    and vector.get("ea") in {"07", "11"}
    and vector["tables"] != "licensed"
]
DERIVED: Final = [vector for vector in ENCRYPTED if "vending_key_hex" in vector]
COLUMN: Final = {
    "amount_tenths": "amount_tenths",
    "mpl": "power_watts",
    "mppul": "power_watts",
    "register": "register",
    "rate": "rate",
    "pad": "pad",
    "wmf": "factor",
}


def key_of(vector: Vector) -> VendingKey:
    return VendingKey(
        bytes.fromhex(vector["vending_key_hex"]),
        SupplyGroupCode(vector["sgc"]),
        KeyRevisionNumber(vector["krn"]),
        KeyType(vector["key_type"]),
        BaseDate(vector.get("base_date", 1993)),
        KeyExpiryNumber(255),
        DecoderKeyGenerationAlgorithm(vector["dkga"]),
    )


def row_of(vector: Vector) -> Vector:
    row = {
        "pan": vector["pan"],
        "supply_group_code": vector["sgc"],
        "key_revision_number": vector["krn"],
        "tariff_index": vector["tariff_index"],
        "encryption_algorithm": vector["ea"],
        "class": vector["class"],
        "subclass": vector["subclass"],
        "token_identifier_minutes": vector.get("tid"),
        "random": vector.get("rnd"),
        "token": vector["token"],
    }
    for name, column in COLUMN.items():
        if name in vector:
            row[column] = vector[name]
    return row


def by_store(vectors: list[Vector]) -> Iterator[tuple[BatchSecurityModule, list[Vector]]]:
    """Yield vectors whose vending keys stand in one store without contradiction."""
    waiting = vectors
    while waiting:
        keys: dict[tuple[str, int], VendingKey] = {}
        now: list[Vector] = []
        later: list[Vector] = []
        for vector in waiting:
            key = keys.setdefault((vector["sgc"], vector["krn"]), key_of(vector))
            (now if key == key_of(vector) else later).append(vector)
        yield BatchSecurityModule(KeyStore(keys.values())), now
        waiting = later


@pytest.mark.parametrize("ea", ["07", "11"])
def test_every_block_becomes_its_token(ea: str) -> None:
    vectors = [
        v for v in ENCRYPTED if v["ea"] == ea and {"block_hex", "decoder_key_hex"} <= v.keys()
    ]
    assert len(vectors) > 100
    octets = np.array([list(bytes.fromhex(v["decoder_key_hex"])) for v in vectors], np.uint8)
    keys = octets.view(">u8").astype(np.uint64)
    bodies = np.array([int(v["block_hex"], 16) >> 16 for v in vectors], np.uint64)
    classes = np.array([v["class"] for v in vectors], np.uint64)
    ciphers = Ciphers.of(SAMPLE_TABLES)
    text, read, right = make_tokens(ciphers, int(ea), keys, classes, bodies)
    assert text.tobytes().decode() == "".join(v["token"] for v in vectors)
    assert right.all()
    assert (read == bodies).all()


def test_every_meter_gets_its_key_and_reads_its_token() -> None:
    assert len(DERIVED) > 300
    for module, vectors in by_store(DERIVED):
        answer = module.verify(table_of([row_of(v) for v in vectors])).to_pylist()
        for vector, said in zip(vectors, answer, strict=True):
            key = DecoderKey(
                bytes.fromhex(vector["decoder_key_hex"]), EncryptionAlgorithm(vector["ea"])
            )
            assert said["error"] is None, vector
            assert said["key_check_value"] == key.key_check_value
            assert said["read_class"] == vector["class"]
            assert said["read_subclass"] == vector["subclass"]
            assert said["read_token_identifier_minutes"] == vector.get("tid")


def test_every_credit_and_setting_is_issued_as_recorded() -> None:
    """Under default and common keys the policy sells no credit; there the code is compared."""
    dated = [v for v in DERIVED if "tid" in v and COLUMN.keys() & v.keys()]
    assert len(dated) > 200
    for module, vectors in by_store(dated):
        answer = module.issue(table_of([row_of(v) for v in vectors])).to_pylist()
        for vector, made in zip(vectors, answer, strict=True):
            if vector["class"] == 0 and vector["key_type"] in {1, 3}:
                assert made["error"] == "token_not_allowed"
            else:
                assert made["token"] == vector["token"], vector
