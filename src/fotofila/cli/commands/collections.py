"""`fotofila collections`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from fotofila.access.audit import OPERATOR
from fotofila.cli.commands.collections_model import model
from fotofila.cli.database import OWNER, open_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, Yes, configure_command, settings_with
from fotofila.cli.output import print_json, print_table, say
from fotofila.cli.running import run_async
from fotofila.core.capability import Context
from fotofila.core.config import Settings
from fotofila.core.errors import ConflictError, InvalidInputError, UnavailableError
from fotofila.faces.collections import care, desk
from fotofila.faces.collections.care_remove import Person
from fotofila.faces.collections.care_tomb import clear_all
from fotofila.faces.collections.export import export_collection
from fotofila.faces.collections.export_file import Secret
from fotofila.faces.collections.export_import import Imported, import_collection
from fotofila.faces.collections.types import CollectionInfo

app = new_app()
app.command("model")(model)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The collection.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The encrypted file.")]
Workspace = Annotated[str, typer.Option("--workspace", help="Id of the workspace; the first one without it.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="A file of 32 bytes or more, for a passphrase.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Read the passphrase from here; - is standard input.")
]
MOST = 100_000


@app.callback()
def collections() -> None:
    """Collections of faces: list, make, erase, export, import.

    They work on the database itself, with or without a server beside them.
    """


@app.command("list")
def list_all(workspace: Workspace = OWNER, data_dir: DataDir = None, json: Json = False) -> None:
    """Show every collection.

    `fotofila collections list`
    """
    found = run_async(load(prepare(data_dir), workspace))
    if json:
        print_json([shown(each) for each in found])
        return
    cells = [
        (
            each.name,
            str(each.face_count),
            str(each.user_count),
            each.model,
            f"{each.ttl_days} days" if each.ttl_days else "-",
            "on" if each.switched_on else "as the workspace",
        )
        for each in found
    ]
    print_table(("Name", "Faces", "Users", "Model", "Faces live", "Recognition"), cells)


@app.command()
def create(
    name: Name,
    ttl_days: Annotated[int | None, typer.Option(min=1, help="Days after which a face is erased.")] = None,
    consent_note: Annotated[str | None, typer.Option(help="What people agreed to.")] = None,
    chips: Annotated[bool, typer.Option("--chips/--no-chips", help="Keep an encrypted chip of each face.")] = True,
    switch_on: Annotated[
        bool, typer.Option("--switch-on", help="Recognise faces here although the workspace's switch is off.")
    ] = False,
    workspace: Workspace = OWNER,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make an empty collection.

    `fotofila collections create visitors --ttl-days 30 --switch-on`
    """
    options = {"ttl_days": ttl_days, "consent_note": consent_note, "keep_chips": chips, "switched_on": switch_on}
    made = run_async(make(prepare(data_dir), workspace, name, options))
    if json:
        print_json(shown(made))
    else:
        say(f"The collection {made.name!r} is made; it compares vectors of {made.model}.")


@app.command()
def export(
    name: Name,
    file: File,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    with_chips: Annotated[
        bool, typer.Option("--with-chips", help="Put the pictures of the faces in, for another model over there.")
    ] = False,
    workspace: Workspace = OWNER,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write a collection into one encrypted file: faces with vectors, users, consents.

    `fotofila collections export visitors visitors.faces`
    """
    secret = read_secret(key_file, passphrase_file, confirm=True)
    counts = run_async(write(prepare(data_dir), workspace, name, file, secret, with_chips=with_chips))
    if json:
        print_json({"file": str(file), "bytes": file.stat().st_size, **counts})
        return
    say(f"{file}: {counts['face']} faces, {counts['user']} users, {counts['consent']} consents.")


@app.command("import")
def import_file(
    file: File,
    name: Annotated[
        str | None, typer.Option("--as", help="Name of the collection; that of the file without it.")
    ] = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    other_model: Annotated[
        bool, typer.Option("--other-model", help="Take vectors that searches here do not find yet.")
    ] = False,
    workspace: Workspace = OWNER,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write the faces of a file into a collection, after all of the file was verified.

    Faces that are there already are skipped; so an import that was interrupted is run again.

    `fotofila collections import visitors.faces --as visitors-2`
    """
    secret = read_secret(key_file, passphrase_file, confirm=False)
    told = run_async(read(prepare(data_dir), workspace, file, secret, name=name, other_model=other_model))
    if json:
        print_json(asdict(told))
        return
    say(f"{told.name}: {told.faces} faces, {told.users} users, {told.consents} consents came in.")
    skipped = {"faces": told.faces_there, "users": told.users_there, "consents": told.consents_there}
    if any(skipped.values()):
        say("Skipped, since they are there: " + ", ".join(f"{count} {what}" for what, count in skipped.items()) + ".")
    if told.faces_renamed:
        say(f"{told.faces_renamed} faces got new ids: another collection has theirs.")
    if told.chips_left_out:
        say(f"{told.chips_left_out} chips were left out: the collection keeps none.")
    for note in told.notes:
        say(note, style="yellow")


@app.command()
def erase(
    user_id: Annotated[str | None, typer.Option("--user-id", help="A user, in all collections.")] = None,
    external_image_id: Annotated[str | None, typer.Option("--external-image-id", help="Faces of this image.")] = None,
    face_id: Annotated[list[str] | None, typer.Option("--face-id", help="A face; may be given several times.")] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="A collection, whole.")] = None,
    photo_embeddings: Annotated[
        bool, typer.Option("--photo-embeddings", help="The vectors of the faces in photos.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="All collections, and the vectors in photos.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Told in the receipt.")] = None,
    receipt: Annotated[Path | None, typer.Option(help="Where to write the receipt; printed without it.")] = None,
    yes: Yes = False,
    workspace: Workspace = OWNER,
    data_dir: DataDir = None,
) -> None:
    """Erase a person from all collections, a collection, or more, and give a signed receipt.

    `fotofila collections erase --user-id ana --reason "asked on 2026-01-31" --receipt ana.json`
    """
    person = Person(user_id=user_id, external_image_id=external_image_id, face_ids=tuple(face_id or ()))
    wanted = Wanted(person=person, collection=collection, photo_embeddings=photo_embeddings, everything=everything)
    wanted.demand()
    if receipt is not None and receipt.exists():
        raise ConflictError(f"There is a file {receipt} already: choose another name.")
    if not yes:
        typer.confirm("Erase for good?", abort=True)
    done = run_async(erase_now(prepare(data_dir), workspace, wanted, reason))
    if done.receipt is None:
        if not done.done:
            raise UnavailableError(f"Out of sight, and being deleted by another process: GET /api/erasures/{done.id}.")
        raise UnavailableError(f"Erased; the receipt is signed in a moment: GET /api/erasures/{done.id}/receipt.")
    if receipt is None:
        say(done.receipt)
        return
    receipt.write_text(f"{done.receipt}\n", encoding="utf-8")
    say(f"{done.body['counts']['faces']} faces are erased; {receipt} is the receipt.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be erased: one of these."""

    person: Person
    collection: str | None
    photo_embeddings: bool
    everything: bool

    def demand(self) -> None:
        """Raise InvalidInputError where it is not one thing."""
        given = (bool(self.person.asked()), self.collection is not None, self.photo_embeddings, self.everything)
        if sum(given) != 1:
            raise InvalidInputError(
                "Say what is to be erased: a person, --collection, --photo-embeddings or --everything; one of them."
            )


def prepare(data_dir: object) -> Settings:
    """Read the settings."""
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    return settings


def shown(info: CollectionInfo) -> dict[str, Any]:
    """Shape a collection for programs."""
    told = asdict(info)
    del told["owner"], told["revision"]
    return {**told, "created_at": info.created_at.isoformat()}


def read_secret(key_file: Path | None, passphrase_file: Path | None, *, confirm: bool) -> Secret:
    """Read what encrypts a file, or ask for it.

    Raises:
        InvalidInputError: two were given, or nobody is there to be asked.
    """
    if key_file is not None and passphrase_file is not None:
        raise InvalidInputError("Give --key-file or --passphrase-file, not both.")
    if key_file is not None:
        return Secret(key_file=key_file.read_bytes())
    if passphrase_file is not None:
        text = sys.stdin.readline() if str(passphrase_file) == "-" else passphrase_file.read_text(encoding="utf-8")
        return Secret(passphrase=text.split("\n", 1)[0].rstrip("\r"))
    if not sys.stdin.isatty():
        raise InvalidInputError("Nobody is there to type a passphrase: give --passphrase-file or --key-file.")
    answer: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return Secret(passphrase=answer)


@contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name when it is whole; only its owner may read it.

    Raises:
        ConflictError: there is one of this name.
    """
    if target.exists():
        raise ConflictError(f"There is a file {target} already: choose another name.")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


async def load(settings: Settings, owner: str) -> list[CollectionInfo]:
    """Return every collection by name."""
    async with open_context(settings) as context:
        return list(await desk.list_collections(context, owner, limit=MOST))


async def make(settings: Settings, owner: str, name: str, options: dict[str, Any]) -> CollectionInfo:
    """Make a collection."""
    async with open_context(settings) as context:
        return await desk.create_collection(context, owner, name, actor=OPERATOR, **options)


async def write(
    settings: Settings, owner: str, name: str, target: Path, secret: Secret, *, with_chips: bool
) -> Counter[str]:
    """Export a collection."""
    async with open_context(settings) as context:
        await desk.describe_collection(context, owner, name)
        with new_file(target) as file:
            return await export_collection(context, owner, name, file, secret, actor=OPERATOR, with_chips=with_chips)


async def read(
    settings: Settings, owner: str, path: Path, secret: Secret, *, name: str | None, other_model: bool
) -> Imported:
    """Import a collection."""
    async with open_context(settings) as context:
        return await import_collection(context, owner, path, secret, actor=OPERATOR, name=name, other_model=other_model)


async def erase_now(settings: Settings, owner: str, wanted: Wanted, reason: str | None) -> care.Erasure:
    """Erase what is wanted, to the last row."""
    async with open_context(settings) as context:
        begun = await begin_erasing(context, owner, wanted, reason)
        if begun.done:
            return begun
        await clear_all(context)
        return await care.find_erasure(context, owner, begun.id)


async def begin_erasing(context: Context, owner: str, wanted: Wanted, reason: str | None) -> care.Erasure:
    """Erase what is wanted; what is very large is out of sight then, and partly there."""
    if wanted.collection is not None:
        return await care.erase_collection(context, owner, wanted.collection, actor=OPERATOR, reason=reason)
    if wanted.photo_embeddings:
        return await care.erase_photo_embeddings(context, owner, actor=OPERATOR, reason=reason)
    if wanted.everything:
        return await care.erase_everything(context, owner, actor=OPERATOR, reason=reason)
    return await care.erase_person(context, owner, wanted.person, actor=OPERATOR, reason=reason)
