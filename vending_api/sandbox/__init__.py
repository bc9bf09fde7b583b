"""What `--demo` needs at run time: example keys, demo meters, a point of sale to try."""
