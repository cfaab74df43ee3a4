"""`python -m unpaired`."""

import sys

from unpaired.cli.main import main

sys.exit(main())
