"""The monitor's own health, counted where things happen: what a sweep needs of metrics, and no more."""

from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Info


@dataclass(frozen=True, slots=True)
class Counters:
    """The monitor's own health, on a registry of its own. Made once and handed to whoever counts.

    - ``sweep_lag``: seconds by which the newest probe began later than it was due.
    - ``probes{check,outcome}``: verdicts, by ``probes.reasons.Check`` and ``Outcome``.
    - ``sessions_open``: RTSP sessions open at this moment; ``inc()`` and ``dec()`` it.
    - ``login_attempts{outcome}``: tries that sent a password, by how they ended (``LoginOutcome``).
    - ``credentials_stopped``: credentials that failed at many devices at once: a canary alone tries them.
    - ``results_late``: results refused: older than the lateness window, or from the future.
    - ``failures_held_back``: failures told by a lost site, not used against its eyes.
    - ``messages{channel_kind,outcome}``: tries to send a message, by ``alerts.channels.Kind``: ``sent``,
      ``failed`` (another try follows), ``dead``.
    - ``heartbeat_at``: when the heartbeat's address last answered, Unix time; 0 until then.
    """

    registry: CollectorRegistry
    sweep_lag: Gauge
    probes: Counter
    sessions_open: Gauge
    login_attempts: Counter
    credentials_stopped: Gauge
    results_late: Counter
    failures_held_back: Counter
    messages: Counter
    heartbeat_at: Gauge

    @classmethod
    def new(cls) -> "Counters":
        registry = CollectorRegistry()
        build = Info("camera_registry_build", "Version of the running program.", registry=registry)
        build.info({"version": version("camera-registry")})
        return cls(
            registry=registry,
            sweep_lag=Gauge(
                "camera_registry_sweep_lag_seconds",
                "How much later than due the newest probe began.",
                registry=registry,
            ),
            probes=Counter(
                "camera_registry_probes_total",
                "Verdicts of probes, by check and outcome.",
                ("check", "outcome"),
                registry=registry,
            ),
            sessions_open=Gauge(
                "camera_registry_sessions_open", "RTSP sessions open on cameras now.", registry=registry
            ),
            login_attempts=Counter(
                "camera_registry_login_attempts_total",
                "Tries that sent a password to a camera, by outcome.",
                ("outcome",),
                registry=registry,
            ),
            credentials_stopped=Gauge(
                "camera_registry_credentials_stopped",
                "Credentials that failed at many devices at once: only a canary tries them.",
                registry=registry,
            ),
            results_late=Counter(
                "camera_registry_results_late_total",
                "Results refused: older than the lateness window, or from the future.",
                registry=registry,
            ),
            failures_held_back=Counter(
                "camera_registry_failures_held_back_total",
                "Failures told by a site while it was lost: not used against its eyes.",
                registry=registry,
            ),
            messages=Counter(
                "camera_registry_messages_total",
                "Tries to send a message, by kind of channel and outcome.",
                ("channel_kind", "outcome"),
                registry=registry,
            ),
            heartbeat_at=Gauge(
                "camera_registry_heartbeat_timestamp_seconds",
                "When the heartbeat's address last answered.",
                registry=registry,
            ),
        )
