"""People, teams, agents and the keys by which programs are known."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.ids import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, *, name: str = "", **fields: Any) -> "User":
        """A person without a password: sign-in is by one-time link until they set one."""
        user = self.model(email=self.normalize_email(email), name=name or email, **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. is_superuser: administers everything; is_staff: may open the Django admin."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_case_insensitive"),)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def roles(self) -> "list[Membership]":
        """With their teams, by name. Read once: a transaction that acts on rights reads anew."""
        return list(self.memberships.select_related("team").order_by("team__name"))


class Preferences(models.Model):
    """What a person chose for themselves, on every screen; without a row the defaults count.

    `quiet_start` and `quiet_end` are times of day in `time_zone`: between them nothing is sent
    that only tells. `hints`: the first-run hints that the person has put away for good.
    """

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="preferences"
    )
    hold_seconds = models.PositiveSmallIntegerField(default=5)
    quiet_start = models.TimeField(null=True, blank=True)
    quiet_end = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    hints = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(hold_seconds__lte=30), name="preferences_hold_seconds"
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_start__isnull=True, quiet_end__isnull=True)
                | models.Q(quiet_start__isnull=False, quiet_end__isnull=False),
                name="preferences_quiet_whole",
            ),
        )

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class Team(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    REVIEWER = "reviewer", "Reviewer"
    ADMIN = "admin", "Admin"
    COMPLIANCE = "compliance", "Compliance"


class Membership(models.Model):
    """A role that a person has in a team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "team", "role"), name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} in {self.team_id}"


class SignInLink(models.Model):
    """A one-time sign-in link; only the digest of its token is kept."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user_id}"


class Agent(models.Model):
    """A program that asks before it acts."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        READ_ONLY = "read_only", "Read-only"
        DISABLED = "disabled", "Disabled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(blank=True, max_length=2000)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="agents")
    owner = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="owned_agents"
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    # Survives being disabled, so that disabling is no way around a takeover.
    read_only_since = models.DateTimeField(null=True, editable=False)
    # The failure count of the takeover rule starts anew at a hand back or release.
    failures_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=("active", "read_only", "disabled")),
                name="agent_status",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    SUBMIT = "submit", "Ask, read and answer"
    EXECUTE = "execute", "Claim executions and report outcomes"
    DECIDE = "decide", "Decide for a person"


class ApiKey(models.Model):
    """A program's key, kept as its SHA-256. It belongs to an agent, or to an outside system.

    Scope `decide` is never given to an agent's key: an agent cannot decide.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="keys")
    service = models.CharField(max_length=80, blank=True)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=(
                    models.Q(agent__isnull=False, service="")
                    & ~models.Q(scopes__contains=["decide"])
                )
                | (models.Q(agent__isnull=True) & ~models.Q(service="")),
                name="api_key_holder",
            ),
        )

    def __str__(self) -> str:
        return f"{self.prefix}…"
