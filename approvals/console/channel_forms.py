"""Forms of channels, one for each kind; a secret is typed once and never shown again."""

from typing import Any

from django import forms
from django.conf import settings

from approvals.console.agent_forms import administered_teams, known_people
from approvals.models import NotificationChannel, Transport
from approvals.notifications.secrets import have_secrets
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import Team, User
from hitlconsole.lib.outbound import check_url
from hitlconsole.lib.webhooks import new_secret

KEPT = "Leave it empty to keep the present one."


class ChannelForm(forms.Form):
    """What every channel has. `config` and `secrets` name the fields of its kind."""

    config: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    name = forms.CharField(max_length=80)
    team = forms.ModelChoiceField(Team.objects.none(), required=False)
    role = forms.ChoiceField(
        choices=NotificationChannel.Role.choices,
        help_text="Primary: first notices. Backup: beside the primary for escalations and"
        " takeovers, and when the primary fails.",
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, user: User, channel: NotificationChannel, **kwargs: Any) -> None:
        initial = {
            "name": channel.name,
            "team": channel.team_id,
            "role": channel.role,
            "enabled": channel.enabled,
            **{name: channel.config.get(name, "") for name in self.config},
        }
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        team: Any = self.fields["team"]
        team.queryset = administered_teams(user).order_by("name")
        team.empty_label = "Every team" if may_administer(user) else None
        team.required = not may_administer(user)
        if have_secrets(channel.secrets):
            for name in self.secrets:
                self.fields[name].required = False
                self.fields[name].help_text = KEPT
        if "readers" in self.fields:
            readers: Any = self.fields["readers"]
            readers.queryset = known_people(user)
            if not channel._state.adding:
                readers.initial = list(channel.readers.all())

    def given(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in names}

    def secrets_for(self, channel: NotificationChannel) -> dict[str, Any]:
        return self.given(self.secrets)


class EmailForm(ChannelForm):
    config = ("subject_prefix",)

    subject_prefix = forms.CharField(
        max_length=40, required=False, help_text="Before every subject, like [HITL]."
    )


class SlackForm(ChannelForm):
    config = ("workspace", "channel")
    secrets = ("bot_token", "signing_secret")

    workspace = forms.RegexField(
        r"^[TE][A-Z0-9]{2,30}$", label="Workspace id", help_text="Like T01ABCDEF."
    )
    channel = forms.RegexField(
        r"^[CG][A-Z0-9]{2,30}$",
        label="Channel id",
        help_text="Like C01ABCDEF; invite the app into it.",
    )
    bot_token = forms.CharField(widget=forms.PasswordInput, max_length=300)
    signing_secret = forms.CharField(widget=forms.PasswordInput, max_length=300)


class WebhookForm(ChannelForm):
    config = ("url",)

    url = forms.CharField(
        label="URL",
        max_length=2000,
        help_text="Gets Standard Webhooks; its secret is shown once after saving.",
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        flaw = check_url(url)
        if flaw:
            raise forms.ValidationError(f"It cannot be a target: {flaw}.")
        return url

    def secrets_for(self, channel: NotificationChannel) -> dict[str, Any]:
        return {} if have_secrets(channel.secrets) else {"secrets": [new_secret()]}


class AppriseForm(ChannelForm):
    secrets = ("url",)

    url = forms.CharField(
        label="Apprise URL",
        widget=forms.PasswordInput,
        max_length=2000,
        help_text="Like tgram://token/chat, pagerduty://key@service, msteams://…",
    )
    readers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Who reads it",
        help_text="What this service accepts counts as notice to these people, and to nobody else.",
    )


FORMS: dict[str, type[ChannelForm]] = {
    Transport.EMAIL: EmailForm,
    Transport.SLACK: SlackForm,
    Transport.WEBHOOK: WebhookForm,
    Transport.APPRISE: AppriseForm,
}


def interaction_url(channel: NotificationChannel) -> str:
    """What the Slack app's "Interactivity" setting has to name."""
    return f"{settings.BASE_URL}/hooks/slack/{channel.pk}/"
