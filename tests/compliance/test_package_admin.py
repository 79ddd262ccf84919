"""Attestation packages in the admin: looked at and printed by staff, changed by nobody."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Token, User
from compliance.models import AttestationPackage
from tests.compliance.test_packages import package, pdf_text
from tests.factories import event_bodies

pytestmark = pytest.mark.django_db
LIST = "/admin/compliance/attestationpackage/"


def staff(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def made(compliant_token: Token, owner: User) -> AttestationPackage:
    return AttestationPackage.objects.get(pk=package(owner)["packageId"])


def test_staff_find_one_and_read_it(made: AttestationPackage, auditor: User) -> None:
    client = staff(auditor)
    listed = client.get(LIST, {"q": str(made.token.asset_id)}).content.decode()
    assert str(made.token) in listed
    assert client.get(LIST, {"q": "nothing"}).content.decode().count(str(made.token)) == 0
    page = client.get(f"{LIST}{made.pk}/change/").content.decode()
    assert made.content_hash in page
    assert "&quot;whitelistPolicy&quot;" in page
    assert reverse("admin:compliance_attestationpackage_pdf", args=[made.pk]) in page


def test_it_is_printed_and_that_is_recorded(made: AttestationPackage, officer: User) -> None:
    response = staff(officer).get(f"{LIST}{made.pk}/pdf/")
    assert response.headers["Content-Type"] == "application/pdf"
    assert made.content_hash in pdf_text(response.content).replace(" ", "")
    (event,) = event_bodies("compliance.package.read")
    assert (event["actor"], event["details"]["format"]) == (officer.label, "pdf")
    assert event["source"] == "Admin"


def test_nobody_else_gets_in_and_nobody_changes_one(
    made: AttestationPackage, owner: User, administrator: User
) -> None:
    for url in (f"{LIST}{made.pk}/pdf/", f"{LIST}{made.pk}/change/", LIST):
        assert staff(owner).get(url).status_code == 302
    client = staff(administrator)
    assert client.get(f"{LIST}add/").status_code == 403
    changed: Any = client.post(f"{LIST}{made.pk}/change/", {"content_hash": "0"})
    assert changed.status_code == 403
    assert client.post(f"{LIST}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}{made.token.issuer_id}/pdf/").status_code == 404
    assert AttestationPackage.objects.get().content == made.content
