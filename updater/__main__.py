"""`python -m updater`."""

from updater.cli.main import main

main()
