"""What a consumer sees of the past: tokens of the meter, and orders, page by page."""
