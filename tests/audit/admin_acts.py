"""How every page and action of the admin that changes something succeeds.

An act prepares what it needs and returns the request to send; only that is watched.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.services import user_create
from compliance.models import ComplianceMetadata
from jurisdictions.models import (
    FactDefinition,
    IssuerJurisdiction,
    Jurisdiction,
    Requirement,
    ScreeningList,
    TokenJurisdiction,
)
from jurisdictions.services.lifecycle import pack_submit
from jurisdictions.services.screening import screening_list_create
from tests.contract.world import (
    LISTED,
    NEW_ASSET,
    PASSWORD,
    RULE,
    World,
    attest,
    queued,
    waiting_export,
    waiting_run,
)
from tests.deployments.statements import AVM_TRANSACTION
from tests.factories import CID, VOI, wallet
from tests.jurisdictions.browsing import sent
from tests.jurisdictions.rules import activate, tried
from whitelist.models import WhitelistEntry
from whitelist.services.import_work import IMPORT_WORK
from whitelist.services.imports import whitelist_import_request
from whitelist.services.policies import whitelist_policy_set

Send = Callable[[], Any]
Act = Callable[[World, Client], Send]
NEW_PASSWORD = "another correct horse battery"


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def filled(client: Client, page: str, **changes: Any) -> dict[str, Any]:
    """Return what a browser would send of the page's form, with these changes; None leaves out."""
    form = sent(client.get(page).text)
    given = {name: value for name, value in form.items() if name and not name.startswith("_")}
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def posted(page: Callable[[World], str], **changes: Any) -> Act:
    """Send the form of a page with these changes; a callable makes one from the world."""

    def act(world: World, client: Client) -> Send:
        made = {name: one(world) if callable(one) else one for name, one in changes.items()}
        where = page(world)
        form = filled(client, where, **made)
        return lambda: client.post(where, form)

    return act


def at(name: str, key: Callable[[World], Any] | None = None) -> Callable[[World], str]:
    return lambda world: url(name) if key is None else url(name, key(world))


def plain(name: str, key: Callable[[World], Any], **form: str) -> Act:
    """Send a POST that no form fills in."""

    def act(world: World, client: Client) -> Send:
        where = url(name, key(world))
        return lambda: client.post(where, form)

    return act


def read(name: str, key: Callable[[World], Any]) -> Act:
    return lambda world, client: lambda: client.get(url(name, key(world)))


def chosen(model: str, action: str, key: Callable[[World], Any], **more: str) -> Act:
    """Take an action of a list on one row."""

    def act(world: World, client: Client) -> Send:
        form = {"action": action, "_selected_action": [str(key(world))], **more}
        return lambda: client.post(url(f"{model}_changelist"), form)

    return act


def step(name: str, reviewed: bool = False, **more: Any) -> Act:
    """Take a step in the life of the world's pack."""

    def act(world: World, client: Client) -> Send:
        if reviewed:
            pack_submit(actor=world.user("officer"), pack=world.pack)
        made = {key: one(world) if callable(one) else one for key, one in more.items()}
        world.pack.refresh_from_db()
        where = url("jurisdictions_rulepack_step", world.pack.pk, name)
        form = {"seen_version": world.pack.lock_version, **made}
        return lambda: client.post(where, form)

    return act


def _log_in(world: World, client: Client) -> Send:
    client.logout()
    user = user_create(email="staff@example.com", password=PASSWORD, roles=["Auditor"])
    return lambda: client.post(url("login"), {"username": user.email, "password": PASSWORD})


def _password(world: World, client: Client) -> Send:
    user = user_create(email="staff@example.com", password=PASSWORD, roles=["Auditor"])
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    form = {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }
    return lambda: client.post(url("password_change"), form)


def _member(world: World, client: Client) -> Send:
    where = url("accounts_issuer_change", world.issuer.pk)
    form = filled(client, where)
    count = int(form["members-TOTAL_FORMS"])
    form |= {
        "members-TOTAL_FORMS": count + 1,
        f"members-{count}-user": str(world.user("newcomer").pk),
        f"members-{count}-role": "Viewer",
        f"members-{count}-issuer": str(world.issuer.pk),
        f"members-{count}-id": "",
    }
    return lambda: client.post(where, form)


def _member_removed(world: World, client: Client) -> Send:
    where = url("accounts_issuer_change", world.issuer.pk)
    form = filled(client, where) | {"members-0-DELETE": "on"}
    return lambda: client.post(where, form)


def _reassigned(world: World, client: Client) -> Send:
    where = url("accounts_token_change", world.token.pk)
    form = filled(client, where, issuer=str(world.other_issuer.pk))
    return lambda: client.post(where, form)


def _fact(world: World, client: Client) -> Send:
    where = f"{url('jurisdictions_factvalue_add')}?path=token.isin&token={world.token.pk}"
    form = filled(client, where, value="DE000BASF111")
    return lambda: client.post(where, form)


def _requirement(world: World, client: Client) -> Send:
    where = f"{url('jurisdictions_requirement_add')}?pack={world.pack.pk}"
    form = filled(
        client,
        where,
        check_kind="field_present",
        key="house.another",
        title="The issuer is named again",
        citation="House rule 2",
        source="house",
        category="disclosure",
        params__field_present__field="issuer.legalName",
    )
    return lambda: client.post(where, form)


def _another_country(world: World) -> str:
    return Jurisdiction.objects.create(code="DE", kind="country", name="Germany").code


def _rule_in_force(world: World) -> str:
    pack_submit(actor=world.user("officer"), pack=world.pack)
    activate(actor=world.user("administrator"), pack=world.pack)
    return RULE


def _list(world: World) -> Any:
    row = ScreeningList.objects.filter(list_id="house.list").first()
    if row is None:
        row = screening_list_create(
            actor=world.user("administrator"),
            list_id="house.list",
            title="House list",
            as_of=timezone.now().date(),
            max_age_days=30,
            sources=["House"],
            entries=[],
        )
    return row.pk


def _policy(world: World) -> Any:
    actor = world.user("owner")
    return whitelist_policy_set(actor=actor, token=world.token, enforcement="Optional").pk


def _upload(world: World, client: Client) -> Send:
    where = url("whitelist_whitelistimport_add")
    raw = b"Address,Status\r\n%b,Active\r\n" % wallet(903).encode()
    file = SimpleUploadedFile("holders.csv", raw, content_type="text/csv")
    form = {"token": world.token.pk, "mode": "Partial", "file": file}
    return lambda: client.post(where, form)


def _trial(world: World) -> Any:
    raw = b"Address,Status\r\n%b,Active\r\n" % wallet(904).encode()
    row = whitelist_import_request(
        actor=world.user("officer"), token=world.token, raw=raw, dry_run=True
    )
    IMPORT_WORK.run(row.pk)
    return row.pk


def _entry(world: World) -> Any:
    return WhitelistEntry.objects.get(token=world.token, address=LISTED).pk


def _inactive(world: World) -> Any:
    WhitelistEntry.objects.filter(address=LISTED).update(status="Inactive")
    return _entry(world)


def _requirement_row(world: World) -> Any:
    return Requirement.objects.get(pack=world.pack, key=RULE).pk


def _another(world: World) -> Any:
    return attest(world.user("owner"), wallet_address=wallet(905)).pk


def _later(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def _attestation(world: World) -> Any:
    return world.by_owner.pk


def _verified(world: World) -> Any:
    return world.by_owner.pk


_DECIDED = {"confirmed": "yes", "reason": "the document was read"}

ACTS: dict[str, tuple[str, Act]] = {
    "login": ("auditor", _log_in),
    "logout": ("auditor", lambda world, client: lambda: client.post(url("logout"))),
    "password_change": ("auditor", _password),
    "audit_auditevent:export_selected": (
        "auditor",
        lambda world, client: lambda: client.post(
            url("audit_auditevent_changelist"),
            {"action": "export_selected", "_selected_action": _some_events()},
        ),
    ),
    "audit_webhooksubscription:disable_selected": (
        "officer",
        chosen("audit_webhooksubscription", "disable_selected", lambda w: w.webhook.pk),
    ),
    "audit_auditevent_export": (
        "auditor",
        lambda world, client: lambda: client.post(
            url("audit_auditevent_export") + "?category=Compliance", {"format": "json"}
        ),
    ),
    "audit_exportjob_cancel": (
        "officer",
        plain("audit_exportjob_cancel", lambda w: waiting_export(w.user("officer")).pk),
    ),
    "audit_exportjob_download": (
        "auditor", read("audit_exportjob_download", lambda w: w.export.pk),
    ),
    "audit_overview_verify": (
        "auditor",
        lambda world, client: lambda: client.post(url("audit_overview_verify")),
    ),
    "accounts_user_add": (
        "administrator",
        posted(at("accounts_user_add"), email="new@example.com", new_password=NEW_PASSWORD,
               new_password_again=NEW_PASSWORD, roles="Auditor"),
    ),
    "accounts_user_change": (
        "administrator",
        posted(at("accounts_user_change", lambda w: w.user("newcomer").pk),
               full_name="Another Name", roles="Auditor"),
    ),
    "accounts_issuer_add": (
        "officer",
        posted(at("accounts_issuer_add"), legal_name="New GmbH", country="DE"),
    ),
    "accounts_issuer_change": (
        "officer",
        posted(at("accounts_issuer_change", lambda w: w.issuer.pk), legal_name="Other GmbH"),
    ),
    "accounts_issuer:MemberInline": ("officer", _member),
    "accounts_issuer:MemberInline, removed": ("officer", _member_removed),
    "accounts_issuer:generate_issuer_report": (
        "officer", chosen("accounts_issuer", "generate_issuer_report", lambda w: w.issuer.pk),
    ),
    "accounts_token_change": (
        "officer",
        posted(at("accounts_token_change", lambda w: w.token.pk), name="Other name"),
    ),
    "accounts_token_change, to another issuer": ("officer", _reassigned),
    "accounts_token:verify_ownership": (
        "officer", chosen("accounts_token", "verify_ownership", lambda w: w.token.pk),
    ),
    "jurisdictions_jurisdiction_add": (
        "administrator",
        posted(at("jurisdictions_jurisdiction_add"), code="X-HOUSE", name="House", kind="private"),
    ),
    "jurisdictions_jurisdiction_change": (
        "administrator",
        posted(at("jurisdictions_jurisdiction_change",
                  lambda w: Jurisdiction.objects.get(code="GLOBAL").pk), name="Everywhere"),
    ),
    "jurisdictions_factdefinition_add": (
        "administrator",
        posted(at("jurisdictions_factdefinition_add"), path="token.venues", type="string",
               description="Where"),
    ),
    "jurisdictions_factdefinition_change": (
        "administrator",
        posted(at("jurisdictions_factdefinition_change",
                  lambda w: FactDefinition.objects.get(path="token.isin").pk),
               description="Twelve signs"),
    ),
    "jurisdictions_dryrun_cancel": (
        "officer", plain("jurisdictions_dryrun_cancel", lambda w: waiting_run(w).pk),
    ),
    "jurisdictions_dryrun_report": (
        "auditor", read("jurisdictions_dryrun_report", lambda w: w.dry_run.pk),
    ),
    "jurisdictions_factvalue_add": ("officer", _fact),
    "jurisdictions_rulepack_add": (
        "officer",
        posted(at("jurisdictions_rulepack_add"), pack_id="new-rules", jurisdiction="GLOBAL",
               framework_id="NEW", framework_name="New rules"),
    ),
    "jurisdictions_rulepack_change": (
        "officer",
        posted(at("jurisdictions_rulepack_change", lambda w: w.pack.pk), framework_name="Other"),
    ),
    "jurisdictions_rulepack_step:draft": ("officer", step("draft")),
    "jurisdictions_rulepack_step:dry-run": ("officer", step("dry-run")),
    "jurisdictions_rulepack_step:submit": ("officer", step("submit")),
    "jurisdictions_rulepack_step:return": ("officer", step("return", True, reason="Cite.")),
    "jurisdictions_rulepack_step:activate": (
        "administrator", step("activate", True, report=lambda w: tried(w.pack)),
    ),
    "jurisdictions_rulepack_step:retire": ("officer", step("retire", reason="Repealed.")),
    "jurisdictions_requirement_add": ("officer", _requirement),
    "jurisdictions_requirement_change": (
        "officer",
        posted(at("jurisdictions_requirement_change", _requirement_row), title="Other title"),
    ),
    "jurisdictions_requirement_delete": (
        "officer", plain("jurisdictions_requirement_delete", _requirement_row, post="yes"),
    ),
    "jurisdictions_screeninglist_add": (
        "administrator",
        posted(at("jurisdictions_screeninglist_add"), list_id="house.watch", title="New list",
               as_of="2026-11-01", max_age_days="30", sources="House", entries="GLOBAL"),
    ),
    "jurisdictions_screeninglist_change": (
        "administrator", posted(at("jurisdictions_screeninglist_change", _list), title="Other"),
    ),
    "jurisdictions_tokenjurisdiction_add": (
        "officer",
        posted(at("jurisdictions_tokenjurisdiction_add"), token=lambda w: w.token.pk,
               jurisdiction_code=_another_country),
    ),
    "jurisdictions_tokenjurisdiction_change": (
        "officer",
        posted(at("jurisdictions_tokenjurisdiction_change",
                  lambda w: TokenJurisdiction.objects.get(token=w.token).pk), note="by counsel"),
    ),
    "jurisdictions_tokenjurisdiction_delete": (
        "officer",
        plain("jurisdictions_tokenjurisdiction_delete",
              lambda w: TokenJurisdiction.objects.get(token=w.token).pk, post="yes"),
    ),
    "jurisdictions_issuerjurisdiction_add": (
        "officer",
        posted(at("jurisdictions_issuerjurisdiction_add"), issuer=lambda w: str(w.issuer.pk),
               jurisdiction_code=_another_country),
    ),
    "jurisdictions_issuerjurisdiction_change": (
        "officer",
        posted(at("jurisdictions_issuerjurisdiction_change",
                  lambda w: IssuerJurisdiction.objects.get(issuer=w.issuer).pk), note="seat"),
    ),
    "jurisdictions_issuerjurisdiction_delete": (
        "officer",
        plain("jurisdictions_issuerjurisdiction_delete",
              lambda w: IssuerJurisdiction.objects.get(issuer=w.issuer).pk, post="yes"),
    ),
    "jurisdictions_waiver_add": (
        "officer",
        posted(at("jurisdictions_waiver_add"), token=lambda w: w.token.pk,
               requirement_key=_rule_in_force, type="legal_opinion", reason="opinion",
               expires_at_0=lambda w: _later(30), expires_at_1="12:00:00"),
    ),
    "jurisdictions_waiver_change": (
        "administrator",
        posted(at("jurisdictions_waiver_change", lambda w: w.waiver.pk), decision="approve"),
    ),
    "jurisdictions_waiver_change, revoked": (
        "officer",
        posted(at("jurisdictions_waiver_change", lambda w: w.waiver.pk), decision="revoke",
               decision_reason="it is met by now"),
    ),
    "attestations_attestation_add": (
        "officer",
        posted(at("attestations_attestation_add"), subject_type="Wallet", wallet_address=wallet(7),
               asset_id=str(NEW_ASSET), network=VOI, issuer_address="the provider",
               proof_type="IPFS", proof_hash=CID, attributes="{}"),
    ),
    "attestations_attestation:verify": (
        "officer", chosen("attestations_attestation", "verify", _attestation, **_DECIDED),
    ),
    "attestations_attestation:fail": (
        "officer", chosen("attestations_attestation", "fail", _attestation, **_DECIDED),
    ),
    "attestations_attestation:revoke": (
        "officer", chosen("attestations_attestation", "revoke", _another, **_DECIDED),
    ),
    "whitelist_whitelistimport_add": ("officer", _upload),
    "whitelist_whitelistimport_confirm": (
        "officer", plain("whitelist_whitelistimport_confirm", _trial),
    ),
    "whitelist_whitelistimport_cancel": (
        "officer", plain("whitelist_whitelistimport_cancel", lambda w: w.listing.pk),
    ),
    "whitelist_whitelistimport_rejected": (
        "auditor", read("whitelist_whitelistimport_rejected", lambda w: w.listing.pk),
    ),
    "whitelist_whitelistentry_add": (
        "officer",
        posted(at("whitelist_whitelistentry_add"), token=lambda w: w.token.pk, address=wallet(8),
               status="Active"),
    ),
    "whitelist_whitelistentry_change": (
        "officer",
        posted(at("whitelist_whitelistentry_change", _entry), status="Revoked", reason="Known"),
    ),
    "deployments_deployment:retry_selected": (
        "officer", chosen("deployments_deployment", "retry_selected", lambda w: w.deployment.pk),
    ),
    "deployments_deployment:cancel_selected": (
        "officer",
        chosen("deployments_deployment", "cancel_selected", lambda w: queued(w.user("owner")).pk),
    ),
    "whitelist_whitelistentry:activate": (
        "officer", chosen("whitelist_whitelistentry", "activate", _inactive, **_DECIDED),
    ),
    "whitelist_whitelistentry:deactivate": (
        "officer", chosen("whitelist_whitelistentry", "deactivate", _entry, **_DECIDED),
    ),
    "whitelist_whitelistentry:revoke": (
        "officer", chosen("whitelist_whitelistentry", "revoke", _entry, **_DECIDED),
    ),
    "whitelist_whitelistentry:export_as_csv": (
        "auditor", chosen("whitelist_whitelistentry", "export_as_csv", _entry),
    ),
    "whitelist_whitelistpolicy_add": (
        "officer",
        posted(at("whitelist_whitelistpolicy_add"), token=lambda w: w.token.pk,
               enforcement="Mandatory"),
    ),
    "whitelist_whitelistpolicy_change": (
        "officer",
        posted(at("whitelist_whitelistpolicy_change", _policy), enforcement="Mandatory"),
    ),
    "deployments_deployment_add": (
        "officer",
        posted(at("deployments_deployment_add"), token=lambda w: w.token.pk, standard="ASA",
               transaction_id=AVM_TRANSACTION, confirmed_round="50000000", deployed_by=wallet(1),
               deployed_at_0="2026-03-01", deployed_at_1="08:30:00"),
    ),
    "compliance_attestationpackage_pdf": (
        "auditor", read("compliance_attestationpackage_pdf", lambda w: w.package.pk),
    ),
    "compliance_compliancemetadata_add": (
        "officer",
        posted(at("compliance_compliancemetadata_add"), asset_id=str(NEW_ASSET), network=VOI,
               jurisdiction="DE"),
    ),
    "compliance_compliancemetadata_change": (
        "officer",
        posted(at("compliance_compliancemetadata_change", lambda w: _metadata(w)),
               asset_type="Receipt"),
    ),
    "compliance_compliancemetadata_delete": (
        "officer",
        plain("compliance_compliancemetadata_delete", lambda w: _metadata(w), post="yes"),
    ),
    "compliance_tokenstatus:recalculate": (
        "auditor", chosen("compliance_tokenstatus", "recalculate", lambda w: w.token.pk),
    ),
    "compliance_tokenstatus:generate_report": (
        "auditor", chosen("compliance_tokenstatus", "generate_report", lambda w: w.token.pk),
    ),
}  # fmt: skip


def _metadata(world: World) -> Any:
    return ComplianceMetadata.objects.get(token=world.token).pk


def _some_events() -> list[str]:
    from audit.models import AuditEvent

    return [str(seq) for seq in AuditEvent.objects.order_by("seq").values_list("pk", flat=True)[:2]]


def staff(world: World, persona: str) -> Client:
    """Return a browser in which the persona is signed in."""
    client = Client()
    client.force_login(world.user(persona), backend="django.contrib.auth.backends.ModelBackend")
    return client


# What only shows something, by the last word of its name; it is read, and must change nothing.
SHOWN = (
    "index",
    "app_list",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "password_change_done",
    "changelist",
    "history",
)

# Acts that answer with a page or a file; every other leads back to one.
ANSWERED = {
    "audit_exportjob_download",
    "compliance_attestationpackage_pdf",
    "jurisdictions_dryrun_report",
    "logout",
    "whitelist_whitelistentry:export_as_csv",
    "whitelist_whitelistimport_rejected",
}

# Acts that change no data, and read nothing that is recorded when it is read.
SILENT = {"compliance_tokenstatus:recalculate": "the status was computed already"}
