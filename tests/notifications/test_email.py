"""E-mail: what is written, and what the page behind the link does and does not do."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from approvals.models import ApprovalRequest, DecisionLink, Delivery, NotificationChannel
from approvals.notifications.outbox import run_outbox
from approvals.services.decision_links import (
    MAX_WRONG_CODES,
    code_is_right,
    find_link,
    redeem,
)
from approvals.services.holds import undo_hold
from approvals.services.notice import notice_of
from hitlconsole.accounts.models import Team, User
from tests.approvals.helpers import decide, reload
from tests.factories import HARD, TAKEOVER, make_agent, make_reviewer, make_team, submit
from tests.notifications.conftest import make_channel
from tests.peers.smtp import SMTPPeer, html_of, text_of


@pytest.fixture
def mailed(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User
) -> ApprovalRequest:
    """A request at SOFT_APPROVAL of which Ana has a mail."""
    smtp.expect_only("ana@example.com")
    request = submit(key, description="Refund <b>order</b> 5512")
    run_outbox()
    return request


def link_in(smtp: SMTPPeer) -> tuple[str, str]:
    """(path of the page, code)."""
    text = text_of(smtp.mails[0])
    path = re.search(r"(/decide/[0-9a-f]+/)", text)
    code = re.search(r"code (\d{6})", text)
    assert path is not None
    assert code is not None
    return path[1], code[1]


def test_the_mail_says_what_it_is_about_in_text_and_html(
    mailed: ApprovalRequest, smtp: SMTPPeer
) -> None:
    (mail,) = smtp.mails
    delivery = Delivery.objects.get()
    assert mail["Subject"] == "[SOFT_APPROVAL] Refund <b>order</b> 5512 waits for a decision"
    assert mail["Message-ID"] == f"<{delivery.id}@127.0.0.1>"
    assert mail["X-HITL-Delivery"] == str(delivery.id)
    text, html = text_of(mail), html_of(mail)
    for part in ("Level: 2 SOFT_APPROVAL", "Agent: billing-bot", "Time left: 0"):
        assert part in text
        assert part in html
    assert "Refund &lt;b&gt;order&lt;/b&gt; 5512" in html
    assert "<b>order" not in html
    assert f"/requests/{mailed.id}/" in text
    evidence = notice_of(mailed)
    assert evidence is not None
    assert (evidence.id, evidence.transport) == (str(delivery.id), "email")


def test_robots_that_open_or_post_the_link_decide_nothing(
    mailed: ApprovalRequest, smtp: SMTPPeer
) -> None:
    path, _ = link_in(smtp)
    robot = Client(enforce_csrf_checks=True)
    assert robot.head(path).status_code == 200
    page = robot.get(path).content.decode()
    assert "checked" not in page
    fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', page))
    assert robot.post(path, {"verdict": "approve"}).status_code == 403
    # It fills in what the form has, presses each button, and guesses.
    for guess in (
        fields,
        fields | {"verdict": "approve"},
        fields | {"verdict": "approve", "code": "1"},
    ):
        assert robot.post(path, fields | guess).status_code == 422
    assert reload(mailed).status == "pending"
    assert mailed.decisions.count() == 0


def test_the_code_of_the_mail_decides_once(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client, ana: User
) -> None:
    path, code = link_in(smtp)
    answer = client.post(path, {"verdict": "approve", "code": f"{code[:3]} {code[3:]}"})
    assert (answer.status_code, "Approved by ana" in answer.content.decode()) == (200, True)
    after = reload(mailed)
    assert (after.status, after.closing_decision.channel) == ("approved", "email")
    assert after.closing_decision.reviewer_id == ana.id
    assert client.post(path, {"verdict": "reject", "notes": "x", "code": code}).status_code == 410
    assert mailed.decisions.count() == 1


def test_a_session_of_the_same_person_needs_no_code(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client, ana: User
) -> None:
    path, _ = link_in(smtp)
    other = make_reviewer(mailed.team)
    client.force_login(other)
    assert client.post(path, {"verdict": "approve"}).status_code == 422
    client.force_login(ana)
    assert "Code from the e-mail" not in client.get(path).content.decode()
    assert client.post(path, {"verdict": "reject", "notes": ""}).status_code == 422
    client.post(path, {"verdict": "reject", "notes": "Not this one"})
    assert (reload(mailed).status, reload(mailed).reason) == ("rejected", "Not this one")


def test_some_wrong_codes_end_the_link(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client
) -> None:
    path, code = link_in(smtp)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(MAX_WRONG_CODES - 1):
        assert client.post(path, {"verdict": "approve", "code": wrong}).status_code == 422
    assert client.post(path, {"verdict": "approve", "code": wrong}).status_code == 410
    assert client.post(path, {"verdict": "approve", "code": code}).status_code == 410
    assert reload(mailed).status == "pending"


def test_codes_that_are_guessed_at_once_are_counted_before_they_are_compared(
    mailed: ApprovalRequest, smtp: SMTPPeer
) -> None:
    path, code = link_in(smtp)
    token = path.split("/")[2]
    links = [find_link(token) for _ in range(MAX_WRONG_CODES + 1)]
    guesses = ["000000" if code != "000000" else "111111"] * MAX_WRONG_CODES + [code]
    right = [
        link and code_is_right(link, token, guess)
        for link, guess in zip(links, guesses, strict=True)
    ]
    assert right == [False] * (MAX_WRONG_CODES + 1)


def test_a_right_code_costs_no_guess(mailed: ApprovalRequest, smtp: SMTPPeer) -> None:
    path, code = link_in(smtp)
    token = path.split("/")[2]
    link = find_link(token)
    assert link is not None
    assert code_is_right(link, token, code) is True
    link.refresh_from_db()
    assert (link.wrong_codes, redeem(link)) == (0, True)


def test_it_is_bound_to_the_revision(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client, ana: User
) -> None:
    path, code = link_in(smtp)
    decide(mailed, ana, "ask")
    assert "It has changed since the e-mail" in client.get(path).content.decode()
    answer = client.post(path, {"verdict": "approve", "code": code})
    assert answer.status_code == 409
    assert reload(mailed).status == "needs_info"


def test_what_somebody_holds_leaves_the_link_for_later(
    mailed: ApprovalRequest, smtp: SMTPPeer, team: Team, client: Client
) -> None:
    path, code = link_in(smtp)
    ben = make_reviewer(team, "ben@example.com")
    decide(mailed, ben, "approve", hold_seconds=5, token="one")
    answer = client.post(path, {"verdict": "approve", "code": code})
    assert (answer.status_code, "ben is approving this" in answer.content.decode()) == (409, True)
    undo_hold(request_id=mailed.id, reviewer=ben)
    assert client.post(path, {"verdict": "approve", "code": code}).status_code == 200
    assert reload(mailed).status == "approved"


def test_it_ends_with_the_request_and_with_time(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client, ana: User, advance_clock: Any
) -> None:
    path, _ = link_in(smtp)
    assert client.get("/decide/ffff/").status_code == 404
    decide(mailed, ana, "reject")
    answer = client.get(path)
    assert (answer.status_code, "Rejected by ana" in answer.content.decode()) == (410, True)
    advance_clock(days=3, seconds=1)
    assert client.get(path).status_code == 410


def test_a_right_that_is_gone_decides_nothing(
    mailed: ApprovalRequest, smtp: SMTPPeer, client: Client, ana: User
) -> None:
    path, code = link_in(smtp)
    ana.memberships.all().delete()
    assert client.post(path, {"verdict": "approve", "code": code}).status_code == 404
    assert reload(mailed).status == "pending"


def test_hard_approval_has_no_link_that_decides(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User
) -> None:
    smtp.expect_only("ana@example.com")
    submit(key, facts=HARD)
    run_outbox()
    assert "/decide/" not in text_of(smtp.mails[0])
    assert DecisionLink.objects.count() == 0


def test_fifty_redemptions_at_once_decide_once(
    committed_db: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    team = make_team()
    ana = make_reviewer(team, "ana@example.com")
    make_channel("email")
    request = submit(make_agent(team)[1])
    run_outbox()
    from django.core import mail as outbox_of_django  # noqa: PLC0415 - filled by the backend

    text = str(outbox_of_django.outbox[0].body)
    path = re.search(r"(/decide/[0-9a-f]+/)", text)
    code = re.search(r"code (\d{6})", text)
    assert path is not None
    assert code is not None

    def redeem(number: int) -> int:
        fields = {"verdict": ("approve", "reject")[number % 2], "notes": "n", "code": code[1]}
        try:
            return Client().post(path[1], fields).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(redeem, range(50)))
    assert sorted(answers) == [200] + [410] * 49
    assert [d.reviewer_id for d in request.decisions.all()] == [ana.id]


def test_a_mailbox_that_is_refused_is_dead_at_once(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User
) -> None:
    smtp.refusals = {"ana@example.com": "550 no such user"}
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    attempt = delivery.tries.get()
    assert (delivery.status, attempt.response_status, attempt.response) == (
        "dead", 550, "no such user",
    )  # fmt: skip


def test_a_server_that_is_down_is_tried_again(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User, advance_clock: Any
) -> None:
    smtp.expect_only("ana@example.com")
    smtp.stop()
    submit(key, facts=HARD)
    run_outbox()
    assert Delivery.objects.get().tries.get().outcome == "temporary"
    smtp.start()
    advance_clock(seconds=6)
    run_outbox()
    assert Delivery.objects.get().status == "sent"


def test_a_line_break_in_a_description_adds_no_header(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User
) -> None:
    smtp.expect_only("ana@example.com")
    submit(key, facts=HARD, description="Refund\r\nBcc: evil@example.com\x07")
    run_outbox()
    (mail,) = smtp.mails
    assert mail["Subject"].strip() == (
        "[HARD_APPROVAL] Refund Bcc: evil@example.com⟨U+0007⟩ waits for a decision"
    )
    assert mail["Bcc"] is None


def test_a_takeover_is_told_with_its_reason(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User
) -> None:
    smtp.expect_only("ana@example.com")
    submit(key, facts=TAKEOVER)
    run_outbox()
    (mail,) = smtp.mails
    assert mail["Subject"] == "billing-bot is stopped: a person has to carry on"
    assert "Stopped because: " in text_of(mail)
