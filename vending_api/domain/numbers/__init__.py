"""Numbers: receipts and VAT invoices, each in a series of its own for every terminal."""
