"""Settings that every environment shares; each value comes from the environment (12-factor).

A secret `X` may be given as a file: `X_FILE=/run/secrets/x`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ

from config.observability.logging import logging_settings

BASE_DIR = Path(__file__).resolve().parents[2]


class Environment(environ.FileAwareEnv):
    """The environment; a value from a file loses the line break at its end."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        value = super().get_value(var, *args, **kwargs)
        return value.rstrip("\r\n") if isinstance(value, str) else value


env = Environment()

ENVIRONMENT = "base"
SECRET_KEY: str = env("SECRET_KEY", default="")
DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "config.apps.ProjectConfig",
    "audit",
    "accounts",
    "jurisdictions",
    "attestations",
    "whitelist",
    "deployments",
    "compliance",
]

MIDDLEWARE = [
    "config.observability.middleware.ObservabilityMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
X_FRAME_OPTIONS = "DENY"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Return Django's settings of the database at `url` (design, sections 3 and 9)."""
    settings: dict[str, Any] = env.db_url_config(url)
    options: dict[str, Any] = settings.setdefault("OPTIONS", {})
    if settings["ENGINE"].endswith("sqlite3"):
        options.update(
            transaction_mode="IMMEDIATE",
            timeout=20,
            init_command=(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
            ),
        )
    else:
        settings["CONN_MAX_AGE"] = None
        options.setdefault("application_name", "assayer")
    return settings


DATABASES = {
    "default": database(
        env("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'assayer.sqlite3'}")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"},
    "local": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "local",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

# Files of export jobs: a folder that web and workers share or, where a bucket is named, an
# S3-compatible store, whose keys boto3 finds (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).
EXPORT_KEEP_HOURS: int = env.int("EXPORT_KEEP_HOURS", default=72)
EXPORT_S3_BUCKET: str = env("EXPORT_S3_BUCKET", default="")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "exports": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": EXPORT_S3_BUCKET,
            "endpoint_url": env("EXPORT_S3_ENDPOINT", default="") or None,
            "region_name": env("EXPORT_S3_REGION", default="") or None,
            "location": env("EXPORT_S3_PREFIX", default="exports"),
            "file_overwrite": False,
        },
    }
    if EXPORT_S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env("EXPORT_DIR", default="") or BASE_DIR / "var" / "exports",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HTTP_RESPONSE_CODE = 423
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "config.observability.context.client_address"

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    "SIGNING_KEY": env("JWT_SIGNING_KEY", default=""),
    "ISSUER": "assayer",
}

# ARC-0014: realms that a signature may name, nodes by network, and what holds without a node.
ARC14_REALMS: list[str] = env.list("ARC14_REALMS", default=[])
ARC14_ALGOD_URLS: dict[str, str] = env.dict("ARC14_ALGOD_URLS", default={})
ARC14_ALGOD_TOKEN: str = env("ARC14_ALGOD_TOKEN", default="")
ARC14_MAX_ANCHOR_AGE = timedelta(hours=6)
ARC14_ASSUME_NOT_REKEYED = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.SigTxAuthentication",
        "accounts.api.authentication.BearerAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.json.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.json.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.json.AnyAccept",
    "DEFAULT_THROTTLE_CLASSES": ["config.api.throttling.OrdinaryRateLimit"],
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.WireSchema",
    "EXCEPTION_HANDLER": "config.api.handler.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
API_MAX_BODY_BYTES = 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
IDEMPOTENCY_KEYS = "accounts.idempotency"
IDEMPOTENCY_HOURS = 24
EXPORT_ROW_LIMIT = 10_000
WHITELIST_IMPORT_MAX_BYTES = 32_000_000  # 100,000 rows with every field have some 25 million

RATE_LIMIT_ORDINARY: str = env("RATE_LIMIT_ORDINARY", default="600/min")
RATE_LIMIT_EXPORT: str = env("RATE_LIMIT_EXPORT", default="30/m")
RATE_LIMIT_LOGIN: str = env("RATE_LIMIT_LOGIN", default="10/m")
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=0)

SPECTACULAR_SETTINGS = {
    "TITLE": "Assayer",
    "VERSION": "1.0",
    "DESCRIPTION": (
        "The compliance record of tokenized real-world assets: is this token compliant, why, and "
        "can you prove it?"
    ),
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["config.api.schema.share_errors"],
    "CAMELIZE_NAMES": True,
    "PATH_CONVERTER_OVERRIDES": {
        "asset": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
        "version": {"type": "string", "pattern": r"^\d{4}\.\d{2}\.\d{1,4}$"},
        "rule": {"type": "string", "maxLength": 100},
    },
}

CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api/.*|health(/.*)?)$"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "prefer",
    "range",
    "x-correlation-id",
    "x-idempotency-key",
]
CORS_EXPOSE_HEADERS = [
    "accept-ranges",
    "content-disposition",
    "content-range",
    "etag",
    "link",
    "location",
    "preference-applied",
    "retry-after",
    "x-content-sha256",
    "x-correlation-id",
    "x-export-total",
    "x-export-truncated",
    "x-idempotency-hit",
]

# Without a broker tasks run in the process of the request, after its commit.
CELERY_BROKER_URL: str = env("CELERY_BROKER_URL", default="") or "memory://localhost/"
CELERY_TASK_ALWAYS_EAGER = CELERY_BROKER_URL.startswith("memory:")
CELERY_TASK_EAGER_PROPAGATES = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 1
# A request does not wait for a broker that is down: its row is stale, and the sweep finds it.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "recalculate-due-statuses": {
        "task": "compliance.tasks.recalculate_due_statuses",
        "schedule": 60.0,
    },
    "continue-dry-runs": {"task": "compliance.tasks.continue_dry_runs", "schedule": 60.0},
    "continue-report-jobs": {"task": "compliance.tasks.continue_report_jobs", "schedule": 30.0},
    "record-expired-waivers": {
        "task": "jurisdictions.tasks.record_expired_waivers",
        "schedule": 60.0,
    },
    "continue-whitelist-imports": {"task": "whitelist.tasks.continue_imports", "schedule": 30.0},
    "remind-of-expiring-attestations": {
        "task": "attestations.tasks.remind_of_expiring_attestations",
        "schedule": 600.0,
    },
    "continue-exports": {"task": "audit.tasks.continue_exports", "schedule": 30.0},
    "expire-exports": {"task": "audit.tasks.expire_exports", "schedule": 600.0},
    "seal-events": {"task": "audit.tasks.seal_events", "schedule": 10.0},
    "seal-busy-log": {"task": "audit.tasks.seal_busy_log", "schedule": 1.0},
    "verify-audit-trail": {"task": "audit.tasks.verify_trail", "schedule": 3600.0},
    "advance-deployments": {"task": "deployments.tasks.advance_deployments", "schedule": 2.0},
    "prepare-partitions": {"task": "audit.tasks.prepare_partitions", "schedule": 86_400.0},
    "deliver-webhooks": {"task": "audit.tasks.deliver_due_webhooks", "schedule": 2.0},
    "continue-verifications": {"task": "audit.tasks.continue_verifications", "schedule": 30.0},
    "purge-idempotency-keys": {
        "task": "accounts.tasks.purge_idempotency_keys",
        "schedule": 600.0,
    },
    "follow-chain-rounds": {"task": "accounts.tasks.follow_chain_rounds", "schedule": 30.0},
}

# Tokens can be issued on the networks that have a node and a key, each a JSON object:
# {"testnet-v1.0": {"algod": "https://...", "algodToken": "", "indexer": "https://...",
# "indexerToken": ""}, "base-mainnet": {"rpc": "https://...", "rpcToken": ""}}, and
# {"avm": "/run/secrets/avm.key"} by kind of network or by its name.
DEPLOYMENT_NODES: dict[str, Any] = env.json("DEPLOYMENT_NODES", default={})
DEPLOYMENT_KEY_FILES: dict[str, str] = env.json("DEPLOYMENT_KEY_FILES", default={})

# Reports are sealed with this Ed25519 seed: 32 bytes in base64. The demo key is public knowledge.
DEMO_REPORT_SIGNING_KEY = "NB+yViwc2Wd0rH8I12aw8v5EN9Skzv1eCEPcts7Y+NY="
REPORT_SIGNING_KEY: str = env("REPORT_SIGNING_KEY", default="")
# The day or moment from which the key counts, and the public keys that signed before it, each
# `<base64>@<first moment>..<last moment>`.
REPORT_SIGNING_KEY_SINCE: str = env("REPORT_SIGNING_KEY_SINCE", default="")
REPORT_RETIRED_KEYS: list[str] = env.list("REPORT_RETIRED_KEYS", default=[])

# The name that the log signs its checkpoints under, such as assayer.example.com/log; and a file
# outside the database for the last one, so that a restored older backup is noticed.
AUDIT_ORIGIN: str = env("AUDIT_ORIGIN", default="assayer.invalid/log")
# The verifier keys that the log signed with before: without them what they signed is refused.
AUDIT_RETIRED_KEYS: list[str] = env.list("AUDIT_RETIRED_KEYS", default=[])
# The verifier keys of the witnesses whose cosignatures are kept (c2sp.org/tlog-cosignature).
AUDIT_WITNESS_KEYS: list[str] = env.list("AUDIT_WITNESS_KEYS", default=[])
# Where checkpoints are written down outside the database, each `file:<path>`; how often at most.
AUDIT_ANCHORS: list[str] = env.list("AUDIT_ANCHORS", default=[])
AUDIT_ANCHOR_MINUTES: int = env.int("AUDIT_ANCHOR_MINUTES", default=60)
BUNDLE_EVENT_LIMIT = 1_000_000
# Not ready where the seal lags more; 0 does not watch it.
AUDIT_SEAL_LAG_SECONDS: int = env.int("AUDIT_SEAL_LAG_SECONDS", default=0)
AUDIT_CHECKPOINT_FILE: str = env("AUDIT_CHECKPOINT_FILE", default="")

# Webhooks go to public addresses and these networks, such as 10.1.0.0/16; no ports means any.
WEBHOOK_ALLOW_HTTP: bool = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
WEBHOOK_ALLOWED_NETWORKS: list[str] = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])
WEBHOOK_PORTS: list[int] = env.list("WEBHOOK_PORTS", cast=int, default=[443, 8443, 80])

# The address by which the world reaches this service, such as https://api.example.com: status lists
# are published there. Without it, the address of each request.
PUBLIC_URL: str = env("PUBLIC_URL", default="").rstrip("/")

# Years that the operator keeps each class of records; nothing is deleted by this software.
RETENTION_YEARS: dict[str, int] = {"compliance_audit_event": 7}

DEMO_ENABLED = False
LOG_LEVEL: str = env("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_settings(LOG_LEVEL, console=False)
# axes.W006 warns that lock-out goes by account and not by address: that is what it shall do.
SILENCED_SYSTEM_CHECKS: list[str] = ["axes.W006"]
