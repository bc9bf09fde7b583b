"""What money buys: exact arithmetic from a sum to units and back, every cent explained."""
