from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from hitlconsole.accounts.models import Membership, Role, SignInLink, Team, User
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import make_reviewer, make_team


def link_on(html: str) -> str:
    start = html.index("/sign-in/", html.index('id="invite-link"'))
    return html[start : html.index("<", start)]


def test_an_invited_person_comes_in_by_the_link_that_is_shown_once(
    house: House, admin: Client
) -> None:
    form = {
        "email": "new@example.com",
        "name": "Nele",
        "team": str(house.team.id),
        "role": "reviewer",
    }
    answer = admin.post(reverse("console:invite"), form)
    link = link_on(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert link not in admin.get(reverse("console:team")).content.decode()
    visitor = Client()
    visitor.post(link)
    assert "Pending for Payments" in read(visitor.get("/")).text
    assert Membership.objects.filter(user__email="new@example.com", role="reviewer").count() == 1


def test_an_admin_of_a_team_gets_no_link_of_an_account_that_exists(
    house: House, as_person: Callable[[User], Client]
) -> None:
    make_reviewer(make_team("Support"), "olga@example.com")
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    for email in ("olga@example.com", "OLGA@example.com", "admin@example.com"):
        form = {"email": email, "team": str(house.team.id), "role": "reviewer"}
        answer = lead.post(reverse("console:invite"), form, follow=True)
        assert "has an account already and the role now" in read(answer).text
        assert "/sign-in/" not in answer.content.decode().split('id="content"')[1]
    assert not SignInLink.objects.exists()


def test_an_admin_of_a_team_invites_into_no_other(
    house: House, as_person: Callable[[User], Client]
) -> None:
    support = make_team("Support")
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    form = {"email": "new@example.com", "team": str(support.id), "role": "admin"}
    assert lead.post(reverse("console:invite"), form).status_code == 422
    assert not User.objects.filter(email="new@example.com").exists()
    role = {"user": str(house.ana.id), "role": "admin", "member": "yes"}
    address = reverse("console:change-role", args=[support.id])
    assert lead.post(address, role).status_code == 404


def test_roles_are_given_and_taken(house: House, admin: Client) -> None:
    address = reverse("console:change-role", args=[house.team.id])
    role = {"user": str(house.ben.id), "role": "admin"}
    admin.post(address, role | {"member": "yes"})
    assert Membership.objects.filter(user=house.ben, role="admin").exists()
    admin.post(address, role | {"member": "no"})
    assert not Membership.objects.filter(user=house.ben, role="admin").exists()


def test_a_team_without_reviewers_or_with_one_is_warned_about(house: House, admin: Client) -> None:
    assert admin.post(reverse("console:new-team"), {"name": "Ops"}).status_code == 302
    team = Team.objects.get(name="Ops")
    assert "Nobody reviews here" in read(admin.get(reverse("console:team"))).text
    make_reviewer(team)
    text = read(admin.get(reverse("console:team"))).text
    assert "One reviewer alone" in text
    make_reviewer(team)
    assert "alone" not in read(admin.get(reverse("console:team"))).text
    twice = admin.post(reverse("console:new-team"), {"name": "ops"})
    assert "There is a team of this name already" in read(twice).text
