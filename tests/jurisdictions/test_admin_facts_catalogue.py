"""The facts catalogue in the admin: administrators edit it, others read it."""

import pytest

from accounts.models import User
from jurisdictions.models import FactDefinition
from jurisdictions.services.catalogue import fact_update
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page, texts

pytestmark = pytest.mark.django_db

ADD = {"path": "token.venues", "type": "list", "enum": "a\r\n b \r\n", "description": "Where"}


@pytest.fixture(autouse=True)
def _loaded(db: None) -> None:
    rules.baseline()


def test_an_administrator_adds_a_fact(administrator: User):
    client = browser(administrator)
    data = {**form_data(client.get(page("factdefinition_add"))), **ADD}
    assert client.post(page("factdefinition_add"), data).status_code == 302
    row = FactDefinition.objects.get(path="token.venues")
    assert (row.enum, row.assume_when_missing) == (["a", "b"], None)
    assert event_bodies("jurisdictions.fact.added")[0]["actor"] == administrator.label
    found = errors(client.post(page("factdefinition_add"), data))
    assert found == {"path": ["Fact definition with this Path already exists."]}


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"path": "venues"}, "path", "Write it as token.holderCount"),
        ({"path": "token.a\x00"}, "path", "Null characters are not allowed."),
        ({"type": "colour"}, "type", "is not one of the available choices"),
        ({"type": "date"}, "enum", "Only a fact that is one of its choices"),
        (
            {"type": "boolean", "enum": "", "assume_when_missing": "perhaps"},
            "assume_when_missing",
            "Write true or false, not perhaps.",
        ),
        (
            {"type": "number", "enum": "", "assume_when_missing": "NaN"},
            "assume_when_missing",
            "Write a number",
        ),
        ({"enum": "a\na"}, "enum", "A value is listed twice."),
        ({"enum": "a\x00"}, "enum", "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    administrator: User, change: dict[str, str], field: str, problem: str
):
    client = browser(administrator)
    data = {**form_data(client.get(page("factdefinition_add"))), **ADD, **change}
    found = errors(client.post(page("factdefinition_add"), data))
    assert any(problem in text for text in found[field]), found
    assert not FactDefinition.objects.filter(description="Where").exists()


def test_an_assumption_is_read_by_the_type_of_the_fact(administrator: User):
    client = browser(administrator)
    url = page("factdefinition_change", FactDefinition.objects.get(path="token.holderCount").pk)
    for typed, kept in (("12", 12), ("", None)):
        data = {**form_data(client.get(url)), "assume_when_missing": typed}
        assert client.post(url, data).status_code == 302
        assert FactDefinition.objects.get(path="token.holderCount").assume_when_missing == kept
        assert form_data(client.get(url))["assume_when_missing"] == typed


def test_an_unchanged_form_changes_nothing(administrator: User):
    client = browser(administrator)
    before = list(FactDefinition.objects.order_by("pk").values())
    rows = FactDefinition.objects.all()
    some = [*rows.exclude(assume_when_missing=None)[:2], *rows.exclude(enum=None)[:2], rows[0]]
    for row in some:
        url = page("factdefinition_change", row.pk)
        assert client.post(url, form_data(client.get(url))).status_code == 302
    assert list(FactDefinition.objects.order_by("pk").values()) == before


def test_what_rules_use_is_shown_and_refused(administrator: User):
    client = browser(administrator)
    row = FactDefinition.objects.get(path="metadata.kycVerificationDate")
    url = page("factdefinition_change", row.pk)
    assert "global-baseline 2026.11.1" in texts(client.get(url))
    found = errors(client.post(url, {**form_data(client.get(url)), "type": "string"}))
    assert list(found) == ["type"]


def test_a_stale_form_is_refused(administrator: User):
    client = browser(administrator)
    row = FactDefinition.objects.get(path="token.isin")
    url = page("factdefinition_change", row.pk)
    data = form_data(client.get(url))
    fact_update(actor=administrator, definition=row, description="Meanwhile")
    for seen in ({}, {"seen_version": ""}):
        found = errors(client.post(url, {**data, "description": "Too late", **seen}))
        assert found == {"__all__": ["The record was changed since you read it."]}
    row.refresh_from_db()
    assert row.description == "Meanwhile"


def test_officers_and_auditors_only_read(officer: User, auditor: User):
    row = FactDefinition.objects.get(path="tag.classification")
    url = page("factdefinition_change", row.pk)
    for user in (officer, auditor):
        client = browser(user)
        assert client.get(page("factdefinition_add")).status_code == 403
        assert client.post(page("factdefinition_add"), ADD).status_code == 403
        shown = client.get(url)
        assert "FINANCIAL_INSTRUMENT" in texts(shown)
        assert 'name="_save"' not in texts(shown)
        assert client.post(url, {"description": "Mine"}).status_code == 403
    assert "Mine" not in set(FactDefinition.objects.values_list("description", flat=True))
