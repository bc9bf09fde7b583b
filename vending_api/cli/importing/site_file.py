"""Reads a site file: utilities, supply groups, tariffs and clients, in the words of the README."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sts.errors import InvalidField
from sts.key_data import MAX_KEY_REVISION_NUMBER, KeyRevisionNumber, SupplyGroupCode
from tariffs.errors import TariffInvalid
from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.cli.importing.section import MOST_MINOR, Section
from vending_api.domain.clients.service import SLIP_COLUMNS
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.meters.service import check_tariff
from vending_api.domain.meters.tables import TARIFF, UTILITY
from vending_api.domain.meters.types import PurchaseLimits, Utility, UtilityRules
from vending_api.domain.sites.types import (
    ClientEntry,
    GroupEntry,
    Kind,
    Site,
    TariffEntry,
    UtilityEntry,
)
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table

_MOST_REPRINTS: Final = 1000
_MOST_MINUTES: Final = 7 * 24 * 60
_MERCHANT_LIABLE: Final = "merchant-liable"
_CREDIT_WITHIN: Final = "credit-within"
_MOST_COLUMNS: Final = 1000
_CURRENCY: Final = 'write the 3 digits of ISO 4217 in quotes, like "710" for the rand'
_TIME_ZONE: Final = 'write an IANA name, like "Africa/Johannesburg"'
_USER_NAME: Final = "write 1 to 64 letters, digits and signs, no blanks and no colons"
_NOT_HERE: Final = 'write it to a file of its own and name that: password_file = "FILE"'
_TARIFF_FILE: Final = "name a tariff file, from the folder of this file on"
_NO_GROUP: Final = GroupEntry(code=SupplyGroupCode("000000"))
"""In place of one that is wrong."""
_USUAL_RULES: Final = UtilityRules()
_USUAL_TERMS: Final = ClientTerms()


UTILITY_KEYS: Final = (
    *("name", "address", "vat_registration_number", "client_id", "message", "currency"),
    *("time_zone", "limits", "rules", Kind.SUPPLY_GROUP),
)
LIMITS_KEYS: Final = ("minimum_minor", "maximum_minor")
RULES_KEYS: Final = (
    *("meter_day_maximum_minor", "reprints_a_day", "reversal", "reversal_minutes"),
)
GROUP_KEYS: Final = ("code", "key_revision")
TARIFF_KEYS: Final = ("name", "file", "document")
CLIENT_KEYS: Final = (
    *("user_name", "name", "prepaid", "sale_maximum_minor", "day_maximum_minor"),
    *("slip_columns", "terminals", "password_file", "password_variable"),
)
"""The keys of each table; the README explains them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSource:
    """Where the password of a client is to be found, should the client be new."""

    place: str
    """The path of the client in the site file."""
    file: Path | None
    variable: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """What a site file says, and where it says it."""

    path: Path
    site: Site
    places: dict[tuple[Kind, str], str]
    """The path of each part of the site."""
    passwords: dict[str, PasswordSource]
    """By user name."""


def load_site(path: Path) -> SiteFile:
    """Return what a site file says; raises ImportRefused with all that is wrong with it."""
    reader = _Reader(path)
    data = _toml(path)
    root = Section("", data, reader.problems)
    root.only(*(kind.value for kind in Kind if kind is not Kind.SUPPLY_GROUP))
    site = Site(
        utilities=tuple(reader.utility(one) for one in root.sections(Kind.UTILITY)),
        tariffs=tuple(reader.tariff(one) for one in root.sections(Kind.TARIFF)),
        clients=tuple(reader.client(one) for one in root.sections(Kind.CLIENT)),
    )
    if not data:
        root.wrong("", "it is empty", "write [[utility]], [[tariff]] and [[client]] tables")
    if reader.problems:
        raise ImportRefused(path, reader.problems)
    return SiteFile(path=path, site=site, places=reader.places, passwords=reader.passwords)


class _Reader:
    """Reads the parts of a site, and notes what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self.problems: list[Problem] = []
        self.places: dict[tuple[Kind, str], str] = {}
        self.passwords: dict[str, PasswordSource] = {}

    def utility(self, section: Section) -> UtilityEntry:
        """Return a utility with its supply groups."""
        section.only(*UTILITY_KEYS)
        utility = Utility(
            name=section.text(*_column(UTILITY, "name")),
            address=section.text(*_column(UTILITY, "address")),
            vat_registration_number=section.text(
                *_column(UTILITY, "vat_registration_number"), usual=""
            ),
            client_id=section.text(*_column(UTILITY, "client_id"), usual=""),
            message=section.text(*_column(UTILITY, "message"), usual=""),
            currency=section.matching("currency", "[0-9]{3}", _CURRENCY),
            time_zone=_time_zone(section),
        )
        self._name(Kind.UTILITY, utility.name, section, "name")
        return UtilityEntry(
            utility=utility,
            limits=_limits(section.section("limits")),
            rules=_rules(section.section("rules", is_needed=False)),
            supply_groups=tuple(self._group(one) for one in section.sections(Kind.SUPPLY_GROUP)),
        )

    def tariff(self, section: Section) -> TariffEntry:
        """Return a tariff whose document makes sense."""
        section.only(*TARIFF_KEYS)
        name = section.text(*_column(TARIFF, "name"))
        self._name(Kind.TARIFF, name, section, "name")
        if ("file" in section) == ("document" in section):
            section.wrong("file", "it needs one of file and document", "write the one or the other")
            return TariffEntry(name=name, document="")
        key = "file" if "file" in section else "document"
        text = section.plain(key)
        document = text if text is None or key == "document" else self._read(section, text)
        if document is not None:
            try:
                check_tariff(name, document)
            except TariffInvalid as wrong:
                section.wrong(key, f"{wrong.key} is wrong", wrong.problem)
            except EntryInvalid as wrong:
                section.wrong(key, wrong.problem, "")
        return TariffEntry(name=name, document=document or "")

    def client(self, section: Section) -> ClientEntry:
        """Return a client; where its password is found is noted apart."""
        section.only(*CLIENT_KEYS, "password")
        user_name = section.matching("user_name", r"[!-9;-~]{1,64}", _USER_NAME)
        self._name(Kind.CLIENT, user_name, section, "user_name")
        self.passwords[user_name] = self._password_source(section)
        columns = section.number("slip_columns", 0, _MOST_COLUMNS, _USUAL_TERMS.slip_columns)
        if columns not in SLIP_COLUMNS:
            section.wrong("slip_columns", f"{columns} is not it", "write 32, 40 or 48")
        terminals = section.texts("terminals")
        for terminal in terminals:
            if not re.fullmatch("[!-~]{8}", terminal):
                section.wrong(
                    "terminals", f"{terminal[:24]!r} is not one", "write exactly 8 characters"
                )
        return ClientEntry(
            user_name=user_name,
            name=section.text(*_column(CLIENT, "name")),
            terms=ClientTerms(
                is_prepaid=section.truth("prepaid"),
                sale_maximum_minor=section.number_if_any("sale_maximum_minor", 1),
                day_maximum_minor=section.number_if_any("day_maximum_minor", 1),
                slip_columns=columns,
            ),
            terminals=tuple(terminals),
        )

    def _group(self, section: Section) -> GroupEntry:
        section.only(*GROUP_KEYS)
        code = section.matching("code", "[0-9]{6}", 'write 6 digits in quotes, like "100001"')
        revision = section.number_if_any("key_revision", 1, MAX_KEY_REVISION_NUMBER)
        self._name(Kind.SUPPLY_GROUP, code, section, "code")
        if not re.fullmatch("[0-9]{6}", code):
            return _NO_GROUP
        try:
            number = None if revision is None else KeyRevisionNumber(revision)
        except InvalidField:  # noted above
            return _NO_GROUP
        return GroupEntry(code=SupplyGroupCode(code), key_revision=number)

    def _password_source(self, section: Section) -> PasswordSource:
        if "password" in section:
            section.wrong("password", "a password has no place in this file", _NOT_HERE)
        if "password_file" in section and "password_variable" in section:
            section.wrong("password_variable", "password_file is given too", "leave out one")
        file = section.plain_if_any("password_file")
        return PasswordSource(
            place=section.place(""),
            file=None if file is None else self._folder / file,
            variable=section.plain_if_any("password_variable"),
        )

    def _read(self, section: Section, file: str) -> str | None:
        try:
            return (self._folder / file).read_text(encoding="utf-8")
        except OSError as error:
            section.wrong("file", f"{file} cannot be read: {error.strerror}", _TARIFF_FILE)
        except ValueError:
            section.wrong("file", f"{file} is not UTF-8 text", _TARIFF_FILE)
        return None

    def _name(self, kind: Kind, name: str, section: Section, key: str) -> None:
        """Note under which path a part stands, and whether another has its name already."""
        place = section.place("")
        if name and (first := self.places.setdefault((kind, name), place)) != place:
            section.wrong(key, f"{first} is {name!r} already", "write each once")


def _limits(section: Section) -> PurchaseLimits:
    section.only(*LIMITS_KEYS)
    minimum_minor = section.number("minimum_minor", 0, MOST_MINOR)
    maximum_minor = section.number("maximum_minor", 1, MOST_MINOR)
    if maximum_minor < minimum_minor:
        section.wrong(
            "maximum_minor",
            f"{maximum_minor} is below the minimum",
            f"write {minimum_minor} or more",
        )
    return PurchaseLimits(minimum_minor=minimum_minor, maximum_minor=maximum_minor)


def _rules(section: Section) -> UtilityRules:
    section.only(*RULES_KEYS)
    mend = f'write "{_MERCHANT_LIABLE}" or "{_CREDIT_WITHIN}"'
    reversal = section.matching(
        "reversal", f"{_MERCHANT_LIABLE}|{_CREDIT_WITHIN}", mend, _MERCHANT_LIABLE
    )
    minutes = None
    if reversal == _CREDIT_WITHIN:
        minutes = section.number("reversal_minutes", 1, _MOST_MINUTES)
    elif "reversal_minutes" in section:
        section.wrong(
            "reversal_minutes",
            f'it means something only with reversal = "{_CREDIT_WITHIN}"',
            "leave it out",
        )
    return UtilityRules(
        meter_day_maximum_minor=section.number_if_any("meter_day_maximum_minor", 1),
        reprints_a_day=section.number(
            "reprints_a_day", 0, _MOST_REPRINTS, _USUAL_RULES.reprints_a_day
        ),
        reversal_credit_minutes=minutes,
    )


def _time_zone(section: Section) -> str:
    """Return the IANA name; without a slash only UTC, as "localtime" is another in each place."""
    name = section.plain("time_zone")
    if name is None:
        return ""
    try:
        ZoneInfo(name)
        is_known = "/" in name or name == "UTC"
    except (LookupError, ValueError, OSError):  # not there; not a name; a folder of names
        is_known = False
    if not is_known:
        section.wrong("time_zone", f"{name[:24]!r} is unknown", _TIME_ZONE)
    return name


def _column(table: Table, name: str) -> tuple[str, int]:
    """Return the key of a text and how long it may be, as its column has them."""
    return name, int(getattr(table.c[name].type, "length", 0))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        problem = Problem("", "it is not UTF-8 text", "save it as UTF-8")
    except ValueError as error:  # also a number of thousands of digits
        # The parser's own words may quote the text, and somebody may have put a password there.
        place = re.search(r"line [0-9]+,? column [0-9]+", str(error))
        problem = Problem(
            place[0] if place else "", "it is not TOML", "see `vending import --help`"
        )
    except RecursionError:
        problem = Problem("", "it is nested too deeply", "see `vending import --help`")
    raise ImportRefused(path, [problem])
