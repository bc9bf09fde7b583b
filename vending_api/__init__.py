"""The vending service: prices, taxes, numbers and records every sale of a token."""
