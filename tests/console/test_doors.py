"""Who gets in where: every address of the console, for strangers, other teams and non-admins."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from approvals.console.errors import failed
from approvals.models import Decision, Takeover
from autonomy.models import ActionType, AutonomyProfile
from hitlconsole.accounts.models import Agent, ApiKey, Membership, Preferences, Role, Team, User
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import (
    HARD,
    TAKEOVER,
    make_action_type,
    make_agent,
    make_reviewer,
    make_team,
    submit,
)

OPEN_TO_ALL = {"console:decision-link", "accounts:sign-in", "accounts:sign-in-link"}


def console_views() -> Iterator[tuple[str, URLPattern]]:
    def walk(resolver: URLResolver, namespace: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry, entry.namespace or namespace)
            elif namespace in ("console", "accounts", "audit"):
                yield f"{namespace}:{entry.name}", entry

    yield from walk(get_resolver(), "")


def test_every_view_is_for_the_signed_in_alone() -> None:
    views = dict(console_views())
    assert len(views) > 35
    unguarded = {
        name
        for name, entry in views.items()
        if not getattr(entry.callback, "signed_in_only", False)
    }
    assert unguarded == OPEN_TO_ALL


PLAIN_PAGES = [
    "console:queue",
    "console:requests",
    "console:agents",
    "console:action-types",
    "console:policy",
    "console:team",
    "console:notices",
    "audit:timeline",
    "accounts:profile",
]


@pytest.mark.parametrize("name", PLAIN_PAGES)
def test_strangers_are_sent_to_sign_in_and_come_back(db: None, name: str) -> None:
    answer = Client().get(reverse(name))
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/sign-in/?next={reverse(name)}"


@pytest.fixture
def outsider(house: House, as_person: Callable[[User], Client]) -> Client:
    """A reviewer and admin of another team, who owns nothing here."""
    team = make_team("Support")
    user = make_reviewer(team, "olga@example.com")
    make_reviewer(team, "olga@example.com", Role.ADMIN)
    make_agent(team, "crm-bot")
    return as_person(user)


def test_another_teams_request_is_found_nowhere(house: House, outsider: Client) -> None:
    request = submit(house.key, facts=HARD, description="A secret refund")
    address = reverse("console:request", args=[request.id])
    for read_it in (
        address,
        f"{address}?from=queue",
        reverse("audit:request", args=[request.id]),
    ):
        answer = outsider.get(read_it)
        assert answer.status_code == 404
        assert b"secret refund" not in answer.content
    form = {"verdict": "reject", "revision": "1", "token": "t", "notes": "no"}
    for name in ("decide", "claim", "release-claim", "extend", "comment"):
        changed = outsider.post(
            reverse(f"console:{name}", args=[request.id]), form | {"text": "hello"}
        )
        assert changed.status_code == 404, name
    request.refresh_from_db()
    assert (request.status, request.claimed_by_id, request.messages.count()) == ("pending", None, 0)
    assert not Decision.objects.exists()


def test_another_teams_lists_are_empty(house: House, outsider: Client) -> None:
    request = submit(house.key, description="A secret refund")
    submit(house.key, facts=TAKEOVER, description="A secret refund")
    for address in (
        "/",
        f"/?open={request.id}",
        "/requests/",
        "/agents/",
        "/action-types/",
        "/audit/",
        f"/audit/?request={request.id}",
        f"/audit/?agent={house.agent.id}",
        f"/requests/?agent={house.agent.id}",
        "/notices/",
        "/team/",
    ):
        page = read(outsider.get(address))
        for secret in ("secret refund", "support-bot", "refund.create", "Payments", "ana@"):
            assert secret not in page.html, (address, secret)


def test_another_teams_delta_tells_nothing(house: House, outsider: Client) -> None:
    request = submit(house.key, description="A secret refund")
    query = {"since": "2020-01-01T00:00:00+00:00", "shown": str(request.id)}
    answer = outsider.get(reverse("console:queue-delta"), query).json()
    assert (answer["rows"], answer["gone"], answer["new"], answer["counts"]) == (
        {},
        {},
        [],
        {"queue": 0},
    )


def test_another_teams_agent_is_found_nowhere(house: House, outsider: Client) -> None:
    key = ApiKey.objects.get(agent=house.agent)
    agent = [house.agent.id]
    assert outsider.get(reverse("console:agent", args=agent)).status_code == 404
    for name, args in (
        ("edit-agent", agent),
        ("move-profile", agent),
        ("new-key", agent),
        ("revoke-key", [house.agent.id, key.id]),
    ):
        answer = outsider.post(reverse(f"console:{name}", args=args), {"scopes": "submit"})
        assert answer.status_code == 404, name
    key.refresh_from_db()
    assert (key.revoked_at, ApiKey.objects.filter(agent=house.agent).count()) == (None, 1)


def test_another_teams_takeover_cannot_be_released(house: House, outsider: Client) -> None:
    submit(house.key, facts=TAKEOVER)
    takeover = Takeover.objects.get()
    address = reverse("console:release-takeover", args=[takeover.id])
    assert outsider.post(address).status_code in (403, 404)
    takeover.refresh_from_db()
    assert takeover.status == "open"


def admin_posts(house: House, action_type: ActionType) -> list[tuple[str, dict[str, str]]]:
    agent = [house.agent.id]
    key = ApiKey.objects.get(agent=house.agent)
    move = {"action_type": "refund.create", "level": "0", "reason": "Trust me"}
    person = {"user": str(house.ana.id), "role": "admin", "member": "yes"}
    settings = {"description": "mine now", "team": str(house.team.id)}
    invitation = {"email": "eve@example.com", "team": str(house.team.id), "role": "admin"}
    return [
        (reverse("console:new-agent"), {"name": "evil-bot", "team": str(house.team.id)}),
        (reverse("console:edit-agent", args=agent), settings),
        (reverse("console:move-profile", args=agent), move),
        (reverse("console:new-key", args=agent), {"scopes": "submit"}),
        (reverse("console:revoke-key", args=[house.agent.id, key.id]), {}),
        (reverse("console:new-action-type"), {"name": "free.money"}),
        (reverse("console:action-type", args=[action_type.id]), {"description": "harmless"}),
        (reverse("console:new-team"), {"name": "Mine"}),
        (reverse("console:invite"), invitation),
        (reverse("console:change-role", args=[house.team.id]), person),
    ]


def test_reviewers_and_compliance_change_nothing_that_admins_do(
    house: House, ana: Client, as_person: Callable[[User], Client]
) -> None:
    action_type = make_action_type("refund.create", description="Money back")
    priya = make_reviewer(house.team, "priya@example.com", Role.COMPLIANCE)
    before = (
        Agent.objects.count(),
        ApiKey.objects.filter(revoked_at=None).count(),
        Membership.objects.count(),
        Team.objects.count(),
    )
    for client in (ana, as_person(priya)):
        for address, form in admin_posts(house, action_type):
            assert client.post(address, form).status_code == 403, address
        assert client.get(reverse("console:new-agent")).status_code == 403
        assert client.get(reverse("console:new-action-type")).status_code == 403
    after = (
        Agent.objects.count(),
        ApiKey.objects.filter(revoked_at=None).count(),
        Membership.objects.count(),
        Team.objects.count(),
    )
    assert after == before
    assert not AutonomyProfile.objects.exists()
    assert list(ActionType.objects.values_list("name", "description")) == [
        ("refund.create", "Money back")
    ]


def test_compliance_reads_and_decides_nothing(
    house: House, as_person: Callable[[User], Client]
) -> None:
    request = submit(house.key)
    priya = as_person(make_reviewer(house.team, "priya@example.com", Role.COMPLIANCE))
    page = read(priya.get(reverse("console:request", args=[request.id])))
    assert "Only the reviewers of Payments decide this" in page.text
    assert not [form.id for form in page.forms if form.id.startswith("verdict-")]
    form = {"verdict": "reject", "revision": "1", "token": "t", "notes": "no"}
    answer = priya.post(reverse("console:decide", args=[request.id]), form)
    assert answer.status_code == 403
    request.refresh_from_db()
    assert request.status == "pending"


def test_a_post_without_the_token_of_its_form_does_nothing(house: House) -> None:
    request = submit(house.key)
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.ana)
    Preferences.objects.create(user=house.ana, hold_seconds=0)
    address = reverse("console:request", args=[request.id])
    form = read(client.get(address)).form("verdict-approve")
    forged = {name: value for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
    refused = client.post(form.action, forged)
    assert refused.status_code == 403
    request.refresh_from_db()
    assert request.status == "pending"
    elsewhere = client.post(form.action, form.fields, headers={"Origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    pane = client.post(form.action, forged, headers={"HX-Request": "true"})
    assert (pane.status_code, b"<html" in pane.content) == (400, False)
    gone = Client(enforce_csrf_checks=True).post(
        form.action, forged, headers={"HX-Request": "true"}
    )
    assert (gone.status_code, gone.headers["X-Session"]) == (401, "expired")
    assert client.post(form.action, form.fields).status_code == 302
    request.refresh_from_db()
    assert request.status == "approved"


def test_a_disabled_person_is_out_at_once(house: House, ana: Client) -> None:
    assert ana.get("/").status_code == 200
    User.objects.filter(pk=house.ana.pk).update(is_active=False)
    assert ana.get("/").status_code == 302


@pytest.mark.parametrize(
    "address",
    [
        "/?open=nonsense&team=x&agent=1&after=zzz",
        "/?after=~",
        "/?after=2026-01-01T00:00:00~018f0000-0000-7000-8000-000000000000",
        "/?q=%00%F0%9F%92%A9",
        "/requests/?status=x&level=9&since=2026-13-45&until=x&after=1",
        "/requests/?q=%00",
        "/audit/?before=99999999999999999999&agent=x&request=y&type=%00",
        "/notices/?before=-1",
        "/policy/?profile=9&confidence=nan&cost_usd=1e999&failures=-1",
        "/agents/?q=%00",
    ],
)
def test_nonsense_in_an_address_is_no_failure(house: House, ana: Client, address: str) -> None:
    submit(house.key)
    assert ana.get(address).status_code == 200


def test_pages_that_are_not_there_say_so(house: House, ana: Client) -> None:
    missing = ana.get("/policy/99/")
    assert missing.status_code == 404
    assert "There is no such version of the policy" in read(missing).text
    nowhere = ana.get("/nowhere/")
    assert nowhere.status_code == 404
    assert "Nothing is here" in read(nowhere).text


def test_a_failure_has_a_page_that_needs_no_database() -> None:
    page = read(failed(RequestFactory().get("/")))
    assert "The console failed" in page.text


def test_nothing_of_a_page_is_kept_by_caches(house: House, ana: Client) -> None:
    request = submit(house.key)
    for address in ("/", "/team/", f"/requests/{request.id}/", "/profile/"):
        assert "no-store" in ana.get(address).headers["Cache-Control"], address


def test_pages_carry_the_strict_content_policy(house: House, ana: Client) -> None:
    request = submit(house.key)
    for address in ("/", f"/requests/{request.id}/", f"/agents/{house.agent.id}/", "/policy/"):
        answer = ana.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        tags = read(answer).tags
        assert all("style" not in values for _, values in tags), address
        assert not [n for _, values in tags for n in values if n.startswith("on")], address
        inline = [values for tag, values in tags if tag == "script" and "src" not in values]
        assert inline == [], address
        assert "style" not in {tag for tag, _ in tags}
