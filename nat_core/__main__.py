"""`python -m nat_core`."""

import sys

from nat_core.cli import main

sys.exit(main())
