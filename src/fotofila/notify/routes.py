"""The notification routes. All of them need the scope `admin`: addresses of targets are near to secrets."""

from __future__ import annotations

from fastapi import APIRouter

from fotofila.api.deps import SECURITY
from fotofila.notify.routes_deliveries import router as deliveries
from fotofila.notify.routes_rules import router as rules
from fotofila.notify.routes_targets import router as targets

router = APIRouter(prefix="/api/notifications", tags=["notifications"], dependencies=[*SECURITY])
router.include_router(targets)
router.include_router(rules)
router.include_router(deliveries)
