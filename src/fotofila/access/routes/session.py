"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from fotofila.access import sign_in as service
from fotofila.access.authenticate import unauthenticated
from fotofila.access.models import User, Workspace
from fotofila.access.schemas import Credentials, LinkToken, Session, SessionUser, SessionWorkspace
from fotofila.access.scopes import ROLE_SCOPES, Role, in_order
from fotofila.api.cookie import SESSION_COOKIE
from fotofila.api.deps import SECURITY, ClientDep, ContextDep, LimitsDep, PrincipalDep, ReadSession

router = APIRouter(prefix="/api/session", tags=["session"])


@router.post("", status_code=200)
async def create_session(
    credentials: Credentials,
    request: Request,
    response: Response,
    context: ContextDep,
    limits: LimitsDep,
    client: ClientDep,
) -> Session:
    """Sign in with user name and password; the answer sets the cookie."""
    await limits.take_sign_in(address=client, username=credentials.username)
    signed_in = await service.sign_in(context, username=credentials.username, password=credentials.password)
    return _enter(request, response, signed_in)


@router.post("/link", status_code=200)
async def use_sign_in_link(
    link: LinkToken,
    request: Request,
    response: Response,
    context: ContextDep,
    limits: LimitsDep,
    client: ClientDep,
) -> Session:
    """Sign in with a one-time link; the answer sets the cookie."""
    await limits.take_sign_in(address=client)
    return _enter(request, response, await service.use_link(context, token=link.token))


@router.get("", status_code=200, dependencies=[*SECURITY])
async def get_session(principal: PrincipalDep, session: ReadSession) -> Session:
    """Say who is signed in."""
    if principal.user_id is None:
        raise unauthenticated("An API key has no session: this is for people who signed in.")
    query = select(User, Workspace).join(Workspace, Workspace.id == User.owner).where(User.id == principal.user_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise unauthenticated("The session has ended: sign in again.")
    return _describe(row[0], row[1])


@router.delete("", status_code=204)
async def delete_session(request: Request, response: Response, context: ContextDep) -> None:
    """Sign out; it does no harm where nobody is signed in."""
    if token := request.cookies.get(SESSION_COOKIE):
        async with context.db.write() as session:
            await service.sign_out(session, token=token)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict", secure=_is_https(request))


def _enter(request: Request, response: Response, signed_in: service.SignedIn) -> Session:
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        # The longest a session can live; the server ends it earlier when it is not used.
        max_age=int(service.AT_MOST.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=_is_https(request),
    )
    return _describe(signed_in.user, signed_in.workspace)


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def _describe(user: User, workspace: Workspace) -> Session:
    role: Role = SessionUser.model_validate(user).role
    return Session(
        user=SessionUser.model_validate(user),
        workspace=SessionWorkspace.model_validate(workspace),
        scopes=in_order(ROLE_SCOPES[role]),
    )
