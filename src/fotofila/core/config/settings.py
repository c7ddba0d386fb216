"""Every setting, with its default, its unit and what it is for. The reference in the docs is made from this file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from fotofila.core.config.sources import SecretFileSource

PREFIX = "FOTOFILA_"

Names = Annotated[list[str], NoDecode]


class SettingsError(Exception):
    """A setting is wrong; the message is one sentence that names it."""


class Settings(BaseSettings):
    """Everything that can be set from outside."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Where things are
    data_dir: Path = Field(Path("data"), description="Folder of the embedded database, queue, objects and secret key.")
    database_url: str = Field(
        "", description="Database: `postgresql://user:password@host/name`. Empty: a SQLite file in the data folder."
    )
    database_pool_size: int = Field(10, ge=2, description="Most connections of one process to PostgreSQL.")
    database_statement_seconds: float = Field(
        30.0, gt=0, description="Longest time of one statement in PostgreSQL; migrations have no limit."
    )
    database_pooler: bool = Field(
        default=False,
        description="The database's URL is that of a pooler in transaction mode (PgBouncer): no prepared statements, "
        "no LISTEN, and time limits are those of the role.",
    )
    storage_url: str = Field(
        "",
        description="Objects: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`. "
        "Empty: the folder `objects` in the data folder.",
    )
    queue_url: str = Field(
        "",
        description="Queue: `sqlite:///file`, `nats://[user:password@]host:4222[,host:4222]` (`tls://` demands "
        "encryption) or `sqs://region`. Empty: a SQLite file of its own in the data folder.",
    )
    models_dir: Path = Field(
        Path("~/.cache/fotofila"), description="Folder of the models, filled by `fotofila models fetch`."
    )

    # Storage in a bucket
    storage_endpoint: str = Field("", description="S3: `https://host[:port]` of a server other than AWS's. Empty: AWS.")
    storage_public_endpoint: str = Field(
        "", description="S3: the endpoint as browsers and other clients reach it, for signed links. Empty: the same."
    )
    storage_region: str = Field(
        "", description="S3: region. Empty: that of AWS's environment or profile, or us-east-1."
    )
    storage_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="S3: the bucket in the path or in the host name. auto: host name on AWS, else path."
    )
    storage_access_key_id: SecretStr = Field(
        SecretStr(""), description="S3: access key. Empty: AWS's own chain (environment, profile, role)."
    )
    storage_secret_access_key: SecretStr = Field(SecretStr(""), description="S3: the secret of the access key.")
    storage_create_bucket: bool = Field(
        default=False, description="S3: make the bucket at the start where there is none."
    )
    storage_link_seconds: int = Field(
        300,
        ge=0,
        le=604800,
        description="S3: life of the signed links that pictures are fetched by. 0: none, the API carries the bytes.",
    )
    storage_timeout_seconds: float = Field(
        30.0,
        gt=0,
        description="Buckets: longest wait for an answer, with the time to send 8 MiB in it, before it is given up.",
    )

    # Queue on a server
    queue_credentials: SecretStr = Field(
        SecretStr(""), description="NATS: text of a credentials file (`.creds`), for servers with accounts."
    )
    queue_tls_ca: str = Field("", description="NATS: file of the authority that signed the server's key.")
    queue_tls_certificate: str = Field("", description="NATS: file of the certificate that we show.")
    queue_tls_key: str = Field("", description="NATS: file of the key of that certificate.")
    queue_replicas: int = Field(
        0, ge=0, le=5, description="NATS: servers of a cluster that keep each stream. 0: leave it as it is, or one."
    )
    queue_endpoint: str = Field("", description="SQS: `https://host[:port]` of a server other than AWS's. Empty: AWS.")
    queue_access_key_id: SecretStr = Field(
        SecretStr(""), description="SQS: access key. Empty: AWS's own chain (environment, profile, role)."
    )
    queue_secret_access_key: SecretStr = Field(SecretStr(""), description="SQS: the secret of the access key.")
    queue_create: bool = Field(
        default=True, description="SQS: make queues that are not there, and set their redrive policy."
    )

    # HTTP
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field("", description="How people reach the server. Empty: `http://host:port`.")
    allowed_hosts: Names = Field(
        [], description="Host names that are answered, comma separated. Empty: loopback and the public URL's."
    )
    trusted_proxies: Names = Field(
        [], description="Addresses or networks whose X-Forwarded-* headers are believed, comma separated."
    )
    rate_limit: str = Field("1200/minute", description="Requests for each key or address.")
    rate_limit_url: SecretStr = Field(
        SecretStr(""),
        description="Where all replicas count requests: `redis://host:6379/0`. Empty: in PostgreSQL where that is the "
        "database, else in each process; `memory://` forces the latter.",
    )
    login_rate_limit: str = Field("10/minute", description="Sign-in attempts for each address and for each user name.")
    max_upload_bytes: int = Field(200 * 1024 * 1024, gt=0, description="Largest file taken, in bytes.")
    upload_seconds: float = Field(
        86400.0, gt=0, description="How long an upload that was begun is kept since the last byte of it came."
    )
    max_uploads: int = Field(
        64,
        gt=0,
        description="Requests with a body that one process serves at once; each may take some MiB of memory, and one "
        "more is told to come back (503).",
    )
    max_files: int = Field(1000, gt=0, description="Most files in one multipart upload.")
    max_pixels: int = Field(200_000_000, gt=0, description="Largest picture taken, in pixels.")

    # The server that speaks Rekognition
    rekognition_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="A port on which nothing but the protocol of AWS Rekognition is answered, at `/`. 0: none; it is "
        "always answered at `/rekognition` too.",
    )
    rekognition_buckets: Names = Field(
        [],
        description="Buckets that `S3Object` may name, as `name=url` separated by commas, each URL in the form of "
        "FOTOFILA_STORAGE_URL and with the credentials of that storage. Keys of every workspace may read them.",
    )

    # Secrets
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Keys that sign links and sessions: `id:key` separated by commas, the first signs, all verify. "
        "Empty: made at the first start and kept in the data folder, mode 0600.",
    )

    # The audit log
    audit_key: SecretStr = Field(
        SecretStr(""),
        description="Ed25519 keys as PEM that sign checkpoints of the audit log and receipts: the first private one "
        "signs, all verify. The same on every replica. Empty: derived from the secret key.",
    )
    audit_checkpoint_entries: int = Field(1000, ge=1, description="Entries after which a checkpoint is signed.")
    audit_checkpoint_seconds: float = Field(
        3600.0, gt=0, description="Time after which a checkpoint is signed where there were fewer entries."
    )
    audit_retention_days: int = Field(
        0, ge=0, description="Days after which entries of the audit log are pruned; 0 keeps them for ever."
    )

    # The pipeline
    capabilities: Names = Field(
        ["library", "access", "notify", "faces", "rekognition"],
        description="Capabilities that are loaded, by entry-point name.",
    )
    ingest_kind: str = Field("faces.analyze", description="Kind of the job that an uploaded photo starts.")
    queue_process_name: str = Field("process", description="Name of the queue of work; lanes add a suffix.")
    queue_results_name: str = Field("results", description="Name of the queue of results.")
    queue_failures_name: str = Field("failures", description="Name of the dead-letter queue.")
    lease_seconds: float = Field(30.0, gt=0, description="How long a worker holds a message before it must extend.")
    max_deliveries: int = Field(3, ge=1, description="Deliveries of one message before it is a failure.")
    max_attempts: int = Field(4, ge=1, description="Attempts of one round before a transient error is a failure.")
    retry_scale: float = Field(1.0, ge=0, description="Multiplies every back-off wait; tests make it small.")
    relay_interval_seconds: float = Field(0.5, gt=0, description="Longest sleep of the relay between two looks.")
    queue_ready: int = Field(
        64,
        ge=2,
        description="Jobs of a lane that are in the queue at once, while the rest waits in the database, where "
        "workspaces take turns; more where workers are quick. Scale workers on less than this.",
    )
    reconcile_interval_seconds: float = Field(60.0, gt=0, description="Time between two looks for lost jobs.")
    sweep_interval_seconds: float = Field(3600.0, gt=0, description="Time between two sweeps of storage.")
    orphan_age_seconds: float = Field(86400.0, ge=0, description="Age at which an object without a row is swept.")

    # The worker
    workers: int = Field(0, ge=0, description="Children that touch images, per worker process. 0: one per CPU.")
    worker_lanes: Names = Field(
        ["process", "process.bulk"], description="Lanes that a worker receives from, in order of preference."
    )
    job_seconds: float = Field(120.0, gt=0, description="Longest time for one execution before its child is killed.")
    child_memory_mb: int = Field(
        6144, ge=512, description="Address space that a child may take, in MiB, before it is told no."
    )
    drain_seconds: float = Field(20.0, ge=0, description="How long a stopping worker waits for what it has begun.")

    # Faces
    detection: Literal["accurate", "fast"] = Field("accurate", description="Default of new workspaces.")
    faces_engine: Literal["local", "rekognition"] = Field(
        "local",
        description="Who finds and knows faces: models on this machine, or Amazon Rekognition, which is sent the "
        "pictures.",
    )
    faces_aws_region: str = Field("", description="Rekognition: region. Empty: that of AWS's environment or profile.")
    faces_aws_endpoint: str = Field(
        "", description="Rekognition: `https://host[:port][/path]` of a server other than AWS's. Empty: AWS."
    )
    faces_aws_access_key_id: SecretStr = Field(
        SecretStr(""), description="Rekognition: access key. Empty: AWS's own chain (environment, profile, role)."
    )
    faces_aws_secret_access_key: SecretStr = Field(
        SecretStr(""), description="Rekognition: the secret of the access key."
    )
    faces_aws_prefix: str = Field(
        "",
        pattern=r"^[a-zA-Z0-9_.\-]{0,32}$",
        description="Rekognition: what the names of our collections begin with there, e.g. `production.`; each of "
        "several installations that share an account and region needs its own, from the first day.",
    )
    faces_aws_tps: float = Field(
        5.0,
        gt=0,
        description="Rekognition: requests a second that the account may make of each operation (AWS Service Quotas). "
        "All processes together stay just under it; workers on several machines need FOTOFILA_RATE_LIMIT_URL for that.",
    )
    faces_aws_patience_seconds: float = Field(
        300.0, gt=0, description="Rekognition: longest time for one request with its waits, before it is given up."
    )
    models_pack: Literal["permissive", "research"] = Field(
        "permissive",
        description="Models that find and know faces. research: more accurate, for non-commercial use only.",
    )
    models_non_commercial: bool = Field(
        default=False,
        description="The use is non-commercial, and the licences of the pack `research` are accepted.",
    )
    faces_search: Literal["exact", "pgvector"] = Field(
        "exact",
        description="How collections are searched. exact: every vector, held in memory; pgvector: an HNSW index in "
        "PostgreSQL, which needs the extension `vector`.",
    )
    faces_search_memory_mb: int = Field(
        2048,
        gt=0,
        description="Vectors that one process holds in memory for exact search, in MiB; a million faces of 128 numbers "
        "take 504. Beyond it the collection that was searched longest ago is let go of.",
    )

    # Notifications
    webhooks_allow_private: bool = Field(
        default=False, description="Let webhooks and Apprise reach private and loopback addresses."
    )

    # Observability
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field("json", description="One JSON object per line, or for people.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of `/metrics` for a process without the api role. 0: none."
    )
    otlp_endpoint: str = Field("", description="OTLP/HTTP endpoint for traces. Empty: no traces.")

    @field_validator(
        "capabilities", "allowed_hosts", "trusted_proxies", "worker_lanes", "rekognition_buckets", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("data_dir", "models_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def base_url(self) -> str:
        """How people reach the server, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, `*_FILE`, then the TOML file."""
        del dotenv_settings, file_secret_settings
        toml = Path(os.environ.get(f"{PREFIX}CONFIG", "fotofila.toml"))
        return (
            init_settings,
            env_settings,
            SecretFileSource(settings_cls, PREFIX),
            TomlConfigSettingsSource(settings_cls, toml),
        )


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is wrong; the sentence names the setting.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        problem = "is not a setting" if first["type"] == "extra_forbidden" else first["msg"]
        message = f"{name}: {problem}. `fotofila doctor` lists every setting and where it was read from."
        raise SettingsError(message) from error
    except (OSError, ValueError) as error:
        message = f"The settings cannot be read: {error}"
        raise SettingsError(message) from error
