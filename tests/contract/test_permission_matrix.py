"""Who may do what: everybody times every operation (design, section 5, "Roles").

A new route or method without a row here fails `test_every_operation_has_a_row`. Columns: nobody
signed in; someone without an issuer; the Owner and a Viewer of the token's issuer; the Owner of
another issuer; the platform roles.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from jurisdictions.services.lifecycle import pack_submit
from tests.contract.bodies import (
    EXPORT,
    NEW_PACK,
    PACK,
    PAIR,
    REQUIREMENT,
    SIMULATIONS,
    cosignature_body,
    simulation_body,
    waiver_body,
)
from tests.contract.routes import API, operations
from tests.contract.world import (
    ASSET,
    EMAIL,
    HOLDERS,
    HOOK,
    ISSUANCE,
    LISTED,
    NEW_ASSET,
    PASSWORD,
    PERSONAS,
    QUERIES,
    Ask,
    World,
    assert_envelope,
    contents,
    disabled,
    make_status_fresh,
    queued,
    refresh_token,
    undone,
    verified,
    waiting_export,
    waiting_run,
)
from tests.factories import CID, VOI, event_bodies, wallet
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db

_ONE = "compliance/attestations/<uuid:attestation_id>"
_LOG = "compliance/audit-log"
_COSIGN = "audit-trail/checkpoint/cosign"
_WAIVER = "compliance/waivers/<uuid:waiver_id>"
_TAGS = "compliance/token-jurisdictions"
_RULES = "compliance/jurisdiction-rules"
_PACK = f"{_RULES}/<slug:pack_id>"
_DRAFT = f"{_PACK}/<version:version>"
_RUN = "compliance/dry-runs/<uuid:run_id>"
_LIST = "whitelist"
_ISSUED = "token/deployments"
_DEPLOYMENT = f"{_ISSUED}/<uuid:deployment_id>"
_HOOKS = "webhooks/subscriptions"
_HOOK = f"{_HOOKS}/<uuid:subscription_id>"
_TOKEN_LIST = "whitelist/<asset:asset_id>"
_EXPORT = "exports/<uuid:export_id>"
_IMPORT = "whitelist/imports/<uuid:import_id>"

# method, route below /api/v1/ (or from /), case: statuses in the order of PERSONAS.
MATRIX = f"""
                                                                  anon newc ownr memb outs offi audi admi
POST   auth/login                               right password     200  200  200  200  200  200  200  200
POST   auth/login                               wrong password     401  401  401  401  401  401  401  401
POST   auth/refresh                             live token         200  200  200  200  200  200  200  200
POST   auth/refresh                             no token of ours   401  401  401  401  401  401  401  401
POST   auth/logout                              all sessions       401  200  200  200  200  200  200  200
POST   auth/logout                              foreign session    401  401  401  401  401  401  401  401
GET    auth/profile                             -                  401  200  200  200  200  200  200  200

GET    compliance                               -                  401  200  200  200  200  200  200  200
POST   compliance                               owned token        401  403  200  403  403  200  403  200
POST   compliance                               new token          401  200  200  403  200  200  403  200
GET    compliance/<asset:asset_id>              -                  401  200  200  200  200  200  200  200
DELETE compliance/<asset:asset_id>              -                  401  403  200  403  403  200  403  200
GET    compliance/<asset:asset_id>/status       -                  401  200  200  200  200  200  200  200
GET    compliance/<asset:asset_id>/status/history - 401  404  200  200  404  200  200  200
GET    issuers/<uuid:issuer_id>/status          -                  401  404  200  200  404  200  200  200
GET    token/<asset:asset_id>/compliance-indicators - 401  200  200  200  200  200  200  200

POST   compliance/reports                       -                  401  404  200  200  404  200  200  200
POST   compliance/reports                       on the issuer      401  404  200  200  404  200  200  200
POST   compliance/reports                       in background      401  404  202  202  404  202  202  202
GET    compliance/reports/jobs/<uuid:job_id>    -                  401  404  200  404  404  200  200  200
DELETE compliance/reports/jobs/<uuid:job_id>    -                  401  404  200  404  404  200  403  200
GET    compliance/reports                       -                  401  200  200  200  200  200  200  200
GET    compliance/reports/<uuid:report_id>      -                  401  404  200  200  404  200  200  200
GET    compliance/reports/<uuid:report_id>/download - 401  404  200  200  404  200  200  200
GET    compliance/reports/<uuid:report_id>/bundle   - 401  404  200  200  404  200  200  200
POST   compliance/reports/verify                -                  401  200  200  200  200  200  200  200
GET    compliance/reports/schema/<str:version>  -                  401  200  200  200  200  200  200  200

POST   compliance/attestation                   -                  401  404  200  200  404  200  200  200
POST   compliance/attestation                   as a PDF           401  404  200  200  404  200  200  200
GET    compliance/attestation-packages/<uuid:package_id> -         401  404  200  200  404  200  200  200
POST   compliance/attestation-packages/verify   -                  401  200  200  200  200  200  200  200

GET    compliance/attestations                  -                  401  200  200  200  200  200  200  200
POST   compliance/attestations                  of a wallet        401  200  200  200  200  200  200  200
POST   compliance/attestations                  of the issuer      401  404  200  200  404  200  200  200
GET    compliance/attestations/export/csv       -                  401  200  200  200  200  200  200  200
GET    compliance/attestations/export/json      -                  401  200  200  200  200  200  200  200
GET    {_ONE}         as a credential    401  200  200  200  200  200  200  200
GET    {_ONE}         -                  401  200  200  200  200  200  200  200
POST   {_ONE}/verify  of the owner       401  403  403  403  403  200  403  200
POST   {_ONE}/verify  of the officer     401  403  403  403  403  422  403  200
POST   {_ONE}/fail    of the owner       401  403  403  403  403  200  403  200
POST   {_ONE}/fail    of the officer     401  403  403  403  403  422  403  200
POST   {_ONE}/revoke  of the owner       401  403  403  403  403  200  403  200
POST   {_ONE}/revoke  of the officer     401  403  403  403  403  422  403  200

GET    {_LOG}                     -                  401  200  200  200  200  200  200  200
GET    {_LOG}/export/csv          -                  401  200  200  200  200  200  200  200
GET    {_LOG}/export/json         -                  401  200  200  200  200  200  200  200
GET    {_LOG}/retention-policy    -                  401  200  200  200  200  200  200  200
GET    exports                      -                  401  200  200  200  200  200  200  200
POST   exports                      -                  401  202  202  202  202  202  202  202
GET    {_EXPORT}         -                  401  404  200  404  404  200  200  200
POST   {_EXPORT}/cancel  waiting            401  404  200  404  404  403  403  403
GET    {_EXPORT}/manifest -                 401  404  200  404  404  200  200  200
GET    {_EXPORT}/download -                 401  404  200  404  404  200  200  200

GET    audit-trail/checkpoint       -                  401  200  200  200  200  200  200  200
POST   audit-trail/checkpoint/cosign -                 401  200  200  200  200  200  200  200
GET    audit-trail/checkpoints      -                  401  200  200  200  200  200  200  200
GET    audit-trail/consistency      -                  401  200  200  200  200  200  200  200
GET    audit-trail/export/bundle    -                  401  200  200  200  200  200  200  200
GET    audit-trail/<uuid:event_id>/proof -             401  404  200  200  404  200  200  200
GET    audit-trail/tile/<level:level>/<tile:number> -  401  200  200  200  200  200  200  200
GET    audit-trail/tile/<level:level>/<tile:number>.p/<width:width> - 401 200 200 200 200 200 200 200

GET    {_ISSUED}              -                  401  200  200  200  200  200  200  200
POST   {_ISSUED}              for oneself        401  202  202  403  202  400  403  400
POST   {_ISSUED}              for the issuer     401  404  202  403  404  202  403  202
GET    {_ISSUED}/metrics      -                  401  200  200  200  200  200  200  200
POST   {_ISSUED}/audit-trail/export -            401  200  200  200  200  200  200  200
GET    {_DEPLOYMENT}             -               401  404  200  200  404  200  200  200
GET    {_DEPLOYMENT}/history     -               401  404  200  200  404  200  200  200
GET    {_DEPLOYMENT}/events      -               401  404  200  200  404  200  200  200
GET    {_DEPLOYMENT}/audit-trail -               401  404  200  200  404  200  200  200
POST   {_DEPLOYMENT}/cancel      queued          401  404  200  403  404  200  403  200
POST   {_DEPLOYMENT}/retry       -               401  404  200  403  404  200  403  200

GET    {_HOOKS}              -                  401  200  200  200  200  200  200  200
POST   {_HOOKS}              -                  401  200  200  200  200  200  200  200
GET    {_HOOK}                -                 401  404  200  404  404  200  200  200
PUT    {_HOOK}                -                 401  404  200  404  404  403  403  403
PATCH  {_HOOK}                -                 401  404  200  404  404  403  403  403
DELETE {_HOOK}                -                 401  404  200  404  404  403  403  403
POST   {_HOOK}/rotate-secret  -                 401  404  200  404  404  403  403  403
POST   {_HOOK}/enable         disabled          401  404  200  404  404  403  403  403
POST   {_HOOK}/test           -                 401  404  200  404  404  403  403  403
GET    webhooks/deliveries    -                 401  200  200  200  200  200  200  200
POST   webhooks/deliveries/<uuid:delivery_id>/redeliver - 401 404 200 404 404 403 403 403
GET    enterprise-audit/export             -           401  200  200  200  200  200  200  200
GET    enterprise-audit/export/csv         -           401  200  200  200  200  200  200  200
GET    enterprise-audit/export/json        -           401  200  200  200  200  200  200  200
GET    enterprise-audit/retention-policy   -           401  200  200  200  200  200  200  200
GET    audit-trail                         -           401  200  200  200  200  200  200  200
GET    audit-trail/export/csv              -           401  200  200  200  200  200  200  200
GET    audit-trail/export/json             -           401  200  200  200  200  200  200  200
GET    audit-trail/export/ndjson           -           401  200  200  200  200  200  200  200
GET    issuer/audit-trail                  -           401  403  200  200  403  200  200  200
GET    issuer/audit-trail/csv              -           401  403  200  200  403  200  200  200
GET    issuer/audit-trail/json             -           401  403  200  200  403  200  200  200
GET    token/<asset:asset_id>/audit-trail  -           401  404  200  200  404  200  200  200
GET    security/activity                   -           401  200  200  200  200  200  200  200
GET    security/refusals                   -           401  403  403  403  403  200  200  200

GET    metering                  -          401  200  200  200  200  200  200  200
GET    metering/events           -          401  200  200  200  200  200  200  200

GET    {_RULES}                           -        401  200  200  200  200  200  200  200
POST   {_RULES}                           new      401  403  403  403  403  200  403  200
POST   {_RULES}                           copy     401  403  403  403  403  200  403  200
POST   {_RULES}/evaluate                  in force 401  200  200  200  200  200  200  200
POST   {_RULES}/evaluate                  a draft  401  403  403  403  403  200  200  200
GET    {_PACK}            -        401  200  200  200  200  200  200  200
GET    {_DRAFT} -  401  200  200  200  200  200  200  200
PATCH  {_DRAFT} -  401  403  403  403  403  200  403  200
PUT    {_DRAFT} -  401  403  403  403  403  200  403  200
POST   {_DRAFT}/submit    -            401  403  403  403  403  200  403  200
POST   {_DRAFT}/return    in review    401  403  403  403  403  200  403  200
POST   {_DRAFT}/activate  in review    401  403  403  403  403  403  403  200
POST   {_DRAFT}/retire    draft        401  403  403  403  403  200  403  200
POST   {_DRAFT}/retire    in force     401  403  403  403  403  403  403  200
GET    {_DRAFT}/dry-runs  -            401  403  403  403  403  200  200  200
POST   {_DRAFT}/dry-runs  -            401  403  403  403  403  202  403  202
GET    {_RUN}           -              401  403  403  403  403  200  200  200
DELETE {_RUN}           waiting        401  403  403  403  403  200  403  200
GET    {_RUN}/changes   -              401  403  403  403  403  200  200  200
GET    {_RUN}/report    -              401  403  403  403  403  200  200  200
POST   {_DRAFT}/requirements -         401  403  403  403  403  200  403  200
GET    {_DRAFT}/requirements/<rule:key> -  401  200  200  200  200  200  200  200
PATCH  {_DRAFT}/requirements/<rule:key> -  401  403  403  403  403  200  403  200
PUT    {_DRAFT}/requirements/<rule:key> -  401  403  403  403  403  200  403  200
DELETE {_DRAFT}/requirements/<rule:key> -  401  403  403  403  403  200  403  200

POST   {_RULES}/assign                    owned    401  403  200  403  403  200  403  200
POST   {_RULES}/assign                    new      401  200  200  403  200  200  403  200
GET    compliance/token-jurisdictions           -  401  200  200  200  200  200  200  200
DELETE compliance/token-jurisdictions           -  401  403  200  403  403  200  403  200
GET    issuers/<uuid:issuer_id>/jurisdictions   -  401  404  200  200  404  200  200  200
POST   issuers/<uuid:issuer_id>/jurisdictions   -  401  404  200  403  404  200  403  200
DELETE issuers/<uuid:issuer_id>/jurisdictions   -  401  404  200  403  404  200  403  200
GET    compliance/<asset:asset_id>/facts        -  401  404  200  200  404  200  200  200
GET    compliance/<asset:asset_id>/facts/history - 401  404  200  200  404  200  200  200
POST   compliance/<asset:asset_id>/facts        -  401  403  200  403  403  200  403  200
GET    issuers/<uuid:issuer_id>/facts           -  401  404  200  200  404  200  200  200
GET    issuers/<uuid:issuer_id>/facts/history   -  401  404  200  200  404  200  200  200
POST   issuers/<uuid:issuer_id>/facts           -  401  404  200  403  404  200  403  200
GET    compliance/waivers                       -  401  200  200  200  200  200  200  200
POST   compliance/waivers                       -  401  403  403  403  403  200  403  200
GET    {_WAIVER}         -                         401  404  200  200  404  200  200  200
POST   {_WAIVER}/approve of the officer            401  403  403  403  403  422  403  200
POST   {_WAIVER}/revoke  of the officer            401  403  403  403  403  200  403  200

GET    {_LIST}/<asset:asset_id>                 -  401  404  200  200  404  200  200  200
POST   {_LIST}                                  owned token        401  403  200  403  403  200  403  200
POST   {_LIST}                                  new token          401  200  200  403  200  200  403  200
DELETE {_LIST}                                  -  401  403  200  403  403  200  403  200
POST   {_LIST}/bulk                             owned token        401  403  200  403  403  200  403  200
POST   {_LIST}/bulk                             new token          401  200  200  403  200  200  403  200
GET    {_LIST}/<asset:asset_id>/policy          -  401  404  200  200  404  200  200  200
PUT    {_LIST}/<asset:asset_id>/policy          -  401  403  200  403  403  200  403  200
POST   {_TOKEN_LIST}/import/csv                 -  401  403  202  403  403  202  403  202
GET    {_IMPORT}                                -  401  404  200  200  404  200  200  200
GET    {_IMPORT}/rejected/csv                   -  401  404  200  200  404  200  200  200
DELETE {_IMPORT}                                -  401  404  200  403  404  200  403  200
GET    {_TOKEN_LIST}/export/csv                 -  401  404  200  200  404  200  200  200
GET    {_TOKEN_LIST}/audit-log                  -  401  404  200  200  404  200  200  200
GET    {_TOKEN_LIST}/compliance-overview        -  401  404  200  200  404  200  200  200
GET    {_LIST}/compliance-overview              -  401  404  200  200  404  200  200  200
GET    {_LIST}/audit-log                        -  401  200  200  200  200  200  200  200
GET    {_LIST}/audit-log/export/csv             -  401  200  200  200  200  200  200  200
GET    {_LIST}/audit-log/export/json            -  401  200  200  200  200  200  200  200
GET    {_LIST}/audit-log/retention-policy       -  401  200  200  200  200  200  200  200
GET    {_LIST}/enforcement-report               -  401  200  200  200  200  200  200  200
GET    {_LIST}/enforcement-report/export/csv    -  401  200  200  200  200  200  200  200
GET    {_LIST}/enforcement-report/export/json   -  401  200  200  200  200  200  200  200

POST   {_LIST}/validate-transfer                -  401  200  200  200  200  200  200  200
POST   {_LIST}/validate-transfers               -  401  200  200  200  200  200  200  200
POST   token/transfer/simulate                  -  401  200  200  200  200  200  200  200
POST   token/mint/simulate                      -  401  200  200  200  200  200  200  200
POST   token/burn/simulate                      -  401  403  200  403  403  403  403  403

GET    /                                        -                  302  302  302  302  302  302  302  302
GET    /health                                  -                  200  200  200  200  200  200  200  200
GET    /health/live                             -                  200  200  200  200  200  200  200  200
GET    /health/ready                            -                  200  200  200  200  200  200  200  200
GET    /metrics                                 -                  200  200  200  200  200  200  200  200
GET    /.well-known/assayer-keys.json           -                  200  200  200  200  200  200  200  200
GET    /.well-known/assayer-status-lists/<asset:list_number> -     200  200  200  200  200  200  200  200
GET    /api/schema                              -                  200  200  200  200  200  200  200  200
GET    /api/docs                                -                  200  200  200  200  200  200  200  200
GET    /api/<path:rest>                         -                  404  404  404  404  404  404  404  404
"""  # noqa: E501 - a table

# How many of the world's rows each list shows, in the order of PERSONAS without the first.
VISIBLE = """
                                 newc ownr memb outs offi audi admi
compliance              metadata    1    1    1    1    1    1    1
compliance/attestations attestations 2   2    2    2    2    2    2
compliance/reports      reports     0    1    1    0    1    1    1
compliance/jurisdiction-rules rules 1    1    1    1    1    1    1
compliance/waivers      waivers     0    1    1    0    1    1    1
webhooks/subscriptions subscriptions 0  1    0    0    1    1    1
webhooks/deliveries     deliveries  0    1    0    0    1    1    1
whitelist/audit-log     entries     0    2    2    0    2    2    2
exports                 exports     0    1    0    0    1    1    1
"""


def _rows() -> list[tuple[str, str, str, dict[str, int]]]:
    rows = []
    for line in MATRIX.strip().splitlines()[1:]:
        if not line.strip():
            continue
        words = line.split()
        statuses = [int(word) for word in words[-len(PERSONAS) :]]
        method, route, *case = words[: -len(PERSONAS)]
        cells = dict(zip(PERSONAS, statuses, strict=True))
        rows.append((method, route, " ".join(case), cells))
    return rows


ROWS = _rows()


def _metadata(asset_id: int) -> dict[str, Any]:
    return {"assetId": asset_id, "network": VOI, "jurisdiction": "DE"}


_WALLET_BODY = {
    "walletAddress": wallet(7),
    "assetId": ASSET,
    "network": VOI,
    "issuerAddress": "the provider",
    "proofHash": CID,
}


def _attestation(world: World, case: str) -> str:
    return str((world.by_owner if case == "of the owner" else world.by_officer).pk)


# What is sent for a row, where the route alone does not say it: (route, case) to a request.
REQUESTS: dict[tuple[str, str, str], Callable[[World], Ask]] = {
    ("POST", "auth/login", "right password"): lambda w: Ask(
        "POST", "auth/login", {"email": EMAIL, "password": PASSWORD}
    ),
    ("POST", "auth/login", "wrong password"): lambda w: Ask(
        "POST", "auth/login", {"email": EMAIL, "password": "wrong"}
    ),
    ("POST", "auth/refresh", "live token"): lambda w: Ask(
        "POST", "auth/refresh", {"refreshToken": refresh_token()}
    ),
    ("POST", "auth/refresh", "no token of ours"): lambda w: Ask(
        "POST", "auth/refresh", {"refreshToken": "a.b.c"}
    ),
    ("POST", "auth/logout", "all sessions"): lambda w: Ask("POST", "auth/logout", {}),
    ("POST", "auth/logout", "foreign session"): lambda w: Ask(
        "POST", "auth/logout", {"refreshToken": refresh_token()}
    ),
    ("POST", "compliance", "owned token"): lambda w: Ask("POST", "compliance", _metadata(ASSET)),
    ("POST", "compliance", "new token"): lambda w: Ask("POST", "compliance", _metadata(NEW_ASSET)),
    ("POST", "compliance/reports", "-"): lambda w: Ask(
        "POST", "compliance/reports", {"assetId": ASSET, "network": VOI}
    ),
    ("POST", "compliance/reports", "on the issuer"): lambda w: Ask(
        "POST", "compliance/reports", {"issuerId": str(w.issuer.pk)}
    ),
    ("POST", "compliance/reports", "in background"): lambda w: Ask(
        "POST", "compliance/reports", {"assetId": ASSET, "background": True}
    ),
    ("POST", "compliance/reports/verify", "-"): lambda w: Ask(
        "POST", "compliance/reports/verify", {"some": "file"}
    ),
    ("POST", "compliance/attestation", "-"): lambda w: Ask(
        "POST", "compliance/attestation", {"tokenId": ASSET, "network": VOI}
    ),
    ("POST", "compliance/attestation", "as a PDF"): lambda w: Ask(
        "POST", "compliance/attestation", {"tokenId": ASSET, "format": "pdf"}
    ),
    ("POST", "compliance/attestation-packages/verify", "-"): lambda w: Ask(
        "POST", "compliance/attestation-packages/verify", {"some": "file"}
    ),
    ("GET", _ONE, "as a credential"): lambda w: Ask(
        "GET", f"compliance/attestations/{verified(w).pk}", query={"format": "vc"}
    ),
    ("POST", _ISSUED, "for oneself"): lambda w: Ask("POST", _ISSUED, ISSUANCE),
    ("POST", _ISSUED, "for the issuer"): lambda w: Ask(
        "POST", _ISSUED, {**ISSUANCE, "issuerId": str(w.issuer.pk)}
    ),
    ("POST", f"{_ISSUED}/audit-trail/export", "-"): lambda w: Ask(
        "POST", f"{_ISSUED}/audit-trail/export", {}
    ),
    ("POST", f"{_DEPLOYMENT}/cancel", "queued"): lambda w: Ask(
        "POST", f"{_ISSUED}/{queued(w.user('owner')).pk}/cancel", {"reason": "wrong name"}
    ),
    ("POST", _HOOKS, "-"): lambda w: Ask("POST", _HOOKS, HOOK),
    ("PUT", _HOOK, "-"): lambda w: Ask("PUT", w.path(_HOOK), HOOK),
    ("PATCH", _HOOK, "-"): lambda w: Ask("PATCH", w.path(_HOOK), {"description": "ours"}),
    ("POST", f"{_HOOK}/enable", "disabled"): lambda w: Ask(
        "POST", f"{w.path(_HOOK)}/enable", disabled(w)
    ),
    ("POST", "compliance/attestations", "of a wallet"): lambda w: Ask(
        "POST", "compliance/attestations", _WALLET_BODY
    ),
    ("POST", "compliance/attestations", "of the issuer"): lambda w: Ask(
        "POST",
        "compliance/attestations",
        {
            "subjectType": "Issuer",
            "issuerId": str(w.issuer.pk),
            "issuerAddress": "the provider",
            "proofHash": CID,
        },
    ),
    **{
        ("POST", f"{_ONE}/{verb}", case): lambda w, verb=verb, case=case: Ask(  # type: ignore[misc]
            "POST",
            f"compliance/attestations/{_attestation(w, case)}/{verb}",
            {"reason": "the document was read"},
        )
        for verb in ("verify", "fail", "revoke")
        for case in ("of the owner", "of the officer")
    },
}


REQUESTS |= {
    ("POST", "exports", "-"): lambda w: Ask("POST", "exports", EXPORT),
    ("POST", f"{_EXPORT}/cancel", "waiting"): lambda w: Ask(
        "POST", f"exports/{waiting_export(w.user('owner')).pk}/cancel"
    ),
    ("POST", _RULES, "new"): lambda w: Ask("POST", _RULES, NEW_PACK),
    ("POST", _RULES, "copy"): lambda w: Ask(
        "POST", _RULES, {"packId": w.pack.pack_id, "from": w.pack.version}
    ),
    ("POST", f"{_RULES}/evaluate", "in force"): lambda w: Ask(
        "POST", f"{_RULES}/evaluate", {"assetId": ASSET, "network": VOI}
    ),
    ("POST", f"{_RULES}/evaluate", "a draft"): lambda w: Ask(
        "POST",
        f"{_RULES}/evaluate",
        {"assetId": ASSET, "packId": w.pack.pack_id, "version": w.pack.version},
    ),
    ("PATCH", _DRAFT, "-"): lambda w: Ask("PATCH", w.path(_DRAFT), {"disclaimer": "None."}),
    ("PUT", _DRAFT, "-"): lambda w: Ask("PUT", w.path(_DRAFT), PACK),
    ("POST", f"{_DRAFT}/return", "in review"): lambda w: _reviewed(w, "return", reason="Cite."),
    ("POST", f"{_DRAFT}/activate", "in review"): lambda w: _reviewed(
        w, "activate", dryRunReport=rules.tried(w.pack)
    ),
    ("DELETE", _RUN, "waiting"): lambda w: Ask(
        "DELETE", f"compliance/dry-runs/{waiting_run(w).pk}"
    ),
    ("POST", f"{_DRAFT}/retire", "draft"): lambda w: Ask(
        "POST", f"{w.path(_DRAFT)}/retire", {"reason": "Repealed."}
    ),
    ("POST", f"{_DRAFT}/retire", "in force"): lambda w: _in_force(w),
    ("POST", f"{_DRAFT}/requirements", "-"): lambda w: Ask(
        "POST", f"{w.path(_DRAFT)}/requirements", REQUIREMENT
    ),
    ("PATCH", f"{_DRAFT}/requirements/<rule:key>", "-"): lambda w: Ask(
        "PATCH", w.path(f"{_DRAFT}/requirements/<rule:key>"), {"title": "Other"}
    ),
    ("PUT", f"{_DRAFT}/requirements/<rule:key>", "-"): lambda w: Ask(
        "PUT", w.path(f"{_DRAFT}/requirements/<rule:key>"), REQUIREMENT
    ),
}


REQUESTS |= {
    ("POST", f"{_RULES}/assign", "owned"): lambda w: Ask(
        "POST", f"{_RULES}/assign", {"assetId": ASSET, "jurisdictionCode": "Narnia"}
    ),
    ("POST", f"{_RULES}/assign", "new"): lambda w: Ask(
        "POST", f"{_RULES}/assign", query={"assetId": NEW_ASSET, "jurisdictionCode": "GLOBAL"}
    ),
    ("GET", "audit-trail/consistency", "-"): lambda w: Ask(
        "GET", "audit-trail/consistency", query=QUERIES["audit-trail/consistency"]
    ),
    **{
        ("GET", route, "-"): lambda w, route=route: Ask("GET", route, query=QUERIES[route])  # type: ignore[misc]
        for route in QUERIES
        if route.startswith("issuer/")
    },
    ("GET", _TAGS, "-"): lambda w: Ask("GET", _TAGS, query=QUERIES[_TAGS]),
    ("DELETE", _TAGS, "-"): lambda w: Ask(
        "DELETE", _TAGS, query={**QUERIES[_TAGS], "jurisdictionCode": "GLOBAL"}
    ),
    **{
        (method, "issuers/<uuid:issuer_id>/jurisdictions", "-"): lambda w, method=method: Ask(  # type: ignore[misc]
            method, f"issuers/{w.issuer.pk}/jurisdictions", {"jurisdictionCode": "GLOBAL"}
        )
        for method in ("POST", "DELETE")
    },
    ("POST", "compliance/<asset:asset_id>/facts", "-"): lambda w: Ask(
        "POST", f"compliance/{ASSET}/facts", {"facts": {"token.isin": "DE000BASF111"}}
    ),
    ("POST", "issuers/<uuid:issuer_id>/facts", "-"): lambda w: Ask(
        "POST", f"issuers/{w.issuer.pk}/facts", {"facts": {"issuer.website": "https://a.test"}}
    ),
    ("POST", "audit-trail/checkpoint/cosign", "-"): lambda w: Ask(
        "POST", "audit-trail/checkpoint/cosign", cosignature_body()
    ),
    ("POST", "compliance/waivers", "-"): lambda w: Ask("POST", "compliance/waivers", waiver_body()),
    ("POST", f"{_WAIVER}/revoke", "of the officer"): lambda w: Ask(
        "POST", f"compliance/waivers/{w.waiver.pk}/revoke", {"reason": "it is met by now"}
    ),
}


REQUESTS |= {
    **{
        ("POST", route, f"{case} token"): lambda w, route=route, asset_id=asset_id, many=many: Ask(  # type: ignore[misc]
            "POST", route, {"assetId": asset_id, "network": VOI, **many}
        )
        for case, asset_id in (("owned", ASSET), ("new", NEW_ASSET))
        for route, many in (
            (_LIST, {"address": wallet(7)}),
            (f"{_LIST}/bulk", {"addresses": [wallet(7), wallet(8)]}),
        )
    },
    ("DELETE", _LIST, "-"): lambda w: Ask(
        "DELETE", _LIST, query={"assetId": ASSET, "address": LISTED}
    ),
    ("POST", f"{_TOKEN_LIST}/import/csv", "-"): lambda w: Ask(
        "POST", f"{_LIST}/{ASSET}/import/csv", HOLDERS
    ),
    ("GET", f"{_LIST}/compliance-overview", "-"): lambda w: Ask(
        "GET", f"{_LIST}/compliance-overview", query=QUERIES[f"{_LIST}/compliance-overview"]
    ),
    ("PUT", f"{_LIST}/<asset:asset_id>/policy", "-"): lambda w: Ask(
        "PUT", f"{_LIST}/{ASSET}/policy", {"enforcement": "Mandatory"}
    ),
}


REQUESTS |= {
    ("POST", f"{_LIST}/validate-transfer", "-"): lambda w: Ask(
        "POST", f"{_LIST}/validate-transfer", PAIR
    ),
    ("POST", f"{_LIST}/validate-transfers", "-"): lambda w: Ask(
        "POST", f"{_LIST}/validate-transfers", {"transfers": [PAIR]}
    ),
    **{
        ("POST", f"token/{verb}/simulate", "-"): lambda w, verb=verb: Ask(  # type: ignore[misc]
            "POST", f"token/{verb}/simulate", simulation_body(w, verb)
        )
        for verb in SIMULATIONS
    },
}


def _reviewed(world: World, step: str, **body: str) -> Ask:
    pack_submit(actor=world.user("officer"), pack=world.pack)
    return Ask("POST", f"{world.path(_DRAFT)}/{step}", body)


def _in_force(world: World) -> Ask:
    ask = _reviewed(world, "retire", reason="Repealed.")
    rules.activate(actor=world.user("administrator"), pack=world.pack)
    make_status_fresh(world)
    return ask


def _request(world: World, method: str, route: str, case: str) -> Ask:
    if make := REQUESTS.get((method, route, case)):
        return make(world)
    return Ask(method, world.path(route))


def test_every_operation_has_a_row() -> None:
    rows = {
        (method, route.lstrip("/") if route.startswith("/") else API + route)
        for method, route, _, _ in ROWS
    }
    assert rows == operations()


@pytest.mark.parametrize(
    ("method", "route", "case", "expected"),
    ROWS,
    ids=[f"{method} {route} {case}".removesuffix(" -") for method, route, case, _ in ROWS],
)
def test_the_matrix(
    world: World, method: str, route: str, case: str, expected: dict[str, int]
) -> None:
    make_status_fresh(world)
    ask = _request(world, method, route, case)
    got = {}
    for persona in PERSONAS:
        with undone():
            before, recorded = contents(), len(event_bodies("security.access.denied"))
            response = ask.send(world.client(persona))
            got[persona] = response.status_code
            if response.status_code < 400:
                list(response)  # a streamed file is made while it is read
                assert len(event_bodies("security.access.denied")) == recorded
                continue
            assert_envelope(response, response.status_code)
            after = contents()
            if case == "wrong password":
                before["axes.AccessAttempt"] = after["axes.AccessAttempt"]  # it counts failures
            assert after == before, f"{persona} was refused and changed something"
            denied = event_bodies("security.access.denied")[recorded:]
            blocked = response.json()["errorCode"] == "OPERATION_BLOCKED"  # recorded as such
            if blocked or response.status_code in (400, 422) or route == "/api/<path:rest>":
                assert denied == []
            else:
                _assert_denial(denied, world, persona, response, ask, route)
    assert got == expected


def _assert_denial(
    denied: list[dict[str, Any]], world: World, persona: str, response: Any, ask: Ask, route: str
) -> None:
    (event,) = denied
    open_route = route in ("auth/login", "auth/refresh")
    user = None if open_route else world.users[persona]
    assert event["actor"] == (user.label if user else "anonymous")
    assert event.get("actorId") == (str(user.pk) if user else None)
    assert event["success"] is False
    assert event["correlationId"] == response.headers["X-Correlation-ID"]
    assert event["details"]["method"] == ask.method
    assert event["details"]["route"] == API + route
    assert event["details"]["code"] == response.json()["errorCode"]


def test_lists_show_what_a_persona_may_see(world: World) -> None:
    expected, got = {}, {}
    for line in VISIBLE.strip().splitlines()[1:]:
        path, noun, *counts = line.split()
        for persona, count in zip(PERSONAS[1:], counts, strict=True):
            answer = Ask("GET", path).send(world.client(persona)).json()
            assert len(answer[noun]) == answer["totalCount"]
            got[path, persona] = answer["totalCount"]
            expected[path, persona] = int(count)
    assert got == expected


@pytest.mark.parametrize("form", ["", "/export/json", "/export/csv"])
def test_the_audit_log_shows_own_issuers_alone(world: World, form: str) -> None:
    seen = {}
    for persona in PERSONAS[1:]:
        with undone():
            response = Ask("GET", f"compliance/audit-log{form}").send(world.client(persona))
            text = b"".join(response).decode()
            seen[persona] = str(world.by_owner.pk) in text if not form else f"{ASSET}" in text
    expected = {persona: persona not in ("newcomer", "outsider") for persona in PERSONAS[1:]}
    assert seen == expected


def test_out_of_scope_reads_exactly_as_missing(world: World) -> None:
    client = world.client("outsider")
    hidden = Ask("GET", f"compliance/reports/{world.report.pk}").send(client)
    missing = Ask("GET", f"compliance/reports/{uuid4()}").send(client)
    volatile = ("correlationId", "timestamp", "path")
    bodies = [
        {name: value for name, value in response.json().items() if name not in volatile}
        for response in (hidden, missing)
    ]
    assert bodies[0] == bodies[1]
    assert hidden.status_code == missing.status_code == 404
    (denied,) = event_bodies("security.access.denied")
    assert denied["correlationId"] == hidden.headers["X-Correlation-ID"]


@pytest.mark.parametrize(
    "route", sorted({route for _, route, _, _ in ROWS if not route.startswith("/")})
)
def test_a_method_that_a_route_lacks_is_405_and_changes_nothing(world: World, route: str) -> None:
    known = {verb for verb, path, _, _ in ROWS if path == route}
    before = contents()
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
        ask = Ask(method, _request(world, method, route, "-").path)
        response = ask.send(world.client("administrator"))
        body = assert_envelope(response, 405, f"/api/v1/{ask.path}")
        assert body["errorCode"] == "METHOD_NOT_ALLOWED"
        allowed = {word.strip() for word in response.headers["Allow"].split(",")}
        assert allowed - {"HEAD", "OPTIONS"} == known
        if route not in ("auth/login", "auth/refresh"):
            assert_envelope(ask.send(world.client("anonymous")), 401)
    assert contents() == before


@pytest.mark.parametrize("page", ["changelist", "add"])
def test_the_admin_opens_to_platform_roles_alone(world: World, page: str) -> None:
    wrong = []
    for persona in PERSONAS:
        client = Client(raise_request_exception=False)
        user = world.users[persona]
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        staff = persona in ("officer", "auditor", "administrator")
        for model in admin.site._registry:
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")
            status = client.get(url).status_code
            allowed = {200, 403} if staff else {302}
            if page == "add" and persona == "auditor":
                allowed = {403}
            if status not in allowed:
                wrong.append((persona, url, status))
    assert wrong == []
