"""What people choose for themselves: kept, explained where it can't be, and on the record."""

import json
from datetime import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from hitlconsole.accounts.models import Preferences, User
from hitlconsole.accounts.profile import (
    HINTS,
    Preferred,
    dismissed_hints,
    preferences_of,
    set_preferences,
)
from tests.console.html import read
from tests.factories import make_reviewer, make_team

NIGHT = {
    "hold_seconds": "12",
    "quiet_start": "22:00",
    "quiet_end": "07:30",
    "time_zone": "Europe/Berlin",
}


@pytest.fixture
def ana(db: None) -> User:
    return make_reviewer(make_team(), "ana@example.com")


@pytest.fixture
def browser(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def save(browser: Client, **changed: str) -> Any:
    return browser.post(reverse("accounts:change-preferences"), NIGHT | changed)


def test_who_chose_nothing_has_the_defaults(ana: User) -> None:
    assert preferences_of(ana) == Preferred(5, None, None, "UTC")
    assert not Preferences.objects.exists()


def test_what_is_chosen_is_kept_and_shown_again(ana: User, browser: Client) -> None:
    answer = save(browser)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("accounts:profile"))
    assert preferences_of(fresh(ana)) == Preferred(12, time(22), time(7, 30), "Europe/Berlin")
    form = read(browser.get(reverse("accounts:profile"))).form("preferences")
    assert {name: form.fields[name] for name in NIGHT} == NIGHT


def test_a_change_is_on_the_record_once_with_what_changed(ana: User, browser: Client) -> None:
    save(browser)
    save(browser)
    [event] = AuditEvent.objects.filter(type="person_changed")
    payload = json.loads(bytes(event.entry))["payload"]
    assert payload["fields"] == ["hold_seconds", "quiet_start", "quiet_end", "time_zone"]
    save(browser, hold_seconds="0")
    *_, last = AuditEvent.objects.filter(type="person_changed").order_by("stream_seq")
    assert json.loads(bytes(last.entry))["payload"]["fields"] == ["hold_seconds"]


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"hold_seconds": "31"}, "hold_seconds", "less than or equal to 30"),
        ({"hold_seconds": "-1"}, "hold_seconds", "greater than or equal to 0"),
        ({"hold_seconds": "soon"}, "hold_seconds", "Enter a whole number"),
        ({"quiet_end": ""}, "quiet_end", "Say when the quiet hours end"),
        ({"quiet_start": ""}, "quiet_start", "Say when the quiet hours begin"),
        ({"quiet_end": "22:00"}, "quiet_end", "another time than they begin"),
        ({"quiet_start": "25:00"}, "quiet_start", "Enter a valid time"),
        ({"time_zone": "Berlin"}, "time_zone", "There is no time zone of this name"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "There is no time zone of this name"),
    ],
)
def test_an_error_stands_at_its_field_and_what_was_typed_is_kept(
    ana: User, browser: Client, wrong: dict[str, str], field: str, words: str
) -> None:
    answer = save(browser, **wrong)
    assert answer.status_code == 422
    page = read(answer)
    [said] = [v for _, v in page.tags if v.get("id", "").endswith("_error")]
    assert said["id"] == f"id_{field}_error"
    assert words in page.text
    typed = NIGHT | wrong
    assert {name: page.form("preferences").fields[name] for name in NIGHT} == typed
    assert preferences_of(fresh(ana)) == Preferred()


def test_both_times_empty_mean_no_quiet_hours(ana: User, browser: Client) -> None:
    save(browser)
    save(browser, quiet_start="", quiet_end="")
    assert preferences_of(fresh(ana)) == Preferred(12, None, None, "Europe/Berlin")


def test_they_are_looked_up_once_for_a_person(ana: User) -> None:
    set_preferences(ana, Preferred(hold_seconds=9))
    person = fresh(ana)
    with CaptureQueriesContext(connection) as queries:
        assert [preferences_of(person).hold_seconds for _ in range(3)] == [9, 9, 9]
        assert dismissed_hints(person) == frozenset()
    assert len(queries) == 1


def test_nobody_changes_another_persons(ana: User, browser: Client) -> None:
    ben = make_reviewer(make_team("Support"), "ben@example.com")
    browser.post(reverse("accounts:change-preferences"), NIGHT | {"user": str(ben.pk)})
    assert preferences_of(fresh(ben)) == Preferred()


def shown_hints(browser: Client, address: str) -> list[str]:
    page = read(browser.get(address))
    return [form.action for form in page.forms if form.action.startswith("/hints/")]


def test_a_hint_goes_for_good_and_the_profile_brings_it_back(ana: User, browser: Client) -> None:
    away = reverse("accounts:dismiss-hint", args=["queue"])
    assert shown_hints(browser, "/") == [away]
    answer = browser.post(away, {"next": "/?due=1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/?due=1")
    again = Client()
    again.force_login(ana)
    assert shown_hints(again, "/") == []
    assert "1 put away" in read(browser.get(reverse("accounts:profile"))).text
    browser.post(reverse("accounts:show-hints"))
    assert shown_hints(browser, "/") == [away]


def test_a_script_puts_a_hint_away_without_leaving_its_page(ana: User, browser: Client) -> None:
    away = reverse("accounts:dismiss-hint", args=["home"])
    answer = browser.post(away, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert dismissed_hints(fresh(ana)) == {"home"}


def test_only_hints_that_there_are_can_be_put_away(ana: User, browser: Client) -> None:
    for name in HINTS * 2:
        browser.post(reverse("accounts:dismiss-hint", args=[name]))
    assert browser.post("/hints/nonsense/dismiss/").status_code == 404
    assert dismissed_hints(fresh(ana)) == set(HINTS)
    answer = browser.post(
        reverse("accounts:dismiss-hint", args=["home"]), {"next": "//evil.example"}
    )
    assert answer.headers["Location"] == "/"


def test_the_doors_need_a_session_and_a_post(ana: User, browser: Client) -> None:
    doors = [
        reverse("accounts:change-preferences"),
        reverse("accounts:show-hints"),
        reverse("accounts:dismiss-hint", args=["home"]),
    ]
    assert [browser.get(door).status_code for door in doors] == [405] * 3
    for door in doors:
        assert Client().post(door, NIGHT).headers["Location"].startswith("/sign-in/")
    assert preferences_of(fresh(ana)) == Preferred()
    assert dismissed_hints(fresh(ana)) == frozenset()
