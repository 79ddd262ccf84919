"""Drafting and editing versions and their requirements through the services."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError

from accounts.models import User
from audit.models import AuditEvent
from config.api.errors import Conflict, PermissionRefused, PreconditionFailed
from jurisdictions.models import Jurisdiction
from jurisdictions.selectors import pack_value
from jurisdictions.services.drafts import pack_create, pack_draft_from, pack_update
from jurisdictions.services.lifecycle import (
    pack_retire,
    pack_submit,
)
from jurisdictions.services.requirements import (
    requirement_create,
    requirement_delete,
    requirement_update,
)
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.rules import last_event, refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


class TestDraft:
    def test_is_a_copy_with_the_next_version_number(self, officer: User):
        pack = rules.baseline()
        copy = pack_draft_from(actor=officer, pack=pack)
        assert (copy.version, copy.status, copy.origin) == ("2026.11.2", "Draft", "Staff")
        assert (copy.created_by, copy.created_by_id) == (officer.label, officer.principal_id)
        assert copy.authors == [officer.principal_id]
        assert copy.loaded_digest is None
        assert pack_value(copy).requirements == pack_value(pack).requirements
        assert pack_value(copy).sources == pack_value(pack).sources
        assert last_event() == ("jurisdictions.pack.drafted", officer.label, None, "Draft")
        assert event_bodies("jurisdictions.pack.drafted")[0]["details"] == {
            "packId": "global-baseline",
            "version": "2026.11.2",
            "jurisdiction": "GLOBAL",
            "effectiveFrom": "2026-01-01",
            "from": "2026.11.1",
        }

    def test_versions_count_on_within_a_month_and_begin_anew_in_the_next(self, officer: User):
        pack = rules.baseline()
        for _ in range(9):
            newest = pack_draft_from(actor=officer, pack=pack)
        assert newest.version == "2026.11.10"
        assert pack_draft_from(actor=officer, pack=newest).version == "2026.11.11"
        with time_machine.travel("2026-12-01T00:00:00Z", tick=False):
            assert pack_draft_from(actor=officer, pack=pack).version == "2026.12.1"
        # A clock behind the newest version still gives a newer one.
        assert pack_draft_from(actor=officer, pack=pack).version == "2026.12.2"

    def test_is_for_officers(self, auditor: User, owner: User, administrator: User):
        pack = rules.baseline()
        for actor in (auditor, owner):
            refused(PermissionRefused, lambda a=actor: pack_draft_from(actor=a, pack=pack))
        assert pack_draft_from(actor=administrator, pack=pack).is_draft

    def test_of_a_new_pack_for_a_jurisdiction(self, officer: User):
        rules.load()
        france = Jurisdiction.objects.get(code="FR")
        source = {"id": "cmf", "title": "CMF", "citation": "CMF", "confidence": "high"}
        pack = pack_create(
            actor=officer,
            pack_id="fr-cmf",
            jurisdiction=france,
            framework_id="CMF",
            framework_name="Code monétaire et financier",
            sources=[source],
        )
        assert (pack.version, pack.status) == ("2026.11.1", "Draft")
        assert pack.territory == {"kind": "country", "name": "France"}
        empty = refused(ValidationError, lambda: pack_submit(actor=officer, pack=pack))
        assert empty.messages == ["It has no requirements yet; add at least one."]
        requirement_create(actor=officer, pack=pack, **{**rules.RULE, "source": "cmf"})
        pack_submit(actor=officer, pack=pack)
        refused(
            ValidationError,
            lambda: pack_create(
                actor=officer,
                pack_id="fr-cmf",
                jurisdiction=france,
                framework_id="CMF",
                framework_name="Again",
                sources=[source],
            ),
        )

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"applies_when": {"fact": "no.fact", "op": "eq", "value": 1}}, "applies_when"),
            ({"applies_when": {"always": False}}, "applies_when"),
            ({"applies_when": []}, "applies_when"),
            ({"sources": []}, "sources"),
            ({"sources": [{"id": "policy"}]}, "__all__"),
            ({"sources": "policy"}, "__all__"),
            ({"framework_name": ""}, "framework_name"),
            ({"framework_name": "x" * 201}, "framework_name"),
            ({"effective_to": date(2020, 1, 1)}, "__all__"),
            ({"notes": [1]}, "__all__"),
            ({"parameters": {"a": float("nan")}}, "parameters"),
            ({"parameters": {"a": "\x00"}}, "parameters"),
            ({"retention": [[[[[[[[[[]]]]]]]]]] * 3}, "__all__"),
            ({"parameters": {"deep": [[[[[[[[[[]]]]]]]]]]}}, None),
        ],
    )
    def test_unsound_content_is_refused_by_field(
        self, officer: User, change: Any, field: str | None
    ):
        pack = rules.draft(officer)
        if field is None:
            assert pack_update(actor=officer, pack=pack, **change).lock_version == 2
            return
        refusal = refused(ValidationError, lambda: pack_update(actor=officer, pack=pack, **change))
        assert list(refusal.message_dict) == [field]

    def test_an_edit_is_recorded_with_its_fields_and_its_author(
        self, officer: User, administrator: User
    ):
        pack = rules.draft(officer)
        row = pack_update(
            actor=administrator, pack=pack, lock_version=1, disclaimer="Ask counsel.", notes=["A"]
        )
        assert (row.disclaimer, row.notes, row.lock_version) == ("Ask counsel.", ["A"], 2)
        assert row.authors == sorted([str(officer.pk), str(administrator.pk)])
        (event,) = event_bodies("jurisdictions.pack.updated")
        assert event["actor"] == administrator.label
        assert event["details"]["fields"] == ["disclaimer", "notes"]

    def test_an_edit_that_changes_nothing_leaves_no_trace(self, officer: User):
        pack = rules.draft(officer)
        events = AuditEvent.objects.count()
        assert pack_update(actor=officer, pack=pack, disclaimer=pack.disclaimer).lock_version == 1
        assert AuditEvent.objects.count() == events

    def test_a_stale_edit_is_refused(self, officer: User):
        pack = rules.draft(officer)
        pack_update(actor=officer, pack=pack, lock_version=1, disclaimer="First")
        refused(
            PreconditionFailed,
            lambda: pack_update(actor=officer, pack=pack, lock_version=1, disclaimer="Second"),
        )


class TestRequirement:
    def test_is_added_at_the_end(self, officer: User):
        pack = rules.draft(officer)
        requirement_create(actor=officer, pack=pack, **rules.RULE)
        assert rules.keys(pack)[-1] == "base.prospectus_link"
        assert len(rules.keys(pack)) == 16
        (event,) = event_bodies("jurisdictions.requirement.created")
        assert (event["actor"], event["details"]["key"]) == (officer.label, "base.prospectus_link")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"params": {}}, "params"),
            ({"params": {"field": "no.fact"}}, "params"),
            ({"params": {"field": "issuer.legalName", "surprise": 1}}, "params"),
            ({"params": []}, "params"),
            ({"params": {"field": "issuer.legalName", "pattern": "(a+)+$"}}, "params"),
            ({"check_kind": "guess"}, "check_kind"),
            ({"applies_when": {"fact": "metadata.assetType", "op": "matches"}}, "applies_when"),
            ({"applies_when": {"all": []}}, "applies_when"),
            ({"key": "Base KYC"}, "key"),
            ({"key": "base.kyc_status"}, "key"),
            ({"title": ""}, "title"),
            ({"citation": "x"}, "citation"),
            ({"source": "nowhere"}, "source"),
            ({"basis": "rumour"}, "basis"),
            ({"category": "other"}, "category"),
            ({"severity": "urgent"}, "severity"),
            ({"on_missing": "pass"}, "on_missing"),
            (
                {"effective_from": date(2026, 2, 1), "effective_to": date(2026, 1, 1)},
                "effective_to",
            ),
            ({"params": {"field": "tag.classification"}}, "__all__"),
        ],
    )
    def test_unsound_content_is_refused_by_field(self, officer: User, change: Any, field: str):
        pack = rules.draft(officer)
        content = {**rules.RULE, **change}
        refusal = refused(
            ValidationError, lambda: requirement_create(actor=officer, pack=pack, **content)
        )
        assert list(refusal.message_dict) == [field]

    def test_an_unsound_change_is_refused_too(self, officer: User):
        rule = rules.rule_of(rules.draft(officer))
        refusal = refused(
            ValidationError,
            lambda: requirement_update(actor=officer, requirement=rule, params={"field": "x"}),
        )
        assert list(refusal.message_dict) == ["params"]

    def test_a_change_counts_both_versions_and_its_author(self, officer: User, administrator: User):
        pack = rules.draft(officer)
        rule = rules.rule_of(pack)
        row = requirement_update(
            actor=administrator, requirement=rule, lock_version=1, severity="recommended"
        )
        pack.refresh_from_db()
        assert (row.severity, row.lock_version, pack.lock_version) == ("recommended", 2, 2)
        assert administrator.principal_id in pack.authors
        (event,) = event_bodies("jurisdictions.requirement.updated")
        assert event["details"]["fields"] == ["severity"]

    def test_a_stale_change_is_refused(self, officer: User):
        rule = rules.rule_of(rules.draft(officer))
        requirement_update(actor=officer, requirement=rule, lock_version=1, title="First")
        refused(
            PreconditionFailed,
            lambda: requirement_update(
                actor=officer, requirement=rule, lock_version=1, title="Second"
            ),
        )
        refused(
            PreconditionFailed,
            lambda: requirement_delete(actor=officer, requirement=rule, lock_version=1),
        )

    def test_is_removed_once(self, officer: User):
        pack = rules.draft(officer)
        rule = rules.rule_of(pack)
        requirement_delete(actor=officer, requirement=rule)
        assert "base.kyc_status" not in rules.keys(pack)
        assert event_bodies("jurisdictions.requirement.deleted")[0]["details"]["key"] == rule.key
        again = rules.rule_of(rules.baseline())
        again.pk, again.pack = rule.pk or 10**9, pack
        refused(PreconditionFailed, lambda: requirement_delete(actor=officer, requirement=again))

    def test_of_an_active_version_is_never_written(self, officer: User):
        pack = rules.baseline()
        rule = rules.rule_of(pack)
        refused(Conflict, lambda: requirement_create(actor=officer, pack=pack, **rules.RULE))
        refused(Conflict, lambda: requirement_update(actor=officer, requirement=rule, title="New"))
        refused(Conflict, lambda: requirement_delete(actor=officer, requirement=rule))
        refused(Conflict, lambda: pack_update(actor=officer, pack=pack, disclaimer="New"))

    def test_is_written_by_officers_only(self, officer: User, auditor: User, owner: User):
        pack = rules.draft(officer)
        rule = rules.rule_of(pack)
        for actor in (auditor, owner):
            for change in (
                lambda a=actor: requirement_create(actor=a, pack=pack, **rules.RULE),
                lambda a=actor: requirement_update(actor=a, requirement=rule, title="New"),
                lambda a=actor: requirement_delete(actor=a, requirement=rule),
                lambda a=actor: pack_update(actor=a, pack=pack, disclaimer="New"),
                lambda a=actor: pack_submit(actor=a, pack=pack),
                lambda a=actor: pack_retire(actor=a, pack=pack, reason="Why not"),
            ):
                refused(PermissionRefused, change)
