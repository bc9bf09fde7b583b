"""What customers are told of the tokens of a campaign; made when it is sent, and kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.tokens.digits import grouped
from vending_api.domain.notifications.types import Message, NotSent
from vending_api.domain.sales.service import sale_of_key
from vending_api.domain.slips.service import carried_by, kind_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.notifications.types import Notification


def message_for(connection: Connection, notification: Notification) -> Message:
    """Return what a notification of a sale without an order says; raises NotSent without a sale."""
    sale = None
    if notification.sale_key is not None:
        sale = sale_of_key(connection, notification.sale_key)
    if sale is None:
        raise NotSent("there is no sale to tell of", is_final=False)
    meter = sale.meter
    tokens = [
        (f"{kind_of(token.kind, meter)} {carried_by(token, meter)}".rstrip(), grouped(token.digits))
        for token in sale.tokens
    ]
    is_many = len(tokens) > 1
    lines = [
        f"{meter.utility.name} has tokens for you. They cost nothing.",
        "",
        f"Meter {meter.external_id}",
        "",
        *(["Key these in one after the other, in this order:", ""] if is_many else []),
    ]
    for name, digits in tokens:
        lines += [name, f"    {digits}", ""]
    lines.append(f"Reference {sale.purchase_id}")
    listed = "; then ".join(f"{digits} {name}" for name, digits in tokens)
    short = f"Meter {meter.external_id}: {listed}. Ref {sale.purchase_id}"
    return Message(
        subject=f"Tokens for meter {meter.external_id}",
        text="\n".join(lines) + "\n",
        short_text=short.encode("ascii", "replace").decode("ascii"),
    )
