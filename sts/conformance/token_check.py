"""Vectors that hold a token: everything is recomputed from the inputs, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.conformance.inputs import decoder_key, meter_pan, token_identifier
from sts.conformance.token_facts import facts
from sts.conformance.token_inputs import Inputs, make_token
from sts.conformance.vector import ABSENT
from sts.key_data import EncryptionAlgorithm
from sts.tokens.digits import parse_token_digits
from sts.tokens.key_change import KeySection
from sts.tokens.meter_test import InitiateMeterTest

if TYPE_CHECKING:
    from sts.conformance.vector import Vector
    from sts.keys.decoder_key import DecoderKey
    from sts.tokens.codec import TokenCodec
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken

_CLEAR_CLASS: Final = 1
_BLOCK_OCTETS: Final = 8
_STATED_TWICE: Final = ("ken", "krn", "key_type", "tariff_index", "sgc")
"""Facts of a new key that a vector may state as `new_...` and among the inputs in `new`."""


def check_token(vector: Vector, codec: TokenCodec) -> None:
    """Recompute every field of a token vector and decode its token; note what differs."""
    if "token" not in vector and "block_hex" not in vector:
        vector.fail("token", "a token, or its block", ABSENT)
    inputs, key = _inputs(vector)
    digits = vector.text_as("token", parse_token_digits)
    read_back = None
    if digits is not None:
        read_back = vector.attempt("token", lambda: codec.decode(digits, key))
    kind = _kind(vector, read_back)
    token = None if kind is None else make_token(inputs, kind, read_back)
    if token is not None:
        for name, value in facts(token).items():
            vector.check(name, value)
        if isinstance(token, InitiateMeterTest):
            vector.check_hex_number("control_hex", token.control)
        _check_block(vector, codec.block_of(token), token)
        _check_digits(vector, codec, token, key, digits)
    if read_back is not None:
        _check_read_back(vector, read_back, token)


def _inputs(vector: Vector) -> tuple[Inputs, DecoderKey | None]:
    """Return what the token is made of, and the key that it is encrypted under."""
    pan = meter_pan(vector)
    identifier = token_identifier(vector)
    algorithm = vector.text_as("ea", EncryptionAlgorithm.parse)
    if algorithm is None:
        return Inputs(vector, identifier, None), None
    key = decoder_key(vector, vector, "decoder_key_hex", pan=pan, algorithm=algorithm)
    new = vector.part("new") or vector.nothing()
    for name in _STATED_TWICE:
        vector.check_same(f"new_{name}", new, name)
    new_key = decoder_key(
        new,
        vector,
        "new_decoder_key_hex",
        pan=meter_pan(new) or pan,
        algorithm=new.text_as("ea", EncryptionAlgorithm.parse) or algorithm,
    )
    return Inputs(vector, identifier, new_key), key


def _kind(vector: Vector, read_back: Token | ReservedToken | None) -> tuple[int, int] | None:
    """Return class and subclass as stated, or else as read back."""
    stated = vector.number("class"), vector.number("subclass")
    found = (None, None) if read_back is None else (read_back.token_class, read_back.subclass)
    token_class, subclass = (
        there if here is None else here for here, there in zip(stated, found, strict=True)
    )
    return None if token_class is None or subclass is None else (token_class, subclass)


def _check_block(vector: Vector, block: int, token: Token) -> None:
    octets = block.to_bytes(_BLOCK_OCTETS, "big")
    if isinstance(token, KeySection):
        vector.check_key_part("block_hex", octets)
    else:
        vector.check_hex("block_hex", octets)


def _check_digits(
    vector: Vector,
    codec: TokenCodec,
    token: Token,
    key: DecoderKey | None,
    digits: str | None,
) -> None:
    if digits is None or (key is None and token.token_class != _CLEAR_CLASS):
        return
    made = codec.encode(token, key)
    if made != digits:
        vector.fail("token", digits, made)


def _check_read_back(vector: Vector, read_back: Token | ReservedToken, token: Token | None) -> None:
    """Compare what the token holds with what it should, or with the vector if that is unknown."""
    found = facts(read_back)
    if token is None:
        for name, value in found.items():
            vector.check(name, value)
        return
    wanted = facts(token)
    for name in wanted | found:
        if wanted.get(name) != found.get(name):
            vector.fail(name, wanted.get(name, ABSENT), f"{found.get(name, ABSENT)} in the token")
    if isinstance(token, KeySection) and token.key_word != getattr(read_back, "key_word", None):
        vector.fail("new_decoder_key_hex", "its part (not shown) in the token", "something else")
