"""`python -m sts.cli` is `sts`."""

from sts.cli import main

if __name__ == "__main__":
    main()
