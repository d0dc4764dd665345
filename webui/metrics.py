"""Figures for Prometheus at /metrics: what this process has answered, and who may read them."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping

from flask import Blueprint, Response, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .config import WebConfig, parts
from .errors import ApiError
from .security import limiter

blueprint = Blueprint("metrics", __name__)

REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STAGE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8)
# What a search calls its stages (see its answer's `took_ms`), and what they are called here.
STAGES: Mapping[str, str] = {
    "store": "store",
    "worker_broker": "broker",
    "worker_decode": "decode",
    "worker_wait": "wait",
    "worker_embed": "embed",
    "index": "search",
    "ledger": "ledger",
    "total": "total",
}
# A proxy on this machine asks from here for somebody who is elsewhere, and says so in one of these.
FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each, which nobody here reads


class Metrics:
    """One application's, in a registry of its own: a process may hold several, and tests do."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "ruiji_http_requests",
            "Requests answered, by the template of their address.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._request_s = Histogram(
            "ruiji_http_request_seconds",
            "Time until the answer began, by the template of its address.",
            ("route",),
            buckets=REQUEST_S,
            registry=self.registry,
        )
        self._stage_s = Histogram(
            "ruiji_query_stage_seconds",
            "Time that each stage of a search took.",
            ("stage",),
            buckets=STAGE_S,
            registry=self.registry,
        )
        for stage in STAGES.values():  # there from the start: a rate has to begin at zero
            self._stage_s.labels(stage)

    def watch(self, collector: Collector) -> None:
        """Add figures that are asked for at each scrape."""
        self.registry.register(collector)

    def request(self, *, method: str, route: str, status: int, took_s: float) -> None:
        """Count an answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_s.labels(route).observe(took_s)

    def query(self, took_ms: Mapping[str, float]) -> None:
        """Keep what the stages of a search took, in milliseconds."""
        for name, stage in STAGES.items():
            if name in took_ms:
                self._stage_s.labels(stage).observe(took_ms[name] / 1000)


@blueprint.get("/metrics")
@limiter.exempt
def figures() -> Response:
    """For Prometheus, in the format that it asks for."""
    check_reader(parts().config)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(parts().metrics.registry), content_type=content_type)


def check_reader(config: WebConfig) -> None:
    """Refuse who may not read: without a token, all but this machine itself; with one, who does not send it."""
    if config.metrics_token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), config.metrics_token.encode()):
            raise ApiError(401, "wrong_token", "Send what RUIJI_METRICS_TOKEN holds as a bearer token.")
        return
    if not is_this_machine() or any(name in request.headers for name in FORWARDING):
        raise ApiError(
            403,
            "this_machine_only",
            "Only this machine may read these figures, unless RUIJI_METRICS_TOKEN is set.",
        )


def is_this_machine() -> bool:
    """Whether the request came from a loopback address."""
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
