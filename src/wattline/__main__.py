"""`python -m wattline`: the same as the `wattline` command."""

from wattline.cli import main

main()
