"""`vending campaign`: the same for many meters at once, proposed by one and approved by another."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from typing import Final

import typer

from vending_api.cli.campaign.handing_out import export
from vending_api.cli.campaign.life import approve, pause, resume, run, withdraw
from vending_api.cli.campaign.proposing import free_units, key_change, refund
from vending_api.cli.campaign.reporting import list_campaigns, show

campaign_app: Final = typer.Typer(
    name="campaign",
    help="Key changes, free units or refunds for many meters at once: proposed by one person, "
    "approved by another, run while sales go on.",
    no_args_is_help=True,
)
campaign_app.command("key-change")(key_change)
campaign_app.command("free-units")(free_units)
campaign_app.command()(refund)
campaign_app.command()(approve)
campaign_app.command()(run)
campaign_app.command()(pause)
campaign_app.command()(resume)
campaign_app.command()(withdraw)
campaign_app.command()(show)
campaign_app.command("list")(list_campaigns)
campaign_app.command()(export)
