"""`python -m emolive`."""

from emolive.cli.main import main

if __name__ == "__main__":
    main()
