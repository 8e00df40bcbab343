"""The real peers of the tests: ``install.py`` brings them, ``found.py`` finds them."""
