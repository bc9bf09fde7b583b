"""What every door has in common: how much is read, and which headers answers carry."""
