"""Which engine this process has. Nothing is loaded or connected before its first call."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from fotofila.core.capability import DirectLane
from fotofila.core.config import Settings
from fotofila.faces.engine.base import FaceEngine
from fotofila.faces.engine.local import LocalEngine
from fotofila.faces.engine.names import REKOGNITION
from fotofila.faces.packs import chosen_pack

if TYPE_CHECKING:
    from fotofila.core.aws import AwsAccess
    from fotofila.core.aws.pace import Slots
    from fotofila.core.db import Database
    from fotofila.faces.engine.aws import RekognitionEngine


def make_engine(settings: Settings, direct: DirectLane, db: Database) -> FaceEngine:
    """Make the engine that `FOTOFILA_FACES_ENGINE` names.

    Raises:
        LicenceNotAcceptedError: the chosen pack is for non-commercial use only, and no setting accepts that.
    """
    if settings.faces_engine == REKOGNITION:
        from fotofila.faces.engine.slots import choose_slots  # noqa: PLC0415 - as below

        return make_rekognition(settings, direct, choose_slots(settings, db))
    chosen_pack(settings)
    return LocalEngine(settings, direct)


def make_rekognition(settings: Settings, direct: DirectLane, slots: Slots) -> RekognitionEngine:
    """Make the engine of AWS, its pace shared with every process that has the same slots."""
    from fotofila.core.aws import AwsAccess  # noqa: PLC0415 - 40 MB that the local engine need not load
    from fotofila.core.aws.calls import PacedCalls  # noqa: PLC0415
    from fotofila.core.aws.pace import Pace  # noqa: PLC0415
    from fotofila.faces.engine.aws import RekognitionEngine  # noqa: PLC0415
    from fotofila.faces.engine.pictures import Children  # noqa: PLC0415

    access = AwsAccess(
        region=settings.faces_aws_region,
        endpoint=settings.faces_aws_endpoint,
        access_key_id=settings.faces_aws_access_key_id.get_secret_value(),
        secret_access_key=settings.faces_aws_secret_access_key.get_secret_value(),
    )
    pace = Pace(
        slots,
        per_second=settings.faces_aws_tps,
        account=account_of(access),
        chance=random.SystemRandom(),
    )
    calls = PacedCalls(
        access,
        REKOGNITION,
        pace,
        patience_seconds=settings.faces_aws_patience_seconds,
        setting="FOTOFILA_FACES_AWS_ENDPOINT and FOTOFILA_FACES_AWS_TPS",
    )
    return RekognitionEngine(calls, Children(direct, max_pixels=settings.max_pixels))


def account_of(access: AwsAccess) -> str:
    """Name what shares a rate, without telling the key: keys of one account that differ share none."""
    told = f"{access.endpoint}\n{access.region}\n{access.access_key_id}"
    return f"{REKOGNITION}/{hashlib.sha256(told.encode()).hexdigest()[:16]}"
