"""Reports and their jobs in the admin: what they are about, how far they are; nobody edits one."""

from typing import Any

import pytest

from accounts.models import Issuer, Token, User
from compliance.models import ComplianceReport, ReportJob
from compliance.services import report_jobs
from compliance.services.report_jobs import report_ask
from compliance.services.report_work import REPORT_WORK
from compliance.services.reports import report_generate
from deployments.models import Deployment
from tests.compliance.test_admin import browser

pytestmark = pytest.mark.django_db
REPORTS = "/admin/compliance/compliancereport/"
JOBS = "/admin/compliance/reportjob/"
ISSUERS = "/admin/accounts/issuer/"


@pytest.fixture
def job(compliant_token: Token, issuer: Issuer, owner: User) -> ReportJob:
    made = report_ask(actor=owner, issuer_id=issuer.pk, background=True)
    assert isinstance(made, ReportJob)
    return made


def test_a_list_names_what_each_report_is_about(
    compliant_token: Token, issuer: Issuer, officer: User
) -> None:
    report_generate(actor=officer, asset_id=compliant_token.asset_id)
    report_generate(actor=officer, issuer_id=issuer.pk)
    report_generate(actor=officer, deployment_id=Deployment.objects.get().pk)
    issuer.refresh_from_db()
    client = browser(officer)
    page = client.get(REPORTS).text
    for text in (f"Issuer: {issuer}", "Token: 50001", "Issuance: 50001"):
        assert text in page
    for subject in ("token", "issuer", "issuance"):
        found = client.get(REPORTS, {"subject": subject})
        assert "1 compliance report" in found.text
    assert client.get(REPORTS, {"q": issuer.legal_name}).status_code == 200
    for report in ComplianceReport.objects.all():
        assert report.digest in client.get(f"{REPORTS}{report.pk}/change/").text


def test_a_job_shows_how_far_it_is_and_where_the_report_is(
    job: ReportJob, officer: User, auditor: User
) -> None:
    client = browser(officer)
    listed = client.get(JOBS).text
    assert "0 % (0 of 1 tokens)" in listed
    assert "Not stored yet." in client.get(f"{JOBS}{job.pk}/change/").text
    REPORT_WORK.run(job.pk)
    page = client.get(f"{JOBS}{job.pk}/change/").text
    assert "100 % (1 of 1 tokens)" in page
    report = ComplianceReport.objects.get()
    assert f"{REPORTS}{report.pk}/change/" in page
    for user in (officer, auditor):
        assert (
            browser(user).post(f"{JOBS}{job.pk}/change/", {"status": "Failed"}).status_code == 403
        )
        assert browser(user).post(f"{JOBS}{job.pk}/delete/", {"post": "yes"}).status_code == 403
        assert browser(user).get(f"{JOBS}add/").status_code == 403


def test_a_report_on_an_issuer_is_one_action(
    compliant_token: Token, issuer: Issuer, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(officer)
    action: dict[str, Any] = {"action": "generate_issuer_report", "_selected_action": [issuer.pk]}
    page = client.post(ISSUERS, action, follow=True).text
    report = ComplianceReport.objects.get()
    assert (report.issuer_id, report.created_by) == (issuer.pk, officer.label)
    assert f"Compliant, report {report.pk}" in page
    monkeypatch.setattr(report_jobs, "LONG_TOKENS", 0)
    assert "in the background" in client.post(ISSUERS, action, follow=True).text
    assert ReportJob.objects.get().requested_by == officer
