"""Who a session belongs to."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from hitlconsole.accounts.models import User


class SessionBackend(ModelBackend):
    """Reads the person together with what they chose for themselves: every page needs both."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("preferences").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
