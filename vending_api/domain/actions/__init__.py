"""What operators do that has value: done at once, or proposed and approved."""
