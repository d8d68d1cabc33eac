"""Forms about oneself: signing in, name, password."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest

from hitlconsole.accounts.models import User
from hitlconsole.accounts.profile import MAX_HOLD_SECONDS, Preferred

REFUSED = "This e-mail address and password do not belong together, or the account is switched off."


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    user: User | None = None

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if "email" in values and "password" in values:
            self.user = self._authenticate(values["email"], values["password"])
            if self.user is None:
                raise forms.ValidationError(REFUSED)
        return values

    def _authenticate(self, email: str, password: str) -> User | None:
        """Addresses differ in case alone nowhere; an unknown one costs as much time as a known."""
        known = User.objects.filter(email__iexact=email).values_list("email", flat=True).first()
        user = authenticate(self.request, username=known or email, password=password)
        return user if isinstance(user, User) else None


class NameForm(forms.Form):
    name = forms.CharField(max_length=120)


class PreferencesForm(forms.Form):
    """Quiet hours are both times or none; which one is missing says the field itself."""

    hold_seconds = forms.IntegerField(
        label="Seconds in which a verdict can be undone",
        min_value=0,
        max_value=MAX_HOLD_SECONDS,
        help_text=(
            f"0 to {MAX_HOLD_SECONDS}. Until then the agent hears nothing and z takes it back;"
            " with 0 a verdict counts at once."
        ),
    )
    quiet_start = forms.TimeField(
        label="From", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_end = forms.TimeField(
        label="Until",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Like Europe/Berlin or UTC.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in available_timezones():
            raise forms.ValidationError("There is no time zone of this name.")
        return zone

    def clean(self) -> dict[str, Any]:
        start, end = self.cleaned_data.get("quiet_start"), self.cleaned_data.get("quiet_end")
        if start is None and end is not None and "quiet_start" in self.cleaned_data:
            self.add_error("quiet_start", "Say when the quiet hours begin, or empty both.")
        if end is None and start is not None and "quiet_end" in self.cleaned_data:
            self.add_error("quiet_end", "Say when the quiet hours end, or empty both.")
        if start is not None and start == end:
            self.add_error("quiet_end", "They have to end at another time than they begin.")
        return self.cleaned_data

    def preferred(self) -> Preferred:
        return Preferred(**self.cleaned_data)


class PasswordForm(forms.Form):
    """Somebody who has a password must know it; a first one needs the session alone."""

    current = forms.CharField(
        label="Current password",
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="New password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters.",
    )
    repeated = forms.CharField(
        label="New password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.has_usable_password():
            del self.fields["current"]

    def clean_current(self) -> str:
        current: str = self.cleaned_data["current"]
        if not self.user.check_password(current):
            raise forms.ValidationError("This is not your current password.")
        return current

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean_repeated(self) -> str:
        repeated: str = self.cleaned_data["repeated"]
        if "new" in self.cleaned_data and repeated != self.cleaned_data["new"]:
            raise forms.ValidationError("The two new passwords differ.")
        return repeated
