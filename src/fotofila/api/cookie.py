"""The cookie of a session, named apart: who looks for it need not load the web framework."""

from __future__ import annotations

SESSION_COOKIE = "fotofila_session"
