"""`python -m vosedu` is the command line."""

import sys

from vosedu.commands import main

if __name__ == "__main__":
    sys.exit(main())
