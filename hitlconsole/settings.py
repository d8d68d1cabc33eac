"""Settings from the environment. Every variable is listed in docs/reference/settings.md.

A variable NAME may be given as NAME_FILE, the path of a file that holds the value (secrets).
What is missing or malformed stops the process at start with a message that names the variable.
"""

import ipaddress
import logging
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()


def _parts(name: str) -> list[str]:
    """What stands between the commas."""
    return [part.strip() for part in env.list(name, default=[]) if part.strip()]


DEBUG = env.bool("HITL_DEBUG", default=False)
TESTING = env.bool("HITL_TEST", default=False)
HOME = Path(env.str("HITL_HOME", default=str(BASE_DIR / "var")))
# A fixed key serves the commands that need no secrets (makemigrations, evaluate_levels); the web
# process and the workers refuse to start with it (hitlconsole.lib.checks).
INSECURE_SECRET_KEY = "insecure-key-for-commands-that-keep-no-secrets"  # noqa: S105
SECRET_KEY = env.str("HITL_SECRET_KEY", default=INSECURE_SECRET_KEY)
# What seals the secrets in the database; the first key seals, every one of them opens.
ENCRYPTION_KEYS = _parts("HITL_ENCRYPTION_KEYS") or [SECRET_KEY]
if any(len(_key) < 32 for _key in _parts("HITL_ENCRYPTION_KEYS")):
    raise ImproperlyConfigured("HITL_ENCRYPTION_KEYS: give each key at least 32 random characters")
BASE_URL = env.str("HITL_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("HITL_ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
HTTPS = BASE_URL.startswith("https://")
# Networks that webhooks and callbacks may reach although they are not public.
OUTBOUND_ALLOW = _parts("HITL_OUTBOUND_ALLOW")
for _network in OUTBOUND_ALLOW:
    try:
        ipaddress.ip_network(_network)
    except ValueError as _error:
        raise ImproperlyConfigured(f"HITL_OUTBOUND_ALLOW: {_error}") from None
# From HARD_APPROVAL on, approving in the console takes a sign-in that is no older than that.
SIGN_IN_SECONDS = env.int("HITL_SIGN_IN_SECONDS", default=43_200)
# Whoever asks for /metrics has to know it; without one there are none.
METRICS_TOKEN = env.str("HITL_METRICS_TOKEN", default="")
# Called every quarter of a minute while all is well, for a dead-man's switch elsewhere.
HEARTBEAT_URL = env.str("HITL_HEARTBEAT_URL", default="")
SLACK_API_URL = env.str("HITL_SLACK_API_URL", default="https://slack.com/api/")
# smtp+tls://user:password@host:587; without one, what would be sent by e-mail fails.
_mail = env.email_url("HITL_EMAIL_URL", default="smtp://localhost:25")
if "OPTIONS" in _mail:
    # Whoever writes ?tls=True would send passwords in the clear.
    raise ImproperlyConfigured("HITL_EMAIL_URL: write smtp+tls:// or smtp+ssl://, and no options")
vars().update(_mail)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.str("HITL_EMAIL_FROM", default="HITL Console <hitl@localhost>")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "csp",
    "hitlconsole.lib",
    "hitlconsole.ui",
    "audit",
    "hitlconsole.accounts",
    "autonomy",
    "approvals",
    "hitlconsole.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hitlconsole.ui.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "hitlconsole.urls"
ASGI_APPLICATION = "hitlconsole.asgi.application"
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
                "hitlconsole.ui.context.ui",
                "hitlconsole.accounts.context.hints",
                "approvals.console.context.console",
            ]
        },
    }
]


def _database(url_name: str, *, pool: bool) -> dict[str, Any]:
    config: dict[str, Any] = env.db_url(url_name)
    config["ENGINE"] = "django.db.backends.postgresql"
    config.setdefault("OPTIONS", {})
    if pool:
        # Threads of the web process borrow a connection for one unit of work.
        # Who gets none within 5 s is told so, instead of hanging where the database is away.
        size = env.int("HITL_DB_POOL", default=12)
        config["OPTIONS"]["pool"] = {"min_size": 1, "max_size": size, "timeout": 5}
        # For the cursors of hitlconsole.lib.prepared; all others bind in the client.
        config["OPTIONS"]["prepare_threshold"] = 5
    return config


# `default` serves as the application's role; `owner`, where given, owns the tables and migrates.
DATABASES: dict[str, dict[str, Any]] = {}
if "DATABASE_URL" in env.ENVIRON or "DATABASE_URL_FILE" in env.ENVIRON:
    DATABASES["default"] = _database("DATABASE_URL", pool=True)
    if "DATABASE_OWNER_URL" in env.ENVIRON or "DATABASE_OWNER_URL_FILE" in env.ENVIRON:
        DATABASES["owner"] = _database("DATABASE_OWNER_URL", pool=False)
else:
    # Commands without a database run; whatever connects is told what is missing.
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "DATABASE_URL-is-not-set",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = env.str("HITL_BROKER_URL", default=REDIS_URL)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["hitlconsole.accounts.backends.SessionBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "console:queue"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
WHITENOISE_AUTOREFRESH = TESTING or DEBUG

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "approvals.console.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_SSL_REDIRECT = False
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("HITL_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        # It tells each failing rule with values of the request; the trace of the request says why.
        "cel": {"level": "CRITICAL"},
        # What it logs names addresses with their secrets; deliveries have it, without those.
        "apprise": {"handlers": ["nowhere"], "propagate": False},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
logging.captureWarnings(True)
