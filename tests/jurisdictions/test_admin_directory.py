"""Jurisdictions and facts in the admin, by role."""

import pytest

from accounts.models import User
from jurisdictions.models import FactDefinition, Jurisdiction
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page

pytestmark = pytest.mark.django_db


def test_administrators_edit_jurisdictions(administrator: User):
    rules.load()
    france = Jurisdiction.objects.get(code="FR")
    client = browser(administrator)
    url = page("jurisdiction_change", france.pk)
    data = {**form_data(client.get(url)), "aliases": "FRANKREICH\nFRANCIA"}
    assert client.post(url, data).status_code == 302
    france.refresh_from_db()
    assert (france.aliases, france.members) == (["FRANKREICH", "FRANCIA"], [])
    assert event_bodies("jurisdictions.jurisdiction.updated")[0]["actor"] == administrator.label
    data = {**form_data(client.get(url)), "aliases": "UK"}
    assert errors(client.post(url, data)) == {"aliases": ["UK names GB already."]}


def test_administrators_add_jurisdictions(administrator: User):
    rules.load()
    client = browser(administrator)
    data = {**form_data(client.get(page("jurisdiction_add"))), "kind": "private"}
    data |= {"code": "X-KZ-AIFC", "name": "AIFC"}
    assert client.post(page("jurisdiction_add"), data).status_code == 302
    assert Jurisdiction.objects.get(code="X-KZ-AIFC").edited_by == administrator.label
    bad = client.post(page("jurisdiction_add"), {**data, "code": "nowhere"})
    assert list(errors(bad)) == ["code"]


def test_officers_and_auditors_only_read(officer: User, auditor: User):
    rules.load()
    france = Jurisdiction.objects.get(code="FR")
    fact = FactDefinition.objects.order_by("pk")[0]
    for user in (officer, auditor):
        client = browser(user)
        assert client.get(page("jurisdiction_add")).status_code == 403
        url = page("jurisdiction_change", france.pk)
        assert client.post(url, {"name": "Mine"}).status_code == 403
        url = page("factdefinition_change", fact.pk)
        assert client.post(url, {"path": "mine"}).status_code == 403
    france.refresh_from_db()
    assert france.name == "France"
