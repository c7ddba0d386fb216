"""Images of a request: bytes in it, or an object in a bucket that the operator gave a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fotofila.core.capability import Context
from fotofila.core.errors import NotFoundError
from fotofila.core.images.sniff import sniff
from fotofila.core.storage.base import StorageRefusedError, is_key
from fotofila.rekognition.errors import AwsError
from fotofila.rekognition.tables import MAX_IMAGE_BYTES, MAX_OBJECT_BYTES

UNREADABLE = "Unable to get object metadata from S3. Check object key, region and/or access permissions."


async def read_image(context: Context, image: Mapping[str, Any]) -> bytes:
    """Return the bytes of an image, which begin as a picture that we read.

    Raises:
        AwsError: neither or both kinds are given, the object is not there, or it is too large.
        ImageError: it is no picture.
    """
    if ("Bytes" in image) == ("S3Object" in image):
        raise AwsError("InvalidParameterException", "Request has invalid parameters: give Bytes or S3Object.")
    if "Bytes" in image:
        content: bytes = image["Bytes"]
        if len(content) > MAX_IMAGE_BYTES:
            message = f"Image size is too large: {len(content)} bytes where {MAX_IMAGE_BYTES} are the most."
            raise AwsError("ImageTooLargeException", message)
    else:
        content = await read_object(context, image["S3Object"])
    sniff(content, declared_type=None, pixel_cap=context.settings.max_pixels)
    return content


async def read_object(context: Context, named: Mapping[str, str]) -> bytes:
    """Return an object of a bucket.

    Raises:
        AwsError: InvalidS3ObjectException or ImageTooLargeException.
    """
    bucket, key = named.get("Bucket"), named.get("Name")
    if not bucket or not key:
        raise AwsError("InvalidParameterException", "Request has invalid parameters: S3Object needs Bucket and Name.")
    storage = context.buckets.get(bucket)
    if storage is None:
        message = f"{UNREADABLE} The bucket {bucket!r} is not named in FOTOFILA_REKOGNITION_BUCKETS."
        raise AwsError("InvalidS3ObjectException", message)
    if named.get("Version") is not None:
        raise AwsError("InvalidS3ObjectException", f"{UNREADABLE} Versions of objects cannot be asked for here.")
    if not is_key(key):
        raise AwsError("InvalidS3ObjectException", UNREADABLE)
    try:
        size = (await storage.head(key)).size_bytes
        if size > MAX_OBJECT_BYTES:
            message = f"Image size is too large: {size} bytes where {MAX_OBJECT_BYTES} are the most."
            raise AwsError("ImageTooLargeException", message)
        return await storage.get(key)
    except (NotFoundError, StorageRefusedError) as error:
        raise AwsError("InvalidS3ObjectException", UNREADABLE) from error
