"""`notifs` with one of its defences switched off, which the environment names; run it instead of the command."""

import os
import sys
from pathlib import Path

if __name__ in ("__main__", "__mp_main__"):  # the second is what the workers of several see that they are
    # In place of this folder, whose names are those of nothing that notifs or its libraries import.
    sys.path[0] = str(Path(__file__).parents[2])

    from notifs.cli import main
    from tests.attacks import defences, world

    world.begin()
    defences.switch_off(os.environ.get("ATTACKS_OFF", ""))
    if __name__ == "__main__":
        main()
