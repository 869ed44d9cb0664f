"""What an operator can measure of one worker, in the words of Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily


class Metrics:
    """Counters and gauges of one `Notifs`; two in one process do not see each other's."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.pushes = 0
        """Changes that were pushed to a room; a number, because a Counter takes longer than a push."""
        registry.register(self)
        self.found = Counter(
            "notifs_head_check_found", "Changes that no push had told; the head check found them.", registry=registry
        )
        self.behind = Counter("notifs_behind", "Sockets that had too much unread to be told more.", registry=registry)
        self.ended = Counter(
            "notifs_ended", "Sockets that this worker has ended, by reason.", ["reason"], registry=registry
        )

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What is kept as a number (prometheus_client's Collector)."""
        yield CounterMetricFamily("notifs_pushes", "Changes that were pushed to a room.", self.pushes)

    def watch(self, name: str, help: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, help, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All of them, in the Prometheus text format 0.0.4."""
        return generate_latest(self._registry)
