"""Where the analysis of a photo asks Amazon Rekognition. With the engine `local` nothing of that is even loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fotofila.core.capability import DirectLane, Part, Question
from fotofila.faces.engine.errors import EngineNotHereError
from fotofila.faces.engine.names import LOCAL

if TYPE_CHECKING:
    from fotofila.core.config import Settings

PART = "faces"


def make_part(settings: Settings, direct: DirectLane) -> Part | None:
    """Make the engine of a worker, which has no database, where it is a service."""
    if settings.faces_engine == LOCAL:
        return None
    from fotofila.faces.engine.choose import make_rekognition  # noqa: PLC0415 - see above
    from fotofila.faces.engine.worker_slots import choose_worker_slots  # noqa: PLC0415

    return make_rekognition(settings, direct, choose_worker_slots(settings))


async def ask(question: Question) -> dict[str, Any]:
    """Return `{"found": …}` for jobs of an engine that is a service; see `asking.look`.

    Raises:
        EngineNotHereError: this process has another engine than the job is for.
        FotofilaError: the service refuses the picture, or does not answer.
    """
    wanted = question.args.get("engine", LOCAL)
    if wanted == LOCAL:
        return {}
    engine = question.parts.get(PART)
    if engine is None or engine.name != wanted:
        raise EngineNotHereError(wanted)
    from fotofila.faces.engine.asking import look  # noqa: PLC0415 - see above

    return {"found": await look(engine, question)}
