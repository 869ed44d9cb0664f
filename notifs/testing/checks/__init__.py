"""All checks, in the order in which they run. Those of shapes come last: they look at all that was heard before."""

from notifs.testing.check import Checks
from notifs.testing.checks import acts, convergence, events, handshake, live, reading, triage
from notifs.testing.site import Site

ALL: Checks[Site] = Checks(
    handshake.checks,
    reading.checks,
    acts.checks,
    triage.checks,
    events.checks,
    convergence.checks,
    live.checks,
)
