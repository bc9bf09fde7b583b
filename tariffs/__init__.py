"""What money buys: exact arithmetic from a sum to units and tax, without clock or database."""
