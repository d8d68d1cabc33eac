"""The agents' pages, and what admins do there."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.console.agent_forms import (
    ChangeAgentForm,
    KeyForm,
    MoveForm,
    NewAgentForm,
    may_create_agents,
)
from approvals.console.agents import (
    agent_context,
    get_administered_agent,
    get_agent_for,
    listed_agents,
    with_failures,
)
from approvals.console.door import page
from approvals.notifications.secrets import rotate_callback_secret
from approvals.services.acknowledgement import acknowledge_takeover
from approvals.services.takeovers import release_takeover
from autonomy.services import move_profile
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent, ApiKey, Scope
from hitlconsole.accounts.services import change_agent, create_agent, create_key, person, revoke_key
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem


@page
@require_safe
def show_agents(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    now = database_now()
    agents = listed_agents(user)
    text = request.GET.get("q", "").replace("\x00", "").strip()
    if text:
        agents = agents.filter(name__icontains=text)
    status = request.GET.get("status", "")
    if status in Agent.Status:
        agents = agents.filter(status=status)
    context = {
        "agents": with_failures(list(agents), now),
        "now": now,
        "q": text,
        "status": status if status in Agent.Status else "",
        "statuses": Agent.Status.choices,
        "may_create": may_create_agents(user),
    }
    return render(request, "console/agents.html", context)


@page
@require_safe
def show_agent(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    user = current_user(request)
    return _render_agent(request, get_agent_for(user, agent_id))


def _render_agent(
    request: HttpRequest, agent: Agent, status: int = 200, **more: Any
) -> HttpResponse:
    user = current_user(request)
    changing = ChangeAgentForm(user=user, initial=_present(agent))
    forms = {
        "key_form": KeyForm(),
        "change_form": changing,
        "move_form": None,
        "secret": "",
        "callback_secret": "",
    }
    context = agent_context(user, agent) | forms | more
    return render(request, "console/agent.html", context, status=status)


def _present(agent: Agent) -> dict[str, Any]:
    return {
        "description": agent.description,
        "team": agent.team_id,
        "owner": agent.owner_id,
        "disabled": agent.status == Agent.Status.DISABLED,
    }


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new_agent(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    if not may_create_agents(user):
        raise Problem("not_allowed", "Only an admin can register agents.")
    form = NewAgentForm(request.POST or None, user=user)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "console/agent_new.html", {"form": form}, status=status)
    agent = create_agent(**form.cleaned_data, by=person(user))
    messages.success(request, f"{agent.name} is registered. Give it a key, then let it ask.")
    return redirect("console:agent", agent.id)


@page
@require_POST
def edit_agent(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    user = current_user(request)
    agent = get_administered_agent(user, agent_id)
    form = ChangeAgentForm(request.POST, user=user)
    if not form.is_valid():
        return _render_agent(request, agent, 422, change_form=form)
    change_agent(agent, **form.cleaned_data, by=person(user))
    messages.success(request, f"{agent.name} is saved.")
    return redirect("console:agent", agent_id)


@page
@require_POST
def move_agent_profile(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Promote or demote by hand, with a reason."""
    user = current_user(request)
    agent = get_administered_agent(user, agent_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _render_agent(request, agent, 422, move_form=form)
    move_profile(
        agent=agent,
        action_type=form.cleaned_data["action_type"],
        level=Level(form.cleaned_data["level"]),
        reason=form.cleaned_data["reason"],
        by=person(user),
    )
    words = Level(form.cleaned_data["level"]).label.lower()
    messages.success(request, f"{form.cleaned_data['action_type']} is now at {words}.")
    return redirect("console:agent", agent_id)


@page
@require_POST
def new_key(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The answer itself shows the secret: it is kept nowhere, so no second page could."""
    user = current_user(request)
    agent = get_administered_agent(user, agent_id)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _render_agent(request, agent, 422, key_form=form)
    days = form.cleaned_data["lifetime"]
    _, secret = create_key(
        agent,
        scopes=[Scope(scope) for scope in form.cleaned_data["scopes"]],
        expires_at=database_now() + timedelta(days=int(days)) if days else None,
        by=person(user),
    )
    return _render_agent(request, agent, secret=secret)


@page
@require_POST
def new_callback_secret(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Shown in this answer alone; the former one signs beside it for a day."""
    user = current_user(request)
    agent = get_administered_agent(user, agent_id)
    secret = rotate_callback_secret(agent, by=person(user))
    return _render_agent(request, agent, callback_secret=secret)


@page
@require_POST
def revoke_agent_key(request: HttpRequest, agent_id: UUID, key_id: UUID) -> HttpResponse:
    user = current_user(request)
    agent = get_administered_agent(user, agent_id)
    key = ApiKey.objects.filter(agent=agent, pk=key_id).first()
    if key is None:
        raise Problem("not_found", "This agent has no such key.")
    revoke_key(key, by=person(user))
    messages.success(request, f"The key {key.prefix}… works no more.")
    return redirect("console:agent", agent_id)


@page
@require_POST
def acknowledge(request: HttpRequest, takeover_id: UUID) -> HttpResponse:
    """Somebody has it: nobody else is told any more."""
    try:
        takeover = acknowledge_takeover(takeover_id=takeover_id, reviewer=current_user(request))
    except Problem as problem:
        if problem.status != 409:
            raise
        messages.error(request, problem.detail)
        return redirect("console:agents")
    messages.success(request, "You have it. Nobody else is told any more.")
    return redirect("console:agent", takeover.agent_id)


@page
@require_POST
def release(request: HttpRequest, takeover_id: UUID) -> HttpResponse:
    user = current_user(request)
    notes = request.POST.get("notes", "").replace("\x00", "").strip()
    try:
        takeover = release_takeover(takeover_id=takeover_id, admin=user, notes=notes)
    except Problem as problem:
        if problem.status != 409:
            raise
        messages.error(request, problem.detail)
        return redirect("console:agents")
    messages.success(request, "The agent may act again. Its unused approvals were revoked.")
    return redirect("console:agent", takeover.agent_id)
