"""Where the wire is found: at `/rekognition` beside everything else, or alone on a port of its own."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from fotofila.api.limits import RateLimits
from fotofila.api.middleware.body import BodyMiddleware
from fotofila.api.middleware.hosts import SIGNED
from fotofila.api.middleware.observe import ObserveMiddleware
from fotofila.api.middleware.proxies import ProxyMiddleware, parse_networks
from fotofila.api.middleware.security import SecurityHeadersMiddleware
from fotofila.api.problems import ProblemMiddleware
from fotofila.core.capability import Context
from fotofila.rekognition.calls import Operation
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.wire import Wire

router = APIRouter()
# Clients that are given an address with a path send to it with or without a slash; neither is redirected.
router.routes.extend(Route(path, Wire(), include_in_schema=False) for path in sorted(SIGNED))


def create_wire_app(
    context: Context, limits: RateLimits, operations: Mapping[str, Operation] = OPERATIONS
) -> Starlette:
    """Build the application of the port of its own: the same, at `/`; like there, under any name of the host."""
    settings = context.settings
    app = Starlette(
        routes=[Route("/{path:path}", Wire(operations))],
        middleware=[
            Middleware(ProxyMiddleware, trusted=parse_networks(settings.trusted_proxies)),
            Middleware(ObserveMiddleware),
            Middleware(SecurityHeadersMiddleware),
            Middleware(BodyMiddleware),
            Middleware(ProblemMiddleware),
        ],
    )
    app.state.context = context
    app.state.limits = limits
    return app
