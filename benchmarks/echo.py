"""What the web framework alone can do: a purchase is read through its model and sent back.

Its rate is what the rate of sales is compared with: no user is checked, nothing is sold or stored.
"""

# FastAPI reads annotations at run time, so there is no `from __future__ import annotations`.

from typing import Final

from fastapi import FastAPI

from vending_api.surfaces.electrum.wire.messages import PurchaseRequest

app: Final = FastAPI(openapi_url=None)


@app.post("/prepaidutility/v3/tokenPurchases/{purchase_id}", status_code=201)
async def echo(message: PurchaseRequest) -> PurchaseRequest:
    """Return the purchase."""
    return message
