"""Benchmarks: notifs against the bare driver and against its origin's pattern, in one run on one machine."""
