"""The page of the Rekognition protocol, from the tables of its operations."""

from __future__ import annotations

from collections.abc import Iterable

from fotofila.rekognition.calls import Operation
from fotofila.rekognition.door import MAX_BODY_BYTES
from fotofila.rekognition.errors import COMMON, DECLARED_BY_ALL
from fotofila.rekognition.operations import OPERATIONS, collections, faces, look, search, users
from fotofila.rekognition.tables import MAX_IMAGE_BYTES, MAX_OBJECT_BYTES, NOT_OFFERED
from scripts.reference.tables import NOTHING, code, table

MIB = 1024 * 1024
INTRO = """\
The protocol of AWS Rekognition (AWS JSON 1.1, Signature Version 4) is answered at `/rekognition` and, where
`FOTOFILA_REKOGNITION_PORT` is set, alone at `/` of that port. [How to point programs
here](../how-to/use-rekognition-clients.md). A suite with the newest boto3 and the `aws` command as clients holds
every operation against AWS's published service model: inputs, outputs, errors, pages, retries.
"""
DIFFERENCES = """\
- **Attributes.** Landmarks are the five of the detector (eyes, nose, corners of the mouth). `AgeRange` and `Gender` are
  estimated when `Attributes` asks for them or for `ALL`, and the workspace does. No model of ours tells emotions,
  smiles, beards, glasses, or whether eyes and mouth are open: these are left out, never made up.
- **Pictures.** WebP, HEIC, AVIF and TIFF are taken beside JPEG and PNG, in the limits of size that AWS has; a picture
  may be as small as it likes. `OrientationCorrection` is never given: pictures are turned upright by their EXIF, and
  boxes and points are those of the upright picture.
- **Similarity** is calibrated for the model (see [Faces and numbers](../explanation/faces.md)), so thresholds keep
  their meaning: 80 and 99 are stated rates of false matches, not AWS's.
- **Ids** of faces and images are UUIDs of version 7, which sort by time. `FaceModelVersion` is made of the digits of
  the model's name.
- **ARNs** have the region that the client signs for, and twelve digits that stand for the workspace as the account.
  `CollectionArn` begins with `aws:rekognition:` and `CollectionARN` with `arn:aws:rekognition:`, as AWS's do; tags take
  both.
- **Buckets** are those that `FOTOFILA_REKOGNITION_BUCKETS` names; `Version` of an object cannot be asked for.
- **CompareFaces** needs recognition to be on, in the workspace or by a collection; else it is an
  `AccessDeniedException`.
- **Permissions** are the scopes of the key; there are no policies, roles or session tokens.
- **Consistency.** What was answered is there for the next call, in every process.
- **Limits.** There is no upper limit of faces, collections or users but the machine's.
"""
SIGNING = """\
The key is that of an access key made by `fotofila keys create --aws`; any region is taken. `host`, `x-amz-date` and
`x-amz-target` must be among the signed headers, the time within five minutes of the server's, and the body what its
hash says; `UNSIGNED-PAYLOAD` and signatures in the query are refused. There is no list of signatures that were seen:
boto3 signs two equal calls of one second alike.
"""


def page() -> str:
    """Return the page."""
    rows = [row(OPERATIONS[name]) for name in sorted(OPERATIONS)]
    return "\n\n".join(
        (
            "# Rekognition protocol",
            INTRO.rstrip(),
            "## Operations",
            table(("Operation", "Scope", "Once", "Errors beside those of all"), rows),
            f"**Once**: {ONCE}",
            f"All may answer {listed(DECLARED_BY_ALL)}, and, as any service of AWS, {listed(COMMON)}.",
            "## Defaults and limits",
            table(("What", "Value"), DEFAULTS),
            "## Signatures",
            SIGNING.rstrip(),
            "## What differs from AWS",
            DIFFERENCES.rstrip(),
            "## Not offered",
            f"Answered with an `AccessDeniedException` that names what is: {listed(NOT_OFFERED)}.",
        )
    )


ONCE = (
    "however often a client tries a call again, it is done once and answered alike for 24 hours. Attempts of one call "
    "are told by `ClientRequestToken`, or by the header `amz-sdk-invocation-id` that every SDK sends, together with "
    "the access key and the body. The answer is kept in the transaction of the deed, so neither is there without the "
    "other, whenever a process dies; only with `FOTOFILA_FACES_ENGINE=rekognition` the deed is AWS's, and the answer "
    "is kept after it."
)
DEFAULTS = (
    ("`FaceMatchThreshold` of searches", f"{search.THRESHOLD:g}"),
    ("`SimilarityThreshold` of CompareFaces", f"{look.THRESHOLD:g}"),
    ("`UserMatchThreshold` of searches", f"{users.THRESHOLD:g}"),
    ("`UserMatchThreshold` of AssociateFaces", f"{users.ASSOCIATE_THRESHOLD:g}"),
    ("`QualityFilter` of IndexFaces", "`AUTO`"),
    ("`QualityFilter` of searches and CompareFaces", "`NONE`"),
    ("`MaxFaces` of IndexFaces", f"{faces.MOST_INDEXED}, and no more than that are indexed; the best go first"),
    ("`MaxFaces` of searches", f"{search.LIMIT}"),
    ("`MaxUsers`", f"{users.LIMIT}"),
    ("`MaxResults` of ListCollections and ListFaces", f"{collections.PAGE}"),
    ("`MaxResults` of ListUsers", f"{users.PAGE}"),
    ("Faces of DetectFaces", f"the {look.MOST} largest"),
    ("Tags of a collection", f"{collections.MOST_TAGS}"),
    ("`Bytes` of an image", f"{MAX_IMAGE_BYTES // MIB} MiB; more is an `ImageTooLargeException`"),
    ("`S3Object`", f"{MAX_OBJECT_BYTES // MIB} MiB; likewise"),
    ("Pixels of a picture", "`FOTOFILA_MAX_PIXELS`; likewise"),
    ("A whole request", f"{MAX_BODY_BYTES // MIB} MiB; more is a `RequestEntityTooLargeException` (413)"),
)


def row(operation: Operation) -> tuple[str, str, str, str]:
    """Return the cells of one operation."""
    own = operation.errors - DECLARED_BY_ALL
    return code(operation.name), code(operation.scope), "yes" if operation.once else NOTHING, listed(own)


def listed(names: Iterable[str]) -> str:
    """Return names as code, in order."""
    return ", ".join(code(name) for name in sorted(names)) or NOTHING
