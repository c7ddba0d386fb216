"""`fotofila audit`."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from fotofila.access.audit import OPERATOR, record
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_export import Filter, chain_lines, newest, read_documents, shown, verify_file
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry
from fotofila.access.audit_prune import Pruned, prune
from fotofila.access.audit_verify import Verification, document_of, verify_database
from fotofila.access.receipts import BadSignatureError, SigningKeys, load_signing_keys, signing_keys
from fotofila.cli.database import OWNER, open_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, Yes, configure_command, settings_with
from fotofila.cli.output import moment, print_json, print_table, say, write_out
from fotofila.cli.running import run_async
from fotofila.core.config import Settings
from fotofila.core.crypto import SecretKeys

app = new_app()

PublicKey = Annotated[
    list[Path] | None, typer.Option("--public-key", help="PEM file of public keys that verify as well.")
]
FileOption = Annotated[Path | None, typer.Option("--file", help="An export, instead of the database.")]
Kept = Annotated[
    list[Path] | None, typer.Option("--checkpoints", help="Checkpoints that were kept elsewhere, as JSON lines.")
]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; - is standard output.")]


@app.callback()
def audit() -> None:
    """The audit log: list, export, verify; receipts.

    Entries form a hash chain over all workspaces; its end is signed every hour or every 1000 entries.
    """


@app.command("list")
def list_entries(
    action: Annotated[str | None, typer.Option(help="`faces.search`, or `faces` for all of them.")] = None,
    subject: Annotated[str | None, typer.Option(help="Name of a collection, or an id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="First moment, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Moment after the last, in UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show entries, newest first.

    `fotofila audit list --action faces.search --subject visitors`
    """
    start, end = (at.replace(tzinfo=UTC) if at is not None else None for at in (since, until))
    wanted = Filter(action=action, subject=subject, start=start, end=end)
    entries = run_async(load_entries(prepare(data_dir), wanted, limit))
    if json:
        print_json(entries)
        return
    cells = [
        (
            str(each["sequence"]),
            moment(datetime.fromisoformat(each["at"])),
            " ".join(filter(None, (each["actor"]["kind"], (each["actor"]["id"] or "")[:12]))),
            each["action"],
            each["subject"] or "-",
            json_module.dumps(each["detail"], ensure_ascii=False),
        )
        for each in entries
    ]
    print_table(("Entry", "When", "Who", "What", "To", "Detail"), cells)


@app.command()
def verify(
    file: FileOption = None,
    checkpoints: Kept = None,
    public_key: PublicKey = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Follow the chain from its first entry and name the first that is not what was written; exit code 1 then.

    `fotofila audit verify`
    With checkpoints from elsewhere: `fotofila audit verify --checkpoints kept.jsonl`
    """
    settings = prepare(data_dir)
    keys = verifying_keys(settings, public_key)
    kept = [each for path in checkpoints or () for each in read_documents(path.read_text("utf-8").splitlines())]
    found = run_async(verify_file(file, keys, kept) if file else verify_here(settings, keys, kept))
    if json:
        print_json({"ok": found.broken is None, **asdict(found)})
    else:
        tell(found)
    if found.broken is not None:
        raise typer.Exit(1)


@app.command()
def export(target: Target = Path("-"), data_dir: DataDir = None) -> None:
    """Write the whole chain, of all workspaces, with its checkpoints, as JSON lines.

    `fotofila audit export audit.jsonl`
    """
    run_async(export_to(prepare(data_dir), None if str(target) == "-" else target))


@app.command("prune")
def prune_entries(
    before: Annotated[datetime, typer.Option(help="Entries before this moment go, in UTC.")],
    yes: Yes = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Take the oldest entries out of the log; what is left can be verified on, from a signature over the last one gone.

    Export the log first, and keep the file: `fotofila audit export audit-2025.jsonl`
    Then: `fotofila audit prune --before 2026-01-01`
    """
    settings = prepare(data_dir)
    if not yes:
        typer.confirm(f"Take all entries before {before:%Y-%m-%d %H:%M:%S} UTC out of the log for good?", abort=True)
    pruned = run_async(prune_here(settings, before.replace(tzinfo=UTC)))
    if json:
        print_json(asdict(pruned))
        return
    say(f"{pruned.entries} entries are gone, up to entry {pruned.until}.")


@app.command()
def checkpoints(data_dir: DataDir = None) -> None:
    """Print the signed checkpoints as JSON lines: keep them elsewhere, and nobody can cut the log off unseen.

    `fotofila audit checkpoints > kept.jsonl`
    """
    documents = run_async(load_checkpoints(prepare(data_dir)))
    write_out("".join(json_module.dumps(each) + "\n" for each in documents))


@app.command()
def keys(data_dir: DataDir = None) -> None:
    """Print the public keys that checkpoints and receipts are signed with, the one in use first, as PEM.

    `fotofila audit keys > fotofila-audit.pem`
    """
    settings = prepare(data_dir)
    write_out(own_keys(settings).pem())


@app.command("verify-receipt")
def verify_receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt, JSON.")],
    in_log: Annotated[bool, typer.Option("--in-log", help="Also compare it with the audit log here.")] = False,
    public_key: PublicKey = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Say whether a receipt is as it was signed, and by a key of this program; exit code 1 where not.

    `fotofila audit verify-receipt receipt.json`
    With the database at hand: `fotofila audit verify-receipt receipt.json --in-log`
    """
    settings = prepare(data_dir)
    known = verifying_keys(settings, public_key)
    receipt = read_receipt(file)
    known.demand(receipt)
    if in_log:
        run_async(demand_entry(settings, receipt))
    if json:
        print_json({"ok": True, "receipt": receipt})
        return
    say(f"{file}: as it was signed, by the key {receipt['key_id']}.")
    for name in ("format", "id", "at", "reason"):
        if receipt.get(name):
            say(f"  {name}: {receipt[name]}")


def prepare(data_dir: object) -> Settings:
    """Read the settings."""
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    return settings


def own_keys(settings: Settings) -> SigningKeys:
    """Load the keys that sign here."""
    secret = SecretKeys.load(settings.secret_key.get_secret_value(), settings.data_dir / "secret.key")
    return load_signing_keys(settings, secret)


def read_receipt(path: Path) -> dict[str, Any]:
    """Read a receipt; raises BadSignatureError where it is no JSON object."""
    try:
        document = json_module.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BadSignatureError(f"{path} is no receipt: it is a JSON object, as the erasure answered.")
    return document


def verifying_keys(settings: Settings, paths: Iterable[Path] | None) -> SigningKeys:
    """Load the keys of this program, where it has any, and those of files: who only verifies gets none made."""
    has_own = settings.audit_key.get_secret_value() or settings.secret_key.get_secret_value()
    if has_own or (settings.data_dir / "secret.key").exists():
        keys = own_keys(settings)
    else:
        keys = SigningKeys(private=Ed25519PrivateKey.generate(), public={})
    for path in paths or ():
        keys = keys.with_public(path.read_text(encoding="utf-8", errors="replace"))
    return keys


def tell(found: Verification) -> None:
    """Tell people what was found."""
    if found.broken is not None:
        say(f"BROKEN at entry {found.broken.sequence} ({found.broken.kind}): {found.broken.sentence}", style="red")
        say(f"Entries before it: {found.entries}, with signatures up to entry {found.signed_until}.")
    else:
        say(f"Whole: {found.entries} entries, {found.checkpoints} checkpoints, signed up to {found.signed_until}.")
    if found.pruned_until:
        say(f"Pruned before: the entries up to {found.pruned_until}.")
    if found.pending:
        say(f"Not chained yet: {found.pending}.")
    for key in found.unknown_keys:
        say(f"Checkpoints of the key {key} were not verified: give its public half with --public-key.", style="yellow")


async def load_entries(settings: Settings, wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """Return entries, newest first."""
    async with open_context(settings) as context:
        await append_waiting(context, signing_keys(context), hold=None)
        async with context.db.read() as session:
            return [shown(row) for row in await newest(session, wanted, limit=limit)]


async def verify_here(settings: Settings, keys: SigningKeys, kept: list[dict[str, Any]]) -> Verification:
    """Verify the database."""
    async with open_context(settings) as context:
        return await verify_database(context.db, keys, kept)


async def prune_here(settings: Settings, before: datetime) -> Pruned:
    """Prune the database."""
    async with open_context(settings) as context:
        own = signing_keys(context)
        await append_waiting(context, own, hold=None)
        pruned = await prune(context, own, before=before, actor=OPERATOR, owner=OWNER)
        await append_waiting(context, own, hold=None)
        return pruned


async def demand_entry(settings: Settings, receipt: dict[str, Any]) -> None:
    """Raise BadSignatureError where the audit log has not the entry that a receipt names."""
    named = receipt.get("audit", {})
    async with open_context(settings) as context, context.db.read() as session:
        entry = await session.get(AuditEntry, named.get("sequence", 0))
        first = await session.scalar(select(AuditEntry.sequence).order_by(AuditEntry.sequence).limit(1))
    if entry is None and named.get("sequence", 0) < (first or 0):
        raise BadSignatureError(
            f"The receipt is as it was signed, but entry {named.get('sequence')} was pruned from the audit log: "
            "compare it with the export that was made before."
        )
    if entry is None or (entry.id, entry.hash) != (named.get("id"), named.get("hash")):
        raise BadSignatureError(
            f"The receipt is as it was signed, but entry {named.get('sequence')} of the audit log is not the one that "
            "it names: `fotofila audit verify` says what happened."
        )


async def load_checkpoints(settings: Settings) -> list[dict[str, Any]]:
    """Return every checkpoint, oldest first."""
    async with open_context(settings) as context, context.db.read() as session:
        rows = (await session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.sequence))).all()
        return [document_of(signing_keys(context))(row) for row in rows]


async def export_to(settings: Settings, target: Path | None) -> None:
    """Write the chain; that it was exported is its last entry."""
    async with open_context(settings) as context:
        now = context.clock.now()
        async with context.db.write() as session:
            await record(
                session,
                owner=OWNER,
                actor=OPERATOR,
                action="audit.export",
                subject=None,
                detail={"format": "chain"},
                now=now,
            )
        own = signing_keys(context)
        await append_waiting(context, own, hold=None)
        lines = chain_lines(context.db, own, owner=None)
        if target is None:
            async for line in lines:
                write_out(line)
            return
        with target.open("x", encoding="utf-8") as file:
            async for line in lines:
                file.write(line)
