"""The tables of access."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base

ID = String(32)
HASH = String(64)


class Workspace(Base):
    """Whom photos belong to. Every row of every table carries a workspace's id as its `owner`."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    face_recognition: Mapped[bool] = mapped_column(default=False)
    """Biometrics are opt-in: no embedding is made while this is off."""
    age: Mapped[bool] = mapped_column(default=True)
    gender: Mapped[bool] = mapped_column(default=True)
    detection: Mapped[str] = mapped_column(String(16))
    retention_days: Mapped[int | None]
    quota_photos: Mapped[int | None] = mapped_column(BigInteger)
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class User(Base):
    """A person. The name is unique in the whole program, since people sign in without naming their workspace."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2id, or empty: then no password fits, and only a sign-in link lets in."""
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key of a program: its prefix finds the row, its hash proves it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    key_hash: Mapped[str] = mapped_column(HASH)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class UserSession(Base):
    """A browser that is signed in; the cookie's token is kept hashed."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInLink(Base):
    """A link that signs a user in, once."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AwsKey(Base):
    """An access key in the form of AWS: its signatures are verified, so its secret is kept, encrypted."""

    __tablename__ = "aws_keys"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    access_key_id: Mapped[str] = mapped_column(String(20), unique=True)
    sealed_secret: Mapped[str] = mapped_column(String(200))
    """AES-256-GCM under the secret key, bound to the access key's id."""
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
