"""The page after a payment: the token, or in honest words how it stands. It needs no script."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse

from sts.tokens.digits import grouped
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments.types import OrderState
from vending_api.domain.slips.service import named_tokens
from vending_api.kit.currencies import letters_of, plain_money

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from starlette.responses import Response

    from vending_api.domain.payments.types import Order
    from vending_api.domain.sales.types import Sale

REFRESH_SECONDS: Final = 5

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}
.token{font:600 1.7rem/1.4 ui-monospace,monospace;user-select:all;margin:.2rem 0 1.4rem}
dt{opacity:.7}dd{margin:0 0 .6rem}
"""
_HTML: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    # A token is money: no cache keeps it, and no address that it stands behind is passed on.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_BANKS: Final = "Banks may take some working days until you see it."
_LOOKS_AGAIN: Final = f"This page looks again every {REFRESH_SECONDS} seconds."


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is shown; nothing of it is HTML but `content`."""

    title: str
    content: str
    status: int = 200
    looks_again: bool = False

    def response(self) -> Response:
        """Return it as an answer."""
        refresh = f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">\n'
        text = _HTML.format(
            refresh=refresh if self.looks_again else "",
            title=escape(self.title),
            style=_STYLE,
            content=self.content,
        )
        return HTMLResponse(text, self.status, HEADERS)


def page_of(order: Order, sale: Sale | None, channels: AbstractSet[Channel]) -> Page:
    """Return how an order stands; `channels` are those on which customers are told."""
    if order.state is OrderState.VENDED and sale is not None:
        return _token(order, sale)
    if order.state is OrderState.ORDERED:
        return _unpaid(order, channels)
    if order.state in {OrderState.PAID, OrderState.VENDED}:
        return _paid(order, channels)
    title, told = _OTHERS[order.state]
    return Page(
        title=title, content=_paragraphs(told.format(paid=_paid_sum(order))) + _facts(order)
    )


def look_again() -> Page:
    """Return what is shown while orders cannot be looked at."""
    told = (
        "We cannot look at your order just now. If you have paid, nothing is lost, and you need "
        f"not pay again.\n{_LOOKS_AGAIN}"
    )
    return Page(title="One moment, please", content=_paragraphs(told), status=503, looks_again=True)


def _paragraphs(text: str) -> str:
    """Return lines of plain text, each as a paragraph."""
    return "".join(f"<p>{escape(line)}</p>\n" for line in text.splitlines())


UNKNOWN_ORDER: Final = Page(
    title="We do not know this order",
    content=_paragraphs(
        "No order has this reference. Please open the link again that you came by, or ask where "
        "you ordered."
    ),
    status=404,
)
_OTHERS: Final = {
    OrderState.FAILED: (
        "The payment failed",
        (
            "Your payment of {paid} did not go through, so no token was made.\n"
            "You may order again. Should this payment arrive all the same, you get your token."
        ),
    ),
    OrderState.EXPIRED: (
        "This order has run out",
        (
            "No payment of {paid} has come in time, so no token was made.\n"
            "You may order again. Should this payment arrive all the same, you get your token."
        ),
    ),
    **dict.fromkeys(
        (OrderState.REFUND_DUE, OrderState.REFUNDING),
        (
            "Your money goes back to you",
            (
                "We could not make a token for your payment of {paid}, and we are sorry for that.\n"
                f"All of it goes back to you, the way you paid. {_BANKS}"
            ),
        ),
    ),
    OrderState.REFUND_FAILED: (
        "Your money is not back yet",
        (
            "We could not make a token for your payment of {paid}, and giving it back did not work "
            "by itself. We are sorry for that.\n"
            "Somebody is to see to it. Please keep the reference."
        ),
    ),
    OrderState.REFUNDED: (
        "Your money was given back",
        f"Your payment of {{paid}} was given back, the way you paid. {_BANKS}",
    ),
}
"""Title and text of each state in which there is nothing to wait for on this page."""


_FORGOTTEN: Final = "This token is older than tokens are kept."


def _token(order: Order, sale: Sale) -> Page:
    named = list(named_tokens(sale))
    how = "Key in this number at your meter."
    if len(named) > 1:
        how = "Key in these numbers at your meter, one after the other, in this order."
    listed = "".join(
        f'<dt>{escape(name)}</dt>\n<dd class="token">{escape(shown)}</dd>\n'
        for name, shown in ((name, grouped(token.digits) or _FORGOTTEN) for name, token in named)
    )
    receipts = ", ".join(one.receipt_number for one in sale.tokens if one.receipt_number)
    local = sale.sold_at.astimezone(ZoneInfo(order.time_zone))
    facts = {"Receipt": receipts, "Bought": f"{local:%Y-%m-%d %H:%M}"}
    title = "Your token" if len(named) == 1 else "Your tokens"
    return Page(
        title=title, content=f"{_paragraphs(how)}<dl>\n{listed}</dl>\n{_facts(order, **facts)}"
    )


def _unpaid(order: Order, channels: AbstractSet[Channel]) -> Page:
    told = (
        f"We have not heard yet that {_ordered_sum(order)} was paid for this order.\n"
        "If you have paid, nothing is lost, and you need not pay again: it may take a while until "
        f"we hear of it. {_LOOKS_AGAIN}{_told_by(order, channels)}"
    )
    return Page(
        title="We are waiting for your payment",
        content=_paragraphs(told) + _link_to_pay(order) + _facts(order),
        looks_again=True,
    )


def _paid(order: Order, channels: AbstractSet[Channel]) -> Page:
    if order.is_open:
        told = (
            "Somebody has to look at it before a token can be made. You need not pay again; "
            "please keep the reference."
        )
    else:
        told = (
            f"Your token is being made. You need not pay again. {_LOOKS_AGAIN}"
            f"{_told_by(order, channels)}\n"
            "If no token can be made, all of your money goes back to you."
        )
    return Page(
        title="Your payment has arrived",
        content=_paragraphs(told) + _facts(order),
        looks_again=not order.is_open,
    )


def _told_by(order: Order, channels: AbstractSet[Channel]) -> str:
    ways = ["e-mail"] if Channel.EMAIL in channels else []
    if Channel.SMS in channels and order.phone:
        ways.append("SMS")
    return f" Your token will also come by {' and '.join(ways)}." if ways else ""


def _link_to_pay(order: Order) -> str:
    if urlsplit(order.authorization_url).scheme not in {"https", "http"}:
        return ""
    return f'<p><a href="{escape(order.authorization_url)}">Not paid yet? Pay now.</a></p>\n'


def _facts(order: Order, **more: str) -> str:
    """Return what the order is about, as a list."""
    letters = letters_of(order.currency)
    facts = {
        "Meter": f"{order.meter_number}, {order.utility_name}",
        "To pay" if order.paid_at is None else "Paid": _paid_sum(order),
    }
    if order.state is OrderState.VENDED and order.charge_minor:
        charge = plain_money(order.charge_minor, order.currency)
        facts["Of it for credit"] = (
            f"{letters} {plain_money(order.vended_minor, order.currency)}; the charge is {charge}"
        )
    facts |= {**more, "Reference": order.reference}
    listed = "".join(
        f"<dt>{escape(name)}</dt>\n<dd>{escape(value)}</dd>\n"
        for name, value in facts.items()
        if value
    )
    return f"<dl>\n{listed}</dl>"


def _ordered_sum(order: Order) -> str:
    return f"{letters_of(order.currency)} {plain_money(order.amount_minor, order.currency)}"


def _paid_sum(order: Order) -> str:
    """Return what came, which may be another sum than was ordered, and in another currency."""
    if order.paid_minor is None or order.payment is None:
        return _ordered_sum(order)
    currency = order.payment.currency
    return f"{currency} {plain_money(order.paid_minor, currency)}"
