"""Rules in the admin: by role, for people who do not program, and only through the services."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from audit.models import AuditEvent
from jurisdictions.models import DryRun, FactDefinition, Jurisdiction, Requirement, RulePack
from jurisdictions.services.drafts import pack_update
from jurisdictions.services.requirements import requirement_update
from jurisdictions.validation import condition_sentence
from tests import factories
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page, texts

pytestmark = pytest.mark.django_db


def recorded() -> int:
    """How many events there are about rules; logging in is recorded too."""
    return AuditEvent.objects.filter(name__startswith="jurisdictions.").count()


def step(client: Client, pack: RulePack, name: str, **data: Any) -> HttpResponse:
    pack.refresh_from_db()
    seen = {"seen_version": pack.lock_version, **data}
    return client.post(page("rulepack_step", pack.pk, name), seen, follow=True)


class TestReading:
    def test_every_role_with_staff_access_reads_every_page(
        self, officer: User, auditor: User, administrator: User
    ):
        pack = rules.draft(officer)
        urls = [
            page("rulepack_changelist"),
            page("rulepack_changelist") + "?status__exact=Draft&q=kyc",
            page("rulepack_change", pack.pk),
            page("rulepack_change", RulePack.objects.get(status="Active").pk),
            page("requirement_changelist"),
            page("requirement_change", rules.rule_of(pack).pk),
            page("jurisdiction_changelist"),
            page("jurisdiction_change", Jurisdiction.objects.get(code="EU").pk),
            page("factdefinition_changelist"),
            page("factdefinition_change", FactDefinition.objects.order_by("pk")[0].pk),
        ]
        for user in (officer, auditor, administrator):
            client = browser(user)
            assert [client.get(url).status_code for url in urls] == [200] * len(urls)

    def test_nobody_else_reads_any(self, owner: User):
        pack = rules.baseline()
        client = browser(owner)
        for url in (page("rulepack_changelist"), page("rulepack_change", pack.pk)):
            assert client.get(url).status_code == 302

    def test_the_list_shows_status_jurisdiction_version_and_size(self, auditor: User):
        rules.baseline()
        shown = texts(browser(auditor).get(page("rulepack_changelist")))
        for text in ("global-baseline", "2026.11.1", "Active", "GLOBAL", ">15<"):
            assert text in shown

    def test_the_list_costs_the_same_however_many_packs(
        self, officer: User, django_assert_num_queries: DjangoAssertNumQueries
    ):
        rules.draft(officer)
        client = browser(officer)
        client.get(page("rulepack_changelist"))
        with django_assert_num_queries(8) as few:
            client.get(page("rulepack_changelist"))
        for _ in range(3):
            rules.draft(officer)
        with django_assert_num_queries(len(few)):
            client.get(page("rulepack_changelist"))

    def test_conditions_read_as_sentences(self, auditor: User):
        pack = rules.baseline()
        sentence = "metadata.requiresAccreditedInvestors is true"
        client = browser(auditor)
        assert sentence in texts(client.get(page("rulepack_change", pack.pk)))
        rule = rules.rule_of(pack, "base.accreditation_when_required")
        assert sentence in texts(client.get(page("requirement_change", rule.pk)))

    def test_what_is_no_draft_has_no_form_and_no_save(self, administrator: User, officer: User):
        pack = rules.baseline()
        rule = rules.rule_of(pack)
        before = rules.everything()
        for client in (browser(administrator), browser(officer)):
            for url in (
                page("rulepack_change", pack.pk),
                page("requirement_change", rule.pk),
            ):
                shown = client.get(url)
                assert 'name="_save"' not in texts(shown)
                assert (
                    client.post(url, {"title": "New", "framework_name": "New"}).status_code == 403
                )
            assert (
                client.post(page("requirement_delete", rule.pk), {"post": "yes"}).status_code == 403
            )
        assert rules.everything() == before


class TestEditing:
    def test_a_rule_goes_from_draft_to_force_through_two_people(
        self, officer: User, administrator: User
    ):
        pack = rules.baseline()
        author, second = browser(officer), browser(administrator)
        step(author, pack, "draft")
        draft = RulePack.objects.get(status="Draft")

        url = page("requirement_change", rules.rule_of(draft, "base.kyc_fresh").pk)
        data = form_data(author.get(url))
        assert data["params__date_within__field"] == "metadata.kycVerificationDate"
        assert data["params__date_within__maxAgeDays"] == "730"
        data["params__date_within__maxAgeDays"] = "365"
        response = author.post(url, data)
        assert response.status_code == 302
        assert response["Location"] == page("rulepack_change", draft.pk)

        step(author, draft, "submit")
        assert RulePack.objects.get(pk=draft.pk).status == "InReview"
        offered = texts(second.get(page("rulepack_step", draft.pk, "activate")))
        assert "Compared with the active version 2026.11.1" in offered
        assert "base.kyc_fresh" in offered
        assert "There is none of this version yet." in offered
        report = rules.tried(draft)
        offered = texts(second.get(page("rulepack_step", draft.pk, "activate")))
        assert f'name="report" value="{report}"' in offered
        step(second, draft, "activate", report=report)

        draft.refresh_from_db()
        assert (draft.status, draft.activated_by) == ("Active", administrator.label)
        assert rules.rule_of(draft, "base.kyc_fresh").params["maxAgeDays"] == 365
        pack.refresh_from_db()
        assert pack.status == "Superseded"
        tester = DryRun.objects.get().requested_by
        rows = AuditEvent.objects.filter(name__startswith="jurisdictions.").exclude(actor="system")
        assert list(rows.order_by("seq").values_list("name", "actor")) == [
            ("jurisdictions.pack.drafted", officer.label),
            ("jurisdictions.requirement.updated", officer.label),
            ("jurisdictions.pack.submitted", officer.label),
            ("jurisdictions.dry_run.requested", tester),
            ("jurisdictions.pack.approved", administrator.label),
            ("jurisdictions.pack.superseded", administrator.label),
            ("jurisdictions.pack.activated", administrator.label),
        ]

    def test_a_requirement_is_added_from_its_pack(self, officer: User):
        draft = rules.draft(officer)
        client = browser(officer)
        add = page("requirement_add") + f"?pack={draft.pk}"
        assert add.replace("&", "&amp;") in texts(client.get(page("rulepack_change", draft.pk)))
        data = form_data(client.get(add))
        assert data["pack"] == str(draft.pk)
        data |= {
            **{name: value for name, value in rules.RULE.items() if isinstance(value, str)},
            "applies_when-word": "all",
            "applies_when-0-fact": "metadata.assetType",
            "applies_when-0-op": "exists",
            "params__field_present__field": "issuer.legalName",
        }
        assert client.post(add, data).status_code == 302
        added = rules.rule_of(draft, "base.prospectus_link")
        assert condition_sentence(added.applies_when) == "metadata.assetType is recorded"
        assert (added.params, added.control) == ({"field": "issuer.legalName"}, None)

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            ("params__date_within__field", "", "This is required for this kind of check."),
            ("params__date_within__field", "no.fact", "no.fact is not one of the available"),
            ("params__date_within__field", "issuer.legalName", "is not one of the available"),
            ("params__date_within__maxAgeDays", "-5", "At least 0."),
            ("params__date_within__maxAgeDays", "NaN", "Write a number such as 12 or 0.5"),
            ("params__date_within__maxAgeDays", "1\x002", "Null characters are not allowed."),
            ("check_kind", "magic", "magic is not one of the available choices."),
            ("applies_when", '{"fact": ', "This is not JSON: check quotes, commas and brackets."),
            ("applies_when", '{"always": NaN}', "NaN and infinity are no numbers there."),
            pytest.param("applies_when", "[" * 100_000, "It nests too deep.", id="far too deep"),
            pytest.param(
                "applies_when",
                "[" * 100 + "]" * 100,
                "It nests deeper than 40 levels.",
                id="too deep",
            ),
            ("applies_when", '{"fact": "\\u0000"}', "It holds a NUL character."),
            ("applies_when", '{"fact": "no.fact", "op": "exists"}', "no.fact"),
            ("applies_when", '{"sometimes": true}', "a condition is one of"),
            ("source", "nowhere", "The pack has no such source; it has policy."),
            ("key", "base.kyc_status", "Another requirement of this version has this key."),
            ("key", "KYC!", "Use small letters and digits"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_nothing_changes(
        self, officer: User, field: str, value: str, problem: str
    ):
        draft = rules.draft(officer)
        before, events = rules.everything(), recorded()
        client = browser(officer)
        url = page("requirement_change", rules.rule_of(draft, "base.kyc_fresh").pk)
        response = client.post(url, {**form_data(client.get(url)), field: value})
        found = errors(response)
        assert list(found) == [field]
        assert any(problem in text for text in found[field]), found
        assert rules.everything() == before
        assert recorded() == events

    def test_a_stale_form_is_refused_and_says_so(self, officer: User, administrator: User):
        draft = rules.draft(officer)
        rule = rules.rule_of(draft)
        client = browser(officer)
        url = page("requirement_change", rule.pk)
        data = form_data(client.get(url))
        requirement_update(actor=administrator, requirement=rule, title="Meanwhile")
        found = errors(client.post(url, {**data, "title": "Too late"}))
        assert found == {"__all__": ["The record was changed since you read it."]}
        assert rules.rule_of(draft).title == "Meanwhile"

        url = page("rulepack_change", draft.pk)
        data = form_data(client.get(url))
        pack_update(actor=administrator, pack=draft, disclaimer="Meanwhile")
        found = errors(client.post(url, {**data, "disclaimer": "Too late"}))
        assert found == {"__all__": ["The record was changed since you read it."]}
        assert RulePack.objects.get(pk=draft.pk).disclaimer == "Meanwhile"

    def test_an_unchanged_form_changes_nothing(self, officer: User):
        draft = rules.draft(officer)
        before, events = rules.everything(), recorded()
        client = browser(officer)
        for url in (
            page("rulepack_change", draft.pk),
            *(page("requirement_change", rule.pk) for rule in draft.requirements.all()),
        ):
            assert client.post(url, form_data(client.get(url))).status_code == 302
        assert rules.everything() == before
        assert recorded() == events

    def test_a_draft_itself_is_edited(self, officer: User):
        draft = rules.draft(officer)
        client = browser(officer)
        url = page("rulepack_change", draft.pk)
        data = form_data(client.get(url))
        data |= {
            "notes": "One\n\n Two ",
            "effective_from": "2027-01-01",
            "applies_when": '{"fact": "metadata.network", "op": "exists"}',
        }
        assert client.post(url, data).status_code == 302
        row = RulePack.objects.get(pk=draft.pk)
        assert (row.notes, str(row.effective_from)) == (["One", "Two"], "2027-01-01")
        data = {**form_data(client.get(url)), "sources": "[]", "applies_when": '{"x": 1}'}
        found = errors(client.post(url, data))
        assert found["sources"] == ["This field is required."]

    def test_a_new_pack_is_added(self, officer: User):
        rules.load()
        client = browser(officer)
        data = form_data(client.get(page("rulepack_add")))
        data |= {
            "pack_id": "fr-cmf",
            "jurisdiction": "FR",
            "framework_id": "CMF",
            "framework_name": "Code monétaire et financier",
        }
        response = client.post(page("rulepack_add"), data)
        assert response.status_code == 302
        pack = RulePack.objects.get(pack_id="fr-cmf")
        assert (pack.jurisdiction_id, pack.created_by) == ("FR", officer.label)
        found = errors(client.post(page("rulepack_add"), data))
        assert found == {"pack_id": ["There is such a pack; draft a new version of it."]}

    def test_a_requirement_is_removed(self, officer: User):
        draft = rules.draft(officer)
        rule = rules.rule_of(draft)
        client = browser(officer)
        assert "delete_selected" not in texts(client.get(page("requirement_changelist")))
        assert client.post(page("requirement_delete", rule.pk), {"post": "yes"}).status_code == 302
        assert not Requirement.objects.filter(pk=rule.pk).exists()
        assert event_bodies("jurisdictions.requirement.deleted")[0]["actor"] == officer.label

    def test_auditors_write_nothing(self, auditor: User, officer: User):
        draft = rules.draft(officer)
        before = rules.everything()
        client = browser(auditor)
        assert client.get(page("rulepack_add")).status_code == 403
        assert client.post(page("rulepack_change", draft.pk), {}).status_code == 403
        assert client.post(page("requirement_add"), {}).status_code == 403
        url = page("requirement_change", rules.rule_of(draft).pk)
        assert client.post(url, {"title": "Mine"}).status_code == 403
        for name in ("draft", "submit", "return", "activate", "retire"):
            assert client.post(page("rulepack_step", draft.pk, name)).status_code == 403
        assert "Draft a new version" not in texts(client.get(page("rulepack_change", draft.pk)))
        assert rules.everything() == before


class TestSteps:
    def test_only_what_can_be_done_is_offered(self, officer: User, administrator: User):
        def offered(user: User, pack: RulePack) -> list[str]:
            shown = browser(user).get(page("rulepack_change", pack.pk))
            return [one.name for one in shown.context["steps"]]

        draft = rules.draft(officer)
        active = RulePack.objects.get(status="Active")
        assert offered(officer, active) == ["draft"]
        assert offered(administrator, active) == ["draft", "retire"]
        assert offered(officer, draft) == ["draft", "dry-run", "submit", "retire"]
        step(browser(officer), draft, "submit")
        assert offered(officer, draft) == ["draft", "dry-run", "return", "retire"]
        assert offered(administrator, draft) == ["draft", "dry-run", "return", "activate", "retire"]

    def test_a_refusal_is_a_message_and_changes_nothing(self, officer: User, administrator: User):
        draft = rules.draft(administrator)
        client = browser(administrator)
        step(client, draft, "submit")
        before, events = rules.everything(), recorded()
        second_person = "Somebody who neither changed nor submitted this version must activate it."
        assert second_person in texts(step(client, draft, "activate"))
        assert "Only an administrator may do this." in texts(
            step(browser(officer), draft, "activate")
        )
        assert "Say what has to change." in texts(step(client, draft, "return", reason=" "))
        assert "cannot be edited" in texts(step(client, draft, "submit"))
        stale = step(
            browser(factories.user_with_role("Administrator")), draft, "activate", seen_version=1
        )
        assert "The record was changed since you read it." in texts(stale)
        assert rules.everything() == before
        assert recorded() == events

    def test_an_empty_draft_cannot_be_submitted(self, officer: User):
        draft = rules.draft(officer)
        draft.requirements.all().delete()
        response = step(browser(officer), draft, "submit")
        assert response.status_code == 200
        assert "It has no requirements yet; add at least one." in texts(response)
        assert RulePack.objects.get(pk=draft.pk).status == "Draft"

    def test_return_and_retire_keep_the_reason(self, officer: User, administrator: User):
        draft = rules.reviewed(officer)
        step(browser(administrator), draft, "return", reason="Cite the article.")
        step(browser(officer), draft, "retire", reason="Not needed.")
        assert RulePack.objects.get(pk=draft.pk).status == "Retired"
        assert event_bodies("jurisdictions.pack.returned")[0]["notes"] == "Cite the article."
        assert event_bodies("jurisdictions.pack.retired")[0]["notes"] == "Not needed."

    def test_looking_at_a_step_takes_it_not(self, officer: User):
        draft = rules.draft(officer)
        before = rules.everything()
        client = browser(officer)
        for name in ("draft", "submit", "retire"):
            assert client.get(page("rulepack_step", draft.pk, name)).status_code == 200
        assert client.get(page("rulepack_step", draft.pk, "erase")).status_code == 404
        assert rules.everything() == before
