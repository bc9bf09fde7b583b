"""Every command of `vending`: where it is, and what the list of all says of it.

The list is here as text, since all commands together take longer to load than most take to run.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A command, or a group of commands."""

    place: str
    """Module of this package, and name in it."""
    summary: str
    """The first paragraph of its help."""


# In the order of the help: commands, then groups.
COMMANDS: Final = {
    "demo": Entry(
        "demo.demo",
        "Show a whole sale: look up a meter, buy over HTTP, key the token in, twice.",
    ),
    "serve": Entry("serve.serve", "Serve the point-of-sale interface until Ctrl-C or SIGTERM."),
    "worker": Entry("worker.worker", "Do the work that waits, until Ctrl-C or SIGTERM."),
    "security-module": Entry(
        "security_module.security_module",
        "Keep the keys and make tokens for services of this machine, until Ctrl-C or SIGTERM.",
    ),
    "import": Entry(
        "importing.import_site",
        "Register a site, or what has changed of it: its utilities, supply groups, tariffs "
        "and clients.",
    ),
    "import-meters": Entry(
        "importing.import_meters",
        "Register the meters of a CSV file with their customers, or bring them up to date.",
    ),
    "receipt": Entry(
        "receipt.receipt",
        "Show the slip of a sale again, marked as a copy: in the terminal, as PDF or as PNG.",
    ),
    "login": Entry(
        "login.login",
        "Log in as an operator: with the password, and the code that the app shows now.",
    ),
    "logout": Entry("login.logout", "End your session, at once."),
    "audit-trail": Entry(
        "audit_trail.audit_trail",
        "List every administrative action, done or refused, and prove that none was changed.",
    ),
    "doctor": Entry(
        "doctor.doctor",
        "Look at settings, files and database, and print what an auditor would object to.",
    ),
    "reconcile": Entry(
        "reconcile.reconcile",
        "List the reversals that wait for you, and all records that do not agree.",
    ),
    "watch": Entry(
        "watch.watch",
        "Add up what was sold on a day, and print what is out of the ordinary.",
    ),
    "backup": Entry("backup.backup", "Write the whole database into FILE, while sales go on."),
    "restore": Entry(
        "backup.restore",
        "Fill the empty database of VENDING_DATABASE_URL from a backup, and compare all records.",
    ),
    "database": Entry(
        "database.database_app",
        "The schema of the database, and who may do what in it.",
    ),
    "meter": Entry("meter.meter_app", "Look at a meter, block it, order it another key."),
    "client": Entry(
        "client.client_app",
        "Points of sale and aggregators: their credit, their passwords.",
    ),
    "token": Entry("token.token_app", "Tokens that a meter gets with its next purchase."),
    "campaign": Entry(
        "campaign.campaign_app",
        "Key changes, free units or refunds for many meters at once: proposed by one person, "
        "approved by another, run while sales go on.",
    ),
    "sale": Entry("sale.sale_app", "Look into sales."),
    "estate": Entry(
        "estate.estate_app",
        "Utilities whose residents buy online: where payments go, what is taken of each.",
    ),
    "consumer": Entry(
        "consumer.consumer_app",
        "Residents who buy online: their passwords, their devices.",
    ),
    "support-key": Entry(
        "support_key.support_key_app",
        "API keys of support staff: they read every order, and can do nothing else.",
    ),
    "payments": Entry(
        "payments.payments_app",
        "Orders that are paid online: where each stands, cases, the daily check.",
    ),
    "operator": Entry(
        "operator.operator_app",
        "Who may give commands, and in which roles. The first one ends that everybody may.",
    ),
    "sessions": Entry("sessions.sessions_app", "Who is logged in, and by which API keys."),
    "approvals": Entry(
        "approvals.approvals_app",
        "What operators have proposed; another one approves it, and then it is done.",
    ),
    "keys": Entry("keys.keys_app", "Which sealed key files the service may use."),
    "audit": Entry("audit.audit_app", "Verify by the million what was sold."),
    "log": Entry(
        "log.log_app",
        "The token log as evidence: who ordered each token, for which money or approval.",
    ),
    "data-key": Entry(
        "data_key.data_key_app",
        "Keys under which sold tokens are stored encrypted, and how long tokens are kept.",
    ),
    "tariff": Entry("tariff.tariff_app", "Check a tariff, quote a purchase, plot what money buys."),
}
