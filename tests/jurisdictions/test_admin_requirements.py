"""The form of a requirement: fields by the kind of check, rows of its condition."""

import pytest

from accounts.models import User
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page, texts

pytestmark = pytest.mark.django_db


def test_another_kind_shows_its_fields_and_saves_nothing_yet(officer: User):
    draft = rules.draft(officer)
    before = rules.everything()
    client = browser(officer)
    url = page("requirement_change", rules.rule_of(draft, "base.kyc_fresh").pk)
    shown = texts(client.get(url))
    hidden, open_ = "check-params-{} hidden", 'check-params-{}"'
    assert hidden.format("manual_review") in shown
    assert open_.format("date_within") in shown
    data = {**form_data(client.get(url)), "check_kind": "manual_review", "title": ""}
    response = client.post(url, {**data, "_redisplay": "kind"})
    assert errors(response) == {}
    assert open_.format("manual_review") in texts(response)
    assert hidden.format("date_within") in texts(response)
    assert 'value="metadata.kycVerificationDate" selected' in texts(response)
    assert rules.everything() == before
    data |= {"title": "Reviewed", "params__manual_review__question": "Is it fresh?"}
    data |= {"on_missing": "unknown"}
    assert client.post(url, data).status_code == 302
    rule = rules.rule_of(draft, "base.kyc_fresh")
    assert (rule.check_kind, rule.params) == ("manual_review", {"question": "Is it fresh?"})


def test_the_kind_can_be_chosen_in_the_address(officer: User):
    draft = rules.draft(officer)
    client = browser(officer)
    add = page("requirement_add") + f"?pack={draft.pk}&check_kind=audit_trail_complete"
    response = client.get(add)
    assert 'check-params-audit_trail_complete"' in texts(response)
    data = form_data(response)
    assert (data["check_kind"], data["on_missing"]) == ("audit_trail_complete", "fail")
    assert client.get(page("requirement_add") + "?pack=x&check_kind=no").status_code == 200


def test_more_empty_rows_without_saving(officer: User):
    draft = rules.draft(officer)
    client = browser(officer)
    for url in (
        page("rulepack_change", draft.pk),
        page("requirement_change", rules.rule_of(draft).pk),
    ):
        data = {**form_data(client.get(url)), "applies_when-word": "any"}
        data |= {"applies_when-0-fact": "token.isin", "applies_when-0-op": "exists"}
        data |= {"applies_when-1-fact": "token.dti", "applies_when-1-op": "absent"}
        again = form_data(client.post(url, {**data, "_redisplay": "rows"}))
        assert again["applies_when-1-fact"] == "token.dti"
        assert (again["applies_when-2-fact"], again["applies_when-3-fact"]) == ("", "")
        assert client.post(url, again).status_code == 302
    draft.refresh_from_db()
    for applies_when in (draft.applies_when, rules.rule_of(draft).applies_when):
        assert applies_when["any"][1] == {"fact": "token.dti", "op": "exists", "value": False}


def test_the_sentence_is_said_after_saving(officer: User):
    draft = rules.draft(officer)
    client = browser(officer)
    rule = rules.rule_of(draft)
    url = page("requirement_change", rule.pk)
    data = {**form_data(client.get(url)), "applies_when-word": "all"}
    data |= {"applies_when-0-fact": "token.isin", "applies_when-0-op": "exists"}
    shown = texts(client.post(url, data, follow=True))
    assert f"Requirement {rule.key} applies when token.isin is recorded." in shown


def test_params_read_as_words_where_they_cannot_be_edited(auditor: User):
    rule = rules.rule_of(rules.baseline(), "base.kyc_fresh")
    shown = texts(browser(auditor).get(page("requirement_change", rule.pk)))
    assert "<strong>Not older than (days)</strong>: 730" in shown
    assert "params__" not in shown
