"""Slips as points of sale get them: whole ones, in the words of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.surfaces.electrum.goods import KEY_CHANGE_METER_ID
from tests.surfaces.electrum.sent import key_change, lookup, purchase, reprint
from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.slips.service import written_of_sale, written_of_trial
from vending_api.domain.slips.types import SlipLine, WrittenSlip
from vending_api.surfaces.electrum.mapping import answers
from vending_api.surfaces.electrum.mapping.slip_data import to_slip_data
from vending_api.surfaces.electrum.wire.slip import SlipData

_METER = {"meterId": KEY_CHANGE_METER_ID}


@pytest.fixture(autouse=True)
def _short_slips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the whole slips back, in the place of the fixture of this name."""
    monkeypatch.setattr(answers, "written_of_sale", written_of_sale)
    monkeypatch.setattr(answers, "written_of_trial", written_of_trial)


@pytest.mark.parametrize("columns", [32, 40, 48])
def test_a_slip_is_as_wide_as_the_paper_of_the_client(columns: int) -> None:
    shop = Shop()
    shop.terms = ClientTerms(slip_columns=columns)
    client = point_of_sale(shop)
    for path, message in (
        ("/tokenPurchases/1", purchase("1", meter=_METER)),
        ("/tokenPurchases/1/retry", purchase("1", meter=_METER)),
        ("/tokenPurchases/2/trial", purchase("2", meter=_METER)),
        ("/tokenReprints/3", reprint("3", meter=_METER)),
        ("/keyChangeTokenRequests/4", key_change("4")),
    ):
        slip = client.post(path, json=message).json()["slipData"]
        assert slip["slipWidth"] == columns
        for line in slip["messageLines"]:
            assert len(line["text"]) * line.get("fontWidthScaleFactor", 1) <= columns


def test_the_slip_has_every_token_and_a_barcode_of_it() -> None:
    answer = point_of_sale(Shop()).post("/tokenPurchases/1", json=purchase("1", meter=_METER))
    body = answer.json()
    lines = body["slipData"]["messageLines"]
    printed = "".join(line["text"].replace(" ", "") for line in lines)
    barcodes = [line["barcode"] for line in lines if "barcode" in line]
    assert barcodes
    assert {one["encoding"] for one in barcodes} == {"CODE128"}
    for token in body["tokens"]:
        assert token["token"] in printed


def test_a_trial_and_a_copy_say_what_they_are() -> None:
    client = point_of_sale(Shop())
    trial = client.post("/tokenPurchases/1/trial", json=purchase("1")).json()
    sale = client.post("/tokenPurchases/2", json=purchase("2")).json()
    copy = client.post("/tokenReprints/3", json=reprint("3")).json()
    assert "TRIAL" in _headlines(trial)
    assert "COPY" in _headlines(copy)
    assert not {"TRIAL", "COPY"} & _headlines(sale)


def test_a_lookup_has_no_slip() -> None:
    answer = point_of_sale(Shop()).post("/meterLookups/lookup-1", json=lookup())
    assert "slipData" not in answer.json()


def test_a_line_says_only_what_differs_from_the_usual() -> None:
    slip = WrittenSlip(
        columns=40,
        rows=[
            "plain",
            SlipLine(text="wide", is_wide=True),
            SlipLine(text="tall", is_tall=True),
            SlipLine(text="", is_rule=True),
            SlipLine(text="", barcode="123"),
        ],
        reference="R7",
    )
    assert json.loads(to_slip_data(slip)) == {
        "messageLines": [
            {"text": "plain"},
            {"text": "wide", "fontWidthScaleFactor": 2.0},
            {"text": "tall", "fontHeightScaleFactor": 2.0},
            {"text": "", "line": True},
            {"text": "", "barcode": {"data": "123", "encoding": "CODE128"}},
        ],
        "slipWidth": 40,
        "issuerReference": "R7",
    }


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_ROWS = st.one_of(
    _TEXTS,
    st.builds(SlipLine, _TEXTS, st.booleans(), st.booleans(), st.booleans(), st.none() | _TEXTS),
)


@given(st.lists(_ROWS), st.sampled_from([32, 40, 48]))
def test_a_slip_is_written_as_its_model_would_write_it(
    rows: list[str | SlipLine], columns: int
) -> None:
    written = to_slip_data(WrittenSlip(columns=columns, rows=rows, reference="R17N000042"))
    model = SlipData.model_validate_json(written, by_alias=True, by_name=False)
    assert model.model_dump_json(exclude_none=True) == written
    lines = [row if isinstance(row, SlipLine) else SlipLine(row) for row in rows]
    assert [line.text for line in model.message_lines or ()] == [line.text for line in lines]


def _headlines(body: dict[str, Any]) -> set[str]:
    """Return the words of the lines that are larger than usual."""
    return {
        line["text"].strip()
        for line in body["slipData"]["messageLines"]
        if "fontWidthScaleFactor" in line or "fontHeightScaleFactor" in line
    }
