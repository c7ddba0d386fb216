"""The tables of a model change: which two models a collection is between, and which faces cannot follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base
from fotofila.faces.collections.models import ID, MODEL


class Remodel(Base):
    """A collection between two models; it is there from the start until every face has vectors of one alone."""

    __tablename__ = "collection_remodels"

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    from_model: Mapped[str] = mapped_column(MODEL)
    to_model: Mapped[str] = mapped_column(MODEL)
    switched_at: Mapped[datetime | None]
    """When the collection's model last changed; None: never yet, so every face has a vector of `from_model`."""
    finished: Mapped[bool]
    """The way back was given up: vectors of the other model are kept only of faces that have no vector else."""
    settled_revision: Mapped[int] = mapped_column(BigInteger)
    """The collection's revision when nothing was left to embed."""
    started_at: Mapped[datetime]


class LeftBehind(Base):
    """A face that cannot be embedded with a model: it stays searchable by the one that it has."""

    __tablename__ = "collection_left_behind"

    face_id: Mapped[str] = mapped_column(ForeignKey("collection_faces.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(MODEL, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ID, index=True)
    reason: Mapped[str] = mapped_column(String(32))
