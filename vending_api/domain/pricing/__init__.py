"""The prices: what a purchase buys under its meter's tariff, and the bill for it."""
