"""Credit: what prepaid clients have deposited, and how much may be sold in a day."""
