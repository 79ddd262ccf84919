"""The event log in the admin: seen by those who read everything, changed by nobody."""

import pytest
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.services import record_event

pytestmark = pytest.mark.django_db
LIST = "/admin/audit/auditevent/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def event() -> AuditEvent:
    event_id = record_event(
        "compliance.metadata.listed", actor=SYSTEM, asset_id=987654, notes="<b>bold</b>"
    )
    return AuditEvent.objects.get(id=event_id)


def test_staff_see_the_list_and_the_evidence(
    event: AuditEvent, auditor: User, officer: User, administrator: User
) -> None:
    for user in (auditor, officer, administrator):
        page = browser(user).get(LIST, {"q": "987654"})
        assert page.status_code == 200
        assert "Metadata listed" in page.text
        detail = browser(user).get(f"{LIST}{event.pk}/change/")
        assert detail.status_code == 200
        assert "&lt;b&gt;bold&lt;/b&gt;" in detail.text
        assert 'name="_save"' not in detail.text


def test_nobody_else_gets_in(event: AuditEvent, owner: User) -> None:
    response = browser(owner).get(LIST)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("tail", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_no_page_changes_an_event(event: AuditEvent, administrator: User, tail: str) -> None:
    before = list(AuditEvent.objects.filter(pk=event.pk).values())
    client = browser(administrator)
    response = client.post(LIST + tail.format(pk=event.pk), {"actor": "x", "post": "yes"})
    assert response.status_code == 403
    assert list(AuditEvent.objects.filter(pk=event.pk).values()) == before


def test_filters_and_dates(event: AuditEvent, auditor: User) -> None:
    client = browser(auditor)
    for query in (
        "category=Compliance",
        "action_type=List",
        "success__exact=1",
        f"occurred_at__year={event.occurred_at.year}",
        "q=system",
    ):
        assert client.get(f"{LIST}?{query}").status_code == 200
    assert "Metadata listed" not in client.get(f"{LIST}?category=Security").text
