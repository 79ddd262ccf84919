"""Attestations as Verifiable Credentials, and the public status lists."""

from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags, quote_etag
from rest_framework.request import Request

from accounts.api.actor import actor_of
from attestations.issuing import credential_read, status_list
from config.api.errors import NotFound, ValidationFailed
from config.api.handler import not_found
from config.api.json import dumps

CREDENTIAL_MEDIA_TYPE = "application/vc"
FORMATS = ["json", "vc"]


def wants_credential(request: Request) -> bool:
    """Return whether the credential is asked for; any other form than ours is a 400."""
    form = request.query_params.get("format", "json").lower()
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise ValidationFailed(
            f"Unsupported format. Supported formats: {known}",
            details={"format": [f"Must be one of {known}."]},
        )
    return form == "vc"


def credential_answer(request: Request, attestation_id: UUID) -> HttpResponse:
    """Answer the credential of an attestation: the document itself, ready to be verified."""
    document = credential_read(
        actor=actor_of(request), attestation_id=attestation_id, base_url=_base_url(request)
    )
    return HttpResponse(dumps(document), content_type=CREDENTIAL_MEDIA_TYPE)


def published_status_list(request: HttpRequest, list_number: int) -> HttpResponse:
    """Answer a status list to everybody and from any origin.

    Caches may keep it and must ask before each use, so that a revocation counts at once.
    """
    try:
        content = dumps(status_list(list_number=list_number, base_url=_base_url(request)))
    except NotFound:
        return not_found(request)
    etag = quote_etag(sha256(content).hexdigest())
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, no-cache",
        "ETag": etag,
    }
    given = {
        tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))
    }
    if etag in given or "*" in given:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, content_type=CREDENTIAL_MEDIA_TYPE, headers=headers)


def _base_url(request: Request | HttpRequest) -> str:
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
