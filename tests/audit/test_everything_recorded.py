"""Nothing changes without an event: every route, page and action of the admin, task and command.

What is walked comes from the URL configuration, the admin's registry, Celery's and Django's; a new
one without a row that says how it succeeds fails by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import get_commands
from django.urls import get_resolver

from accounts.admin_roles import ReadOnlyInline
from audit import services
from config.celery import app as celery
from jurisdictions.admin.steps import STEPS
from tests.audit.admin_acts import ACTS, ANSWERED, SHOWN, SILENT, staff, url
from tests.audit.recording import EXPLAINED, UNRECORDED, done, watched
from tests.audit.work_acts import COMMANDS, TASKS, UNRECORDED_COMMANDS, UNRECORDED_TASKS
from tests.contract.routes import API, _patterns, operations
from tests.contract.test_bad_input import BODIES
from tests.contract.world import (
    HOLDERS,
    QUERIES,
    Ask,
    World,
    contents,
    make_status_fresh,
    undone,
)

pytestmark = pytest.mark.django_db
OnCommit = Callable[..., Any]

# What BODIES does not say, because it is no JSON object of ours.
FILES: dict[tuple[str, str], tuple[str, Any]] = {
    ("POST", "compliance/reports/verify"): ("owner", {"some": "file"}),
    ("POST", "compliance/attestation-packages/verify"): ("owner", {"some": "file"}),
    ("POST", "whitelist/<asset:asset_id>/import/csv"): ("owner", HOLDERS),
}
NOTHING = "api/<path:rest>"  # answers what no route matches


def test_every_table_is_explained_or_has_a_reason() -> None:
    tables = set(contents())
    assert tables == UNRECORDED.keys() | EXPLAINED.keys()
    assert UNRECORDED.keys().isdisjoint(EXPLAINED)
    assert {table.partition(".")[0] for table in tables} <= {
        one.label for one in apps.app_configs.values()
    }


def _send(world: World, method: str, route: str) -> Any:
    short = route.removeprefix(API)
    if (method, short) in BODIES:
        persona, make = BODIES[method, short]
        body = make(world)
    else:
        persona, body = FILES.get((method, short), ("officer", None))
    path = f"/{world.path(route)}"
    query = {} if body else QUERIES.get(short, {})
    return Ask(method, path, body, query), world.client(persona)


ROUTES = sorted(one for one in operations() if one[1] != NOTHING)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{m} /{r}" for m, r in ROUTES])
def test_a_route_records_what_it_changes(
    world: World, method: str, route: str, django_capture_on_commit_callbacks: OnCommit
) -> None:
    if method != "GET":
        assert (method, route.removeprefix(API)) in BODIES.keys() | FILES.keys()
    make_status_fresh(world)
    ask, client = _send(world, method, route)
    with watched() as seen, django_capture_on_commit_callbacks(execute=True):
        response = done(ask.send(client))
    assert seen.unexplained == [], seen.events
    if route.startswith(API) and "Content-Disposition" in response.headers:
        assert seen.events != [], "a file was taken out"
    if method == "GET":
        assert seen.changed <= UNRECORDED.keys(), "a read changed data"


STAFF = ("officer", "auditor", "administrator")


def _pages() -> dict[str, str]:
    """Return the route of every named page of the admin."""
    found = {}
    for route, pattern in _patterns("", get_resolver()):
        if route.startswith("admin/") and pattern.name is not None:
            found[pattern.name] = route
    return found


def _actions() -> set[str]:
    """Return every action that the admin's lists offer, and every inline that takes rows."""
    found = set()
    for model, page in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        for action in page.actions or ():
            found.add(f"{name}:{action if isinstance(action, str) else action.__name__}")
        for inline in page.inlines:
            if not issubclass(inline, ReadOnlyInline):
                found.add(f"{name}:{inline.__name__}")
        assert not page.list_editable, f"{name} is edited in its list"
    return found


def test_every_action_and_step_of_the_admin_has_an_act() -> None:
    steps = {f"jurisdictions_rulepack_step:{name}" for name in STEPS}
    known = {name.partition(",")[0] for name in ACTS}
    assert known >= _actions() | steps
    assert known <= _actions() | steps | _pages().keys()


@pytest.mark.parametrize("name", sorted(ACTS))
def test_an_act_in_the_admin_records_what_it_changes(
    world: World, name: str, django_capture_on_commit_callbacks: OnCommit
) -> None:
    persona, act = ACTS[name]
    make_status_fresh(world)
    send = act(world, staff(world, persona))
    with watched() as seen, django_capture_on_commit_callbacks(execute=True):
        response = done(send())
    assert response.status_code == (200 if name in ANSWERED else 302), _form_errors(response)
    assert seen.unexplained == [], seen.events
    assert seen.events != [] or name in SILENT


def _form_errors(response: Any) -> Any:
    form = getattr(response.context.get("adminform"), "form", response.context.get("form"))
    return form.errors if form is not None else response.text


UNKNOWN = sorted(_pages().keys() - {name.replace(",", ":").partition(":")[0] for name in ACTS})


def _url(name: str) -> str:
    model, _, kind = name.rpartition("_")
    match kind:
        case "list" if model == "app":
            return url(name, "audit")
        case "site":
            return url(name, 1, 1)
        case "history" | "delete" | "change":
            row = apps.get_model(model.replace("_", ".", 1))._base_manager.first()
            return url(name, row.pk if row is not None else 1)
    return url(name)


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_page_of_the_admin_without_an_act_changes_nothing(world: World, name: str) -> None:
    where = _url(name)  # a page that needs more than a row is not here: it needs an act
    statuses = set()
    clients = [staff(world, persona) for persona in STAFF]
    with watched() as seen:
        for client in clients:
            client.get(where)
            for form in ({"post": "yes"}, {"_save": "Save"}):
                statuses.add(client.post(where, form).status_code)
    assert seen.changed <= UNRECORDED.keys()
    if not name.endswith(SHOWN):
        assert statuses <= {403, 404, 405}, "it takes a form: it needs an act"


def _ours(module: str) -> bool:
    own = {app.name for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    return module.partition(".")[0] in own


def test_every_task_and_command_has_an_act() -> None:
    celery.loader.import_default_modules()
    assert TASKS.keys() == {name for name in celery.tasks if _ours(name)}
    commands = {name for name, home in get_commands().items() if isinstance(home, str)}
    assert COMMANDS.keys() == {name for name in commands if _ours(str(get_commands()[name]))}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_records_what_it_changes(
    world: World,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    make_status_fresh(world)
    work = TASKS[name](world, monkeypatch)
    with watched() as seen, django_capture_on_commit_callbacks(execute=True):
        work()
    assert seen.unexplained == [], seen.events
    assert (seen.events == []) == (name in UNRECORDED_TASKS)
    if name in UNRECORDED_TASKS:
        assert seen.changed <= UNRECORDED.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_records_what_it_changes(
    world: World,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    work = COMMANDS[name](world, monkeypatch)
    with watched() as seen, django_capture_on_commit_callbacks(execute=True):
        work()
    assert seen.unexplained == [], seen.events
    assert (seen.events == []) == (name in UNRECORDED_COMMANDS)
    if name in UNRECORDED_COMMANDS:
        assert seen.changed <= UNRECORDED.keys()


def test_a_change_without_an_event_would_be_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_insert", lambda rows: None)
    make_status_fresh(world)
    ask, client = _send(world, "POST", f"{API}whitelist")
    with watched() as seen:
        done(ask.send(client))
    assert seen.unexplained == ["accounts.Token", "whitelist.WhitelistEntry"]
    with watched() as seen, undone():
        done(ask.send(client))
    assert seen.changed == frozenset()
