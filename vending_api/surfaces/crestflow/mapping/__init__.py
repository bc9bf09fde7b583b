"""Their words to ours and back: people, money, receipts, readings, purchases."""
