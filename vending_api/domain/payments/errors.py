"""What is refused about orders and payments."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class OrderUnknown(DomainError):
    """No order of this reference, or not one of who asks."""

    fault = Fault.NOT_FOUND
    code = "order_unknown"

    def __init__(self, reference: str) -> None:
        super().__init__(f"no order {reference[:40]!r} is known")
        self.reference = reference


class AmountNotAboveCharge(DomainError):
    """Nothing would be left of the sum once the estate's charge is taken."""

    fault = Fault.REFUSED
    code = "amount_not_above_charge"

    def __init__(self, amount_minor: int, charge_minor: int) -> None:
        super().__init__(f"{amount_minor} minor units are not above the charge of {charge_minor}")
        self.amount_minor = amount_minor
        self.charge_minor = charge_minor


class PaymentsNotOffered(DomainError):
    """This installation, or this estate's currency, has no online payments."""

    fault = Fault.UNAVAILABLE
    code = "payments_not_offered"

    def __init__(self, reason: str) -> None:
        super().__init__(f"online payments are not offered: {reason}")


class PaymentGatewayUnavailable(DomainError):
    """Paystack gave no usable answer; what was asked may or may not have been done."""

    fault = Fault.UNKNOWN
    code = "payment_gateway_unavailable"

    def __init__(self, call: str, reason: str) -> None:
        """`reason` is a kind of error or a status, and holds nothing that was sent."""
        super().__init__(f"Paystack's {call} gave no usable answer: {reason}")
        self.call = call


class PaymentGatewayRefused(DomainError):
    """Paystack said no."""

    fault = Fault.REFUSED
    code = "payment_gateway_refused"

    def __init__(self, call: str, *, status: int, reason_code: str, message: str) -> None:
        super().__init__(f"Paystack refused {call} ({status} {reason_code}): {message[:200]}")
        self.call = call
        self.status = status
        self.reason_code = reason_code


class OrderStepRefused(DomainError):
    """An order in this state does not allow what an operator asks."""

    fault = Fault.REFUSED
    code = "order_step_refused"

    def __init__(self, reference: str, state: str, step: str) -> None:
        super().__init__(f"order {reference} is {state}, which does not allow to {step} it")
        self.reference = reference
