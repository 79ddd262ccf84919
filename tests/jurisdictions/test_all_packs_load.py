"""Every pack that comes with the software, loaded into the database."""

import pytest

from jurisdictions.choices import PackOrigin, PackStatus
from jurisdictions.engine import pack_from_document
from jurisdictions.loading import LoadReport, rules_load
from jurisdictions.models import Requirement, RulePack
from jurisdictions.selectors import active_packs, pack_value
from tests.jurisdictions import rules
from tests.jurisdictions.builders import NOW, pack_documents

pytestmark = pytest.mark.django_db
IN_FORCE = {"global-baseline", "eu-mica", "eu-aml", "eu-securities", "fatf", "us-sec"}


@pytest.fixture
def report() -> LoadReport:
    return rules_load(activate=sorted(IN_FORCE))


def test_all_are_loaded_and_the_named_are_active(report: LoadReport):
    names = sorted(f"{one['packId']} {one['version']}" for one in pack_documents().values())
    assert (len(report.loaded), sorted(report.loaded)) == (12, names)
    assert {name.split()[0] for name in report.activated} == IN_FORCE
    assert Requirement.objects.count() == 200
    assert {pack.pack_id for pack in active_packs(now=NOW)} == IN_FORCE


def test_the_others_are_drafts_that_wait_for_review(report: LoadReport):
    waiting = RulePack.objects.exclude(pack_id__in=IN_FORCE)
    assert waiting.count() == 6
    for row in waiting:
        assert (row.status, row.origin) == (PackStatus.DRAFT, PackOrigin.LOADED)
        assert (row.submitted_by_id, row.activated_by_id) == (None, None)


def test_each_reads_back_as_its_document(report: LoadReport):
    for document in pack_documents().values():
        row = RulePack.objects.get(pack_id=document["packId"])
        expected = pack_from_document({**document, "status": row.status})
        assert pack_value(row) == expected


def test_loading_again_changes_nothing(report: LoadReport):
    before = rules.everything()
    again = rules_load(activate=sorted(IN_FORCE))
    assert (again.reference_rows, again.loaded, again.activated, again.kept) == (0, [], [], [])
    assert rules.everything() == before
