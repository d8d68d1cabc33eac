"""What must hold before a process serves anybody."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def refuse_insecure_secret_key() -> None:
    """Whoever knows the key can sign in as anybody. Raises ImproperlyConfigured."""
    if settings.DEBUG or settings.TESTING:
        return
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        raise ImproperlyConfigured(
            "HITL_SECRET_KEY (or HITL_SECRET_KEY_FILE) is not set:"
            " give it at least 50 random characters."
        )
