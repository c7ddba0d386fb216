"""Middleware as plain ASGI: streams pass through untouched, and context variables reach the route."""
