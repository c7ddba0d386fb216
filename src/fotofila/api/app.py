"""The HTTP app, built from a list of capabilities."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect

from fotofila import __version__
from fotofila.api import health, openapi, problems
from fotofila.api.limits import RateLimits
from fotofila.api.middleware.body import BodyMiddleware
from fotofila.api.middleware.hosts import HostMiddleware
from fotofila.api.middleware.load import LoadMiddleware
from fotofila.api.middleware.observe import ObserveMiddleware
from fotofila.api.middleware.origin import OriginMiddleware
from fotofila.api.middleware.proxies import ProxyMiddleware, parse_networks
from fotofila.api.middleware.rates import RateLimitMiddleware
from fotofila.api.middleware.security import SecurityHeadersMiddleware
from fotofila.api.rate_stores import choose_store
from fotofila.api.static import WebPage, docs_routes
from fotofila.core.capability import Context, load
from fotofila.core.errors import FotofilaError
from fotofila.core.storage import SigningStorage


def create_app(context: Context) -> FastAPI:
    """Build the app: every capability's routers, the page, the probes.

    Raises:
        SettingsError: a setting of the HTTP edge is wrong.
    """
    limits = RateLimits(
        requests=context.settings.rate_limit,
        sign_ins=context.settings.login_rate_limit,
        shared=choose_store(context.settings, context.db),
    )
    app = FastAPI(
        title=openapi.TITLE,
        summary=openapi.SUMMARY,
        description=openapi.DESCRIPTION,
        version=__version__,
        openapi_tags=openapi.TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        exception_handlers=dict.fromkeys(
            (FotofilaError, RequestValidationError, HTTPException, ClientDisconnect), problems.handle
        ),
        middleware=middleware(context, limits),
        # Ours spans the middleware too, and continues into the queue.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.context = context
    app.state.limits = limits
    for capability in context.capabilities:
        for reference in capability.routers:
            app.include_router(load(reference))
    app.include_router(health.router)
    app.router.routes.extend(docs_routes())
    app.router.default = WebPage()
    app.openapi = openapi.document(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def picture_origin(context: Context) -> str:
    """Return where pictures come from besides us."""
    return context.storage.origin if isinstance(context.storage, SigningStorage) else ""


def middleware(context: Context, limits: RateLimits) -> list[Middleware]:
    """Order the layers, outermost first: who is there, telling of it, headers, body, errors, then what refuses."""
    settings = context.settings
    return [
        Middleware(ProxyMiddleware, trusted=parse_networks(settings.trusted_proxies)),
        Middleware(ObserveMiddleware),
        Middleware(SecurityHeadersMiddleware, picture_origin=picture_origin(context)),
        Middleware(BodyMiddleware),
        Middleware(problems.ProblemMiddleware),
        Middleware(HostMiddleware, settings=settings),
        Middleware(LoadMiddleware, most=settings.max_uploads),
        Middleware(RateLimitMiddleware, context=context, limits=limits),
        Middleware(OriginMiddleware, public_url=settings.base_url),
    ]
