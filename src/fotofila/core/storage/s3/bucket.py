"""Making a bucket: needed once, and only where a setting says so."""

from __future__ import annotations

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from fotofila.core.storage.base import StorageRefusedError
from fotofila.core.storage.s3.credentials import Keys

EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
AWS_FIRST_REGION = "us-east-1"
"""The one region that is not named when a bucket is made in it."""


async def make_bucket(bucket: str, *, url: str, region: str, keys: Keys) -> None:
    """Make a bucket; another process may have been faster.

    Raises:
        StorageRefusedError: it cannot be made.
    """
    place = {} if region == AWS_FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    async with get_session().create_client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=AioConfig(connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}),
    ) as client:
        try:
            await client.create_bucket(Bucket=bucket, **place)
        except ClientError as error:
            if error.response["Error"]["Code"] not in EXISTS:
                raise cannot_make(bucket, error) from error
        except BotoCoreError as error:
            raise cannot_make(bucket, error) from error


def cannot_make(bucket: str, error: Exception) -> StorageRefusedError:
    """Say why, and what to do instead."""
    return StorageRefusedError(
        f"FOTOFILA_STORAGE_CREATE_BUCKET: the bucket {bucket} cannot be made ({error}): make it by hand."
    )
