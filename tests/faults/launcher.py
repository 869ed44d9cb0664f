"""`notifs` with the fail-points that the environment names; run it instead of the command.

STATEMENTS names a file that grows by one byte with each statement that is sent to the database.
"""

import os
import select
import sys
import time
from pathlib import Path


def sleep(seconds: float) -> None:
    """libfaketime 0.9.10 makes clock_nanosleep(2), which is behind `time.sleep`, fail with EINVAL."""
    select.select([], [], [], seconds)


if __name__ == "__main__":
    # In place of this folder, whose names are those of nothing that notifs or its libraries import.
    sys.path[0] = str(Path(__file__).parents[2])

    from notifs.cli import main
    from tests.faults import failpoints

    failpoints.install(os.environ.get("FAILPOINTS", ""))
    failpoints.count_statements(os.environ.get("STATEMENTS"))
    time.sleep = sleep  # type: ignore[assignment]
    main()
