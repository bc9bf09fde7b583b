"""`vending receipt` shows the slip that was printed, as a copy, in whatever form is asked for."""

from __future__ import annotations

import json
import re
import sys
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from barcode.codex import Code128  # type: ignore[import-untyped]  # it ships no types
from matplotlib.image import imread
from rich.console import Console

from sts.tokens.digits import grouped
from tests.domain.slips import made
from tests.support.selling import sell
from tests.support.service import prepared_engine, purchase, writing
from tests.support.vending_command import VendingCommand
from vending_api.cli.receipt import answered_slip, boxed
from vending_api.cli.receipt_picture import draw
from vending_api.domain.sales.service import move
from vending_api.domain.sales.types import Sale, SaleEvent
from vending_api.domain.slips.service import slip_of_sale, written_of_sale
from vending_api.domain.slips.types import Mark
from vending_api.sandbox.demo_data import UTILITY
from vending_api.surfaces.electrum.mapping.slip_data import to_slip_data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

PNG: Final = b"\x89PNG\r\n\x1a\n"


class Shop(NamedTuple):
    """A database in which something was sold."""

    url: str
    sale: Sale


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a database that tests only read."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shop') / 'vending.db'}"
    engine = prepared_engine(url)
    sale = sell(engine, purchase())
    engine.dispose()
    return Shop(url, sale)


@pytest.fixture
def sale(shop: Shop) -> Sale:
    return shop.sale


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    shop: Shop,
) -> VendingCommand:
    monkeypatch.setenv("VENDING_DATABASE_URL", shop.url)
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.fixture(autouse=True, scope="module")
def _font_cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep matplotlib from writing to the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        yield


def _receipt_number(sale: Sale) -> str:
    number = sale.tokens[0].receipt_number
    assert number is not None
    return number


def _in_box(out: str) -> list[str]:
    """Return the lines of the box, with the letters of a wide line together."""
    top, *lines, bottom = out.splitlines()
    assert (top[0], top[-1], bottom[0], bottom[-1]) == ("┌", "┐", "└", "┘")
    assert {(line[:2], line[-2:]) for line in lines} == {("│ ", " │")}
    return [line[2:-2].rstrip() for line in lines]


def test_the_terminal_shows_the_slip_of_the_sale_marked_as_a_copy(
    vending: VendingCommand, sale: Sale
) -> None:
    done = vending("receipt", _receipt_number(sale))
    assert (done.code, done.err) == (0, "")
    box = _in_box(done.out)
    shown = [line for line in box if set(line) != {"─"} and "[barcode]" not in line]
    slip = slip_of_sale(sale, columns=40, mark=Mark.COPY)
    plain = [line for line in slip.lines if not line.is_rule and line.barcode is None]
    assert shown == [
        "".join(f"{one} " for one in line.text).rstrip() if line.is_wide else line.text
        for line in plain
    ]
    assert "C O P Y" in done.out
    assert box.count("─" * 40) == sum(line.is_rule for line in slip.lines)


@pytest.mark.parametrize("width", [32, 40, 48])
def test_the_box_is_as_wide_as_the_paper(vending: VendingCommand, sale: Sale, width: int) -> None:
    done = vending("receipt", sale.purchase_id, "--width", width)
    assert {len(line) for line in done.out.splitlines()} == {width + 4}


def test_other_widths_are_refused(vending: VendingCommand, sale: Sale) -> None:
    done = vending("receipt", sale.purchase_id, "--width", 33)
    assert (done.code, done.out) == (2, "")
    assert "--width" in done.err


def test_a_sale_is_found_by_every_name_that_it_has(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    sale = sell(engine, purchase())
    names = [sale.purchase_id, _receipt_number(sale), slip_of_sale(sale, columns=40).reference]
    shown = {vending("receipt", name).out for name in names}
    assert len(shown) == 1
    assert grouped(sale.tokens[0].digits) in shown.pop()


def test_a_sale_that_is_unknown_is_one_line(vending: VendingCommand, sale: Sale) -> None:
    for name in ("17-999999", "R17N999999", "[bold]", sale.purchase_id[:-1]):
        done = vending("receipt", name)
        assert (done.code, done.out) == (1, "")
        assert re.match(r"vending: nothing was sold under .*; give a receipt number", done.err)
        assert name in done.err


def test_a_database_that_is_not_there_is_one_line(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DATABASE_URL", "sqlite:///none.db")
    done = vending("receipt", "17-000042")
    assert done.code == 2
    assert "none.db" in done.err


def test_json_has_every_line(vending: VendingCommand, sale: Sale) -> None:
    done = vending("receipt", sale.purchase_id, "--json", "--width", 32)
    answer = json.loads(done.out)
    slip = slip_of_sale(sale, columns=32, mark=Mark.COPY)
    assert (answer["columns"], answer["reference"]) == (32, slip.reference)
    assert [line["text"] for line in answer["lines"]] == [line.text for line in slip.lines]
    assert [line["barcode"] for line in answer["lines"]].count(sale.tokens[0].digits) == 1


def test_a_reversal_is_said(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.setenv("VENDING_DATABASE_URL", sqlite_url)
    engine = prepared_engine(sqlite_url)
    sale = sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        move(connection, sale, SaleEvent.REVERSE)
    engine.dispose()
    done = vending("receipt", sale.purchase_id)
    assert done.code == 0
    assert done.err == "This sale was reversed, but not given back; its tokens still work\n"


def test_pictures_are_written_instead_of_the_box(
    vending: VendingCommand, sale: Sale, tmp_path: Path
) -> None:
    done = vending("receipt", sale.purchase_id, "--pdf", "a.pdf", "--png", "[a].png")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == ["Wrote a.pdf", "Wrote [a].png"]
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "[a].png").read_bytes().startswith(PNG)
    assert vending("receipt", sale.purchase_id, "--png", "b.png").err == "Wrote b.png\n"
    both = vending("receipt", sale.purchase_id, "--png", "b.png", "--json")
    assert json.loads(both.out)["columns"] == 40


def test_a_folder_that_does_not_exist_is_named(vending: VendingCommand, sale: Sale) -> None:
    done = vending("receipt", sale.purchase_id, "--pdf", "none/a.pdf")
    assert done.code == 1
    assert "none/a.pdf" in done.err


@pytest.mark.parametrize("missing", ["matplotlib", "barcode", "barcode.codex"])
def test_without_the_extra_one_line_says_how_to_install_it(
    vending: VendingCommand,
    sale: Sale,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    missing: str,
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = vending("receipt", sale.purchase_id, "--png", "a.png")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("vending: a picture of a receipt needs matplotlib and python-barcode")
    assert line.endswith(": pip install 'sts-vending[receipt]'")
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize(("columns", "dots"), [(32, 3), (40, 4), (48, 4)])
def test_the_bars_are_those_of_code_128_to_the_dot(tmp_path: Path, columns: int, dots: int) -> None:
    slip = slip_of_sale(made.purchase(made.FLAT, 10_000), columns=columns)
    (digits,) = [line.barcode for line in slip.lines if line.barcode is not None]
    draw(slip, pdf=None, png=tmp_path / "slip.png")
    picture = imread(tmp_path / "slip.png")
    modules = Code128(digits).build()[0]
    assert len(modules) == 145
    wanted = "".join(module * dots for module in modules)
    rows = ("".join("1" if dot < 0.5 else "0" for dot in row[:, 0]) for row in picture)
    quiet = "0" * 10 * dots  # what a scanner needs on both sides
    assert sum(f"{quiet}{wanted}{quiet}" in row for row in rows) == 80


def test_the_text_of_a_pdf_can_be_searched_and_is_the_same_each_time(tmp_path: Path) -> None:
    slip = slip_of_sale(made.purchase(made.FLAT, 10_000), columns=40)
    files = [tmp_path / name for name in ("one.pdf", "two.pdf")]
    for file in files:
        draw(slip, pdf=file, png=None)
    one, two = (file.read_bytes() for file in files)
    assert one == two
    assert b"/ToUnicode" in one
    # 70 mm of paper, in points.
    width = re.search(rb"/MediaBox \[ ?0 0 ([0-9.]+) ", one)
    assert width
    assert float(width[1]) == pytest.approx(70 / 25.4 * 72, abs=0.01)
    assert _shown_texts(one) >= sum(
        bool(line.text) and not line.is_rule and line.barcode is None for line in slip.lines
    )


def _shown_texts(pdf: bytes) -> int:
    """Return how often a PDF shows text, with what is drawn as outlines written below it."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, flags=re.DOTALL)
    contents = b"".join(_inflated(stream) for stream in streams)
    return len(re.findall(rb"\bBT\b", contents))


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_a_name_in_any_script_is_drawn(tmp_path: Path) -> None:
    utility = UTILITY._replace(name="Ωμέγα $1 $2 Đorđe Żółć", message="مرحبا 电力公司")
    slip = slip_of_sale(made.purchase(made.FLAT, 10_000, utility=utility), columns=32)
    draw(slip, pdf=tmp_path / "slip.pdf", png=tmp_path / "slip.png")


@pytest.mark.parametrize("columns", [32, 40, 48])
def test_the_slip_of_an_answer_is_the_slip_that_was_sent(columns: int) -> None:
    sold = made.purchase(made.FLAT, 10_000, new_key_data=made.NEW_KEY, queued=made.QUEUED)
    slip = slip_of_sale(sold, columns=columns)
    sent = json.loads(to_slip_data(written_of_sale(sold, columns=columns)))
    assert answered_slip(sent) == slip
    assert boxed(slip).width == columns + 4


def test_a_note_of_ours_stands_at_the_end_of_the_box(capsys: pytest.CaptureFixture[str]) -> None:
    slip = slip_of_sale(made.purchase(made.FLAT, 10_000), columns=40)
    Console().print(boxed(slip, note="[b]not for meters[/b]"))
    assert _in_box(capsys.readouterr().out)[-1].strip() == "[b]not for meters[/b]"
