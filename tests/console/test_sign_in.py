from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from hitlconsole.accounts.models import SignInLink
from hitlconsole.accounts.services import create_sign_in_link
from tests.console.conftest import House
from tests.console.html import read

PASSWORD = "a long enough passphrase"


def path_of(link: str) -> str:
    return link[link.index("/sign-in/") :]


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("accounts:profile")).status_code == 200


def test_a_link_shows_who_it_is_for_and_only_its_button_uses_it_up(house: House) -> None:
    link, client = path_of(create_sign_in_link(house.ana)), Client()
    for method in (client.get, client.head, client.get):
        shown = method(link)
        assert shown.status_code == 200
    assert "Sign in as ana" in read(client.get(link)).text
    assert SignInLink.objects.get().used_at is None
    assert not is_signed_in(client)
    entered = client.post(link)
    assert entered.headers["Location"] == "/"
    assert is_signed_in(client)
    assert AuditEvent.objects.filter(type="signed_in").count() == 1


def test_a_used_link_says_so_and_signs_nobody_in(house: House) -> None:
    link = path_of(create_sign_in_link(house.ana))
    Client().post(link)
    late = Client()
    again = late.post(link)
    assert again.status_code == 410
    assert "This link was used already" in read(again).text
    assert "Ask an administrator for another one" in read(again).text
    assert not is_signed_in(late)


def test_an_expired_link_says_so(house: House, advance_clock: Callable[..., None]) -> None:
    link, client = path_of(create_sign_in_link(house.ana)), Client()
    advance_clock(days=1, seconds=1)
    assert "This link has expired" in read(client.get(link)).text
    assert client.post(link).status_code == 410
    assert not is_signed_in(client)


def test_an_unknown_link_and_one_of_a_disabled_person_open_nothing(house: House) -> None:
    link = path_of(create_sign_in_link(house.ana))
    house.ana.is_active = False
    house.ana.save()
    for address in (link, "/sign-in/nonsense/"):
        client = Client()
        assert client.post(address).status_code == 404
        assert not is_signed_in(client)


def test_signing_in_gives_the_session_a_new_key(house: House) -> None:
    client = Client()
    client.get(reverse("accounts:sign-in"))
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = client.session.session_key
    client.post(path_of(create_sign_in_link(house.ana)))
    assert client.session.session_key != before


def test_a_password_signs_in_whatever_the_case_of_the_address(house: House) -> None:
    house.ana.set_password(PASSWORD)
    house.ana.save()
    client = Client()
    answer = client.post(
        reverse("accounts:sign-in"),
        {"email": "ANA@example.com", "password": PASSWORD, "next": "/agents/"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/agents/")
    assert is_signed_in(client)


@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_sound_alike(house: House, email: str) -> None:
    client = Client()
    answer = client.post(reverse("accounts:sign-in"), {"email": email, "password": "wrong"})
    assert answer.status_code == 422
    assert "do not belong together" in read(answer).text
    assert not is_signed_in(client)


def test_signing_in_never_leads_to_another_site(house: House) -> None:
    house.ana.set_password(PASSWORD)
    house.ana.save()
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = Client().post(
            reverse("accounts:sign-in"),
            {"email": "ana@example.com", "password": PASSWORD, "next": elsewhere},
        )
        assert answer.headers["Location"] == "/"


def test_signing_out_takes_a_post_and_ends_the_session(ana: Client) -> None:
    assert ana.get(reverse("accounts:sign-out")).status_code == 405
    assert is_signed_in(ana)
    ana.post(reverse("accounts:sign-out"))
    assert not is_signed_in(ana)
    assert AuditEvent.objects.filter(type="signed_out").count() == 1


def test_a_first_password_needs_the_session_alone_and_the_next_one_the_first(
    house: House, ana: Client
) -> None:
    address = reverse("accounts:change-password")
    assert ana.post(address, {"new": PASSWORD, "repeated": PASSWORD}).status_code == 302
    other = "quite another passphrase"
    refused = ana.post(address, {"new": other, "repeated": other, "current": "wrong"})
    assert "This is not your current password" in read(refused).text
    assert (
        ana.post(address, {"new": other, "repeated": other, "current": PASSWORD}).status_code == 302
    )
    house.ana.refresh_from_db()
    assert house.ana.check_password(other)
    assert is_signed_in(ana)
    changes = AuditEvent.objects.filter(type="person_changed")
    assert changes.count() == 2
    assert all(PASSWORD.encode() not in bytes(event.entry) for event in changes)


@pytest.mark.parametrize(("new", "repeated"), [("short", "short"), (PASSWORD, "another one")])
def test_a_weak_or_mistyped_password_is_refused(
    house: House, ana: Client, new: str, repeated: str
) -> None:
    answer = ana.post(reverse("accounts:change-password"), {"new": new, "repeated": repeated})
    assert answer.status_code == 422
    house.ana.refresh_from_db()
    assert not house.ana.has_usable_password()


def test_a_name_can_be_changed(house: House, ana: Client) -> None:
    ana.post(reverse("accounts:change-name"), {"name": "Ana Duarte"})
    house.ana.refresh_from_db()
    assert house.ana.name == "Ana Duarte"
