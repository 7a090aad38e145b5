"""`python -m emolive`, and the bundle."""

from multiprocessing import freeze_support

from emolive.cli.main import main

if __name__ == "__main__":
    freeze_support()  # a worker of the bundle is the bundle, started once more
    main()
