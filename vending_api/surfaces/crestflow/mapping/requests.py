"""Their requests to what the service is asked for; whatever is wrong is gathered in the form."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from vending_api.domain.consumers.types import METER_PHASE_TYPES, METER_TYPES, RegistrationFacts
from vending_api.domain.payments.types import OrderFilter
from vending_api.surfaces.crestflow import forms, rules, wire
from vending_api.surfaces.crestflow.errors import FieldsInvalid, said_of
from vending_api.surfaces.crestflow.services import NewRegistration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vending_api.surfaces.crestflow.validation import Form

_FIELDS: Final = [one.name for one in fields(wire.RegistrationRequest)]


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration that was read; what is wrong with it is in its form."""

    form: Form
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    password: str | None = field(repr=False)
    estate: int | None
    flat_number: str | None = field(repr=False)
    meter_type: int | None
    meter_phase_type: int | None
    meter_number: str | None

    @property
    def facts(self) -> RegistrationFacts:
        """What must be held against the records."""
        return RegistrationFacts(
            email=self.email, estate_key=self.estate, meter_number=self.meter_number
        )

    def command(self, problems: Mapping[str, str]) -> NewRegistration:
        """Return what is to be registered, if the records have no problem with it either.

        Raises FieldsInvalid with all that is wrong, field by field in the order of the contract.
        """
        form = self.form
        for name, problem in problems.items():
            form.say(name, said_of(problem))
        try:
            return NewRegistration(
                name=form.sound(self.name),
                email=form.sound(self.email),
                password=form.sound(self.password),
                estate_key=form.sound(self.estate),
                flat_number=self.flat_number or "",
                meter_type_id=form.sound(self.meter_type),
                meter_phase_type_id=form.sound(self.meter_phase_type),
                meter_number=form.sound(self.meter_number),
            )
        except FieldsInvalid as error:
            ordered = {name: error.errors[name] for name in _FIELDS if name in error.errors}
            raise FieldsInvalid(ordered) from None


def registration(form: Form) -> Registration:
    """Return who wants to register."""
    return Registration(
        form,
        name=form.read("name", rules.text),
        email=form.read("email", rules.email),
        password=form.read("password", rules.new_password, is_trimmed=False),
        estate=form.read("estate", rules.integer),
        flat_number=form.read("flat_number", rules.text, is_required=False),
        meter_type=form.read("meter_type", rules.one_of(METER_TYPES)),
        meter_phase_type=form.read("meter_phase_type", rules.one_of(METER_PHASE_TYPES)),
        meter_number=form.read("meter_number", rules.digits),
    )


def credentials(form: Form) -> tuple[str, str]:
    """Return the e-mail address and the password of who logs in; raises FieldsInvalid."""
    email = form.read("email", rules.text)
    password = form.read("password", rules.password, is_trimmed=False)
    return form.sound(email), form.sound(password)


def single_text(form: Form, field_name: str) -> str:
    """Return the one text that a request is about; raises FieldsInvalid."""
    return form.sound(form.read(field_name, rules.text))


def passwords(form: Form) -> tuple[str, str]:
    """Return the current password and the new one; raises FieldsInvalid."""
    current = form.read("currentpassword", rules.password, is_trimmed=False)
    new = form.read("newpassword", rules.new_password, is_trimmed=False)
    return form.sound(current), form.sound(new)


def purchase(form: Form, *, currency: str) -> tuple[int, str]:
    """Return the sum to pay in minor units, and the phone or nothing; raises FieldsInvalid."""
    amount_minor = form.read("amount", rules.amount(forms.decimals_of(currency)))
    phone = form.read("phone", rules.phone, is_required=False)
    return form.sound(amount_minor), phone or ""


def order_filter(form: Form) -> OrderFilter:
    """Return which orders are asked for; raises FieldsInvalid."""
    wanted = OrderFilter(
        meter_number=form.read("meter_number", rules.digits, is_required=False),
        since=form.read("from", rules.since, is_required=False),
        until=form.read("to", rules.until, is_required=False),
    )
    return form.sound(wanted)
