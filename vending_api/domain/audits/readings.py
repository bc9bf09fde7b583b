"""The tokens of a file, read under every key data that their meters hold or held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from sts.batch.digests import token_digests
from sts.tokens.codec import CLEAR_CLASS
from vending_api.domain.audits.matching import KINDS
from vending_api.domain.audits.register import NO_METER
from vending_api.domain.audits.rows import READING, VERDICT, mixed
from vending_api.domain.audits.saying import NONE, codes, is_read, numbers, values
from vending_api.domain.audits.types import FindingKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sts.batch import BatchSecurityModule
    from vending_api.domain.audits.key_data import KeyDataNumbers
    from vending_api.domain.audits.register import Register

    Numbers = NDArray[np.int64]

_UNREADABLE: Final = KINDS.index(FindingKind.UNREADABLE)
_UNKNOWN: Final = KINDS.index(FindingKind.UNKNOWN_METER)
_PAIR: Final = np.dtype([("place", "<i8"), ("key_data", "<i4")])


class HeldBefore:
    """Which key data meters held besides what the register says, by the tokens they bought."""

    def __init__(self, register: Register, key_data: KeyDataNumbers) -> None:
        """Begin with what the register says."""
        self._register, self._key_data = register, key_data
        self._pairs = np.empty(0, _PAIR)

    def note(self, meter_keys: Numbers, table: Any) -> NDArray[np.int32]:
        """Note the key data of tokens that some meters bought, and return its numbers."""
        found = self._key_data.of(table)
        places = self._register.places(meter_keys)
        is_other = (places != NO_METER) & (self._register.key_data[places] != found)
        if is_other.any():
            pairs = np.empty(np.count_nonzero(is_other), _PAIR)
            pairs["place"], pairs["key_data"] = places[is_other], found[is_other]
            self._pairs = np.unique(np.concatenate([self._pairs, pairs]))
        return found

    def of(self, places: Numbers) -> tuple[Numbers, NDArray[np.int32], Numbers]:
        """Return which places held what, and in which turn; a place may be there several times."""
        start = np.searchsorted(self._pairs["place"], places, side="left")
        counts = np.searchsorted(self._pairs["place"], places, side="right") - start
        which = np.repeat(np.arange(len(places)), counts)
        turn = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self._pairs["key_data"][start[which] + turn], turn + 1


class Reader:
    """What reads parts of a file, one after the other."""

    def __init__(
        self,
        module: BatchSecurityModule,
        register: Register,
        key_data: KeyDataNumbers,
        held: HeldBefore,
    ) -> None:
        """Take the keys, the meters, and what these held."""
        self._module, self._register = module, register
        self._key_data, self._held = key_data, held
        self.rows = 0
        """How many rows were read."""
        self.names: list[str] = []
        """The kinds of tokens that were met, by the number that rows say."""

    def read(self, part: Any) -> tuple[Any, Any]:
        """Return what could be read of a part of the file, and a verdict to begin with."""
        meters = self._register.named(*(part[name].combine_chunks() for name in ("meter", "pan")))
        verdicts = np.full(len(part), NONE, VERDICT)
        verdicts["line"] = numbers(part["line"])
        verdicts["kind"] = np.where(meters == NO_METER, _UNKNOWN, _UNREADABLE)
        known = np.flatnonzero(meters != NO_METER)
        which, before, turn = self._held.of(meters[known])
        rows = np.concatenate([known, known[which]])
        key_data = np.concatenate([self._register.key_data[meters[known]], before])
        turns = np.concatenate([np.zeros(len(known), np.int64), turn])
        readings = self._readings(part, meters[rows], rows, key_data)
        readings["turn"] = turns[readings["turn"]]
        self.rows += len(part)
        return readings, verdicts

    def _readings(
        self, part: Any, meters: Numbers, rows: Numbers, key_data: NDArray[np.int32]
    ) -> Any:
        """Return what rows say under some key data; `turn` is the place among those asked for."""
        tokens = part["token"].combine_chunks()
        asked = self._key_data.columns(key_data) | {
            "pan": self._register.pans(meters),
            "token": tokens.take(pa.array(rows)),
        }
        answer = self._module.verify(pa.table(asked)).combine_chunks()
        code = codes(answer)
        good = np.flatnonzero(is_read(answer) | (code >> 4 == CLEAR_CLASS))
        found = np.empty(len(good), READING)
        found["meter_key"] = self._register.keys[meters[good]]
        found["shelf"] = mixed(found["meter_key"])
        found["row"] = self.rows + rows[good]
        found["digest"] = token_digests(tokens)[rows[good]]
        found["identifier"] = numbers(answer["read_token_identifier_minutes"])[good]
        found["said"], found["code"] = values(answer)[good], code[good]
        found["key_data"], found["turn"] = key_data[good], good
        found["service"] = self._register.services(meters[good])
        found["name"] = self._names(answer["read_kind"])[good]
        return found

    def _names(self, column: Any) -> Numbers:
        encoded = column.combine_chunks().dictionary_encode()
        for name in encoded.dictionary.to_pylist():
            if name not in self.names:
                self.names.append(name)
        known = np.array([self.names.index(one) for one in encoded.dictionary.to_pylist()] + [NONE])
        numbered: Numbers = known[encoded.indices.fill_null(NONE).to_numpy()]
        return numbered
