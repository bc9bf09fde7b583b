"""What every feature needs and no feature owns; no domain word in it."""
