"""Deployments in the admin: read-only, and "Add" goes through the service."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from deployments.models import Deployment, DeploymentTransition
from deployments.services import deployment_import
from tests.deployments.statements import AVM_TRANSACTION, statement
from tests.factories import TokenFactory, wallet

pytestmark = pytest.mark.django_db

LIST = reverse("admin:deployments_deployment_changelist")
ADD = reverse("admin:deployments_deployment_add")


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


@pytest.fixture
def deployment(officer, token):
    return deployment_import(actor=officer, **statement(token))


def admin(user):
    client = Client()
    client.force_login(user)
    return client


def recorded():
    # Logging in is an event too.
    return AuditEvent.objects.filter(name__startswith="deployments.").count()


def detail(deployment):
    return reverse("admin:deployments_deployment_change", args=[deployment.pk])


def form_of(token, **fields):
    return {
        "token": token.pk,
        "standard": "ASA",
        "transaction_id": AVM_TRANSACTION,
        "confirmed_round": 50_000_000,
        "deployed_by": wallet(1),
        "deployed_at_0": "2026-03-01",
        "deployed_at_1": "08:30:00",
        **fields,
    }


@pytest.mark.parametrize("persona", ["officer", "auditor", "administrator"])
def test_staff_see_the_list_and_the_history(request, deployment, persona):
    client = admin(request.getfixturevalue(persona))
    assert client.get(f"{LIST}?q={deployment.token.asset_id}").status_code == 200
    assert client.get(f"{LIST}?q=nothing").status_code == 200
    answer = client.get(detail(deployment))
    assert answer.status_code == 200
    assert "DEPLOYMENT_IMPORTED" in answer.content.decode()
    assert 'name="_save"' not in answer.content.decode()


def test_someone_without_a_role_is_sent_to_the_log_in(owner, token):
    client = admin(owner)
    for answer in (client.get(LIST), client.get(ADD), client.post(ADD, form_of(token))):
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))
    assert Deployment.objects.count() == 0


def test_an_auditor_adds_nothing(auditor, token):
    client = admin(auditor)
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, form_of(token)).status_code == 403
    assert Deployment.objects.count() == 0
    assert recorded() == 0


@pytest.mark.parametrize("persona", ["officer", "administrator"])
def test_nobody_edits_or_deletes(request, deployment, persona):
    client = admin(request.getfixturevalue(persona))
    assert client.post(detail(deployment), {"standard": "ERC-20"}).status_code == 403
    delete = reverse("admin:deployments_deployment_delete", args=[deployment.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert Deployment.objects.get().standard == "ASA"


def test_adding_goes_through_the_service(officer, token, events):
    client = admin(officer)
    assert client.get(ADD).status_code == 200
    answer = client.post(ADD, form_of(token))
    assert answer.status_code == 302
    assert answer.url == LIST
    deployment = Deployment.objects.get()
    assert (deployment.status, deployment.created_by) == ("Completed", officer.label)
    assert deployment.completed_at.isoformat() == "2026-03-01T08:30:00+00:00"
    assert DeploymentTransition.objects.get().deployment == deployment
    (event,) = events("deployments.deployment.imported")
    assert event["actorId"] == str(officer.pk)
    assert event["referenceId"] == str(deployment.pk)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"transaction_id": "?"},
            {
                "transaction_id": [
                    "An Algorand transaction id has 52 base32 characters (A to Z, 2 to 7)."
                ]
            },
        ),
        ({"deployed_at_0": "2999-01-01"}, {"deployed_at": ["Must not lie in the future."]}),
        ({"confirmed_round": ""}, {"confirmed_round": ["This field is required."]}),
        ({"deployed_at_0": ""}, {"deployed_at": ["This field is required."]}),
    ],
)
def test_what_the_service_refuses_is_an_error_of_the_form(officer, token, fields, errors):
    answer = admin(officer).post(ADD, form_of(token, **fields))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == errors
    assert Deployment.objects.count() == 0
    assert recorded() == 0


def test_a_second_completed_deployment_is_an_error_of_the_form(officer, token, deployment):
    answer = admin(officer).post(ADD, form_of(token))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {
        "__all__": ["This token has a completed deployment already."]
    }
    assert Deployment.objects.count() == 1
    assert recorded() == 1
