"""`notifs` with the fail-points that the environment names; run it instead of the command.

STATEMENTS names a file that grows by one byte with each statement that is sent to the database.
"""

import os
import select
import sys
import time
from pathlib import Path


def sleep(seconds: float) -> None:
    """What `time.sleep` is to do under libfaketime 0.9.10.

    It makes clock_nanosleep(2) fail with EINVAL. And a thread that asks for Python's global lock spins, which costs all
    others half a second; the one that waits until the server is ready should not ask for it all the time.
    """
    select.select([], [], [], max(seconds, 1))


if __name__ == "__main__":
    # In place of this folder, whose names are those of nothing that notifs or its libraries import.
    sys.path[0] = str(Path(__file__).parents[2])

    from notifs.cli import main
    from tests.faults import failpoints

    failpoints.install(os.environ.get("FAILPOINTS", ""))
    failpoints.count_statements(os.environ.get("STATEMENTS"))
    if "FAKETIME_DONT_FAKE_MONOTONIC" in os.environ:
        time.sleep = sleep  # type: ignore[assignment]
    main()
