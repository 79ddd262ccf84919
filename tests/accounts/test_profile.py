"""The own profile."""

import pytest

from accounts.models import IssuerMember
from tests.factories import IssuerFactory, UserFactory, user_with_role, wallet

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"


def test_the_profile_says_who_what_and_where(client_for):
    user = user_with_role("ComplianceOfficer")
    user.email, user.full_name, user.address = "o@assayer.example", "Olga Fischer", wallet(5)
    user.save()
    first, second = IssuerFactory.create(), IssuerFactory.create()
    IssuerMember.objects.create(issuer=second, user=user, role="Viewer")
    IssuerMember.objects.create(issuer=first, user=user, role="Owner")
    response = client_for(user).get(PROFILE)
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "userId": str(user.pk),
        "email": "o@assayer.example",
        "fullName": "Olga Fischer",
        "algorandAddress": wallet(5),
        "roles": ["ComplianceOfficer"],
        "issuers": [
            {"id": str(second.pk), "legalName": second.legal_name, "role": "Viewer"},
            {"id": str(first.pk), "legalName": first.legal_name, "role": "Owner"},
        ],
        "correlationId": response["X-Correlation-ID"],
    }


def test_what_is_not_known_is_null_or_empty(client_for):
    user = UserFactory.create()
    body = client_for(user).get(PROFILE).json()
    assert (body["email"], body["fullName"], body["roles"], body["issuers"]) == (None, "", [], [])
    assert body["algorandAddress"] == user.address


def test_only_the_own_profile_and_no_parameters(outsider, client_for):
    response = client_for(outsider).get(f"{PROFILE}?userId=1")
    assert response.status_code == 400
    assert client_for(outsider).post(PROFILE).status_code == 405
