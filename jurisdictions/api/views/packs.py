"""Rule packs and their requirements (reference/incumbent-compliance.md, section 6)."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from config.api.errors import ValidationFailed
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.preconditions import require_match
from config.api.schema import (
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.serializers import NothingSerializer, WireSerializer
from config.api.views import WireViewSet, answer, answer_page, answer_tagged
from jurisdictions.api.converters import VersionConverter
from jurisdictions.api.dry_run_serializers import ActivationSerializer
from jurisdictions.api.filters import PackFilter
from jurisdictions.api.problems import wire_problems
from jurisdictions.api.serializers import (
    PACK_DEFAULTS,
    PackCreateSerializer,
    PackDetailSerializer,
    PackSerializer,
    PackWriteSerializer,
    ReasonSerializer,
    RequirementSerializer,
    RequirementWriteSerializer,
    requirement_defaults,
)
from jurisdictions.models import Jurisdiction, Requirement, RulePack
from jurisdictions.selectors import pack_get, requirement_get, requirements_of, rule_packs
from jurisdictions.services import drafts, lifecycle, requirements

_RULE = noun_serializer("RulePackResponse", "rule", PackDetailSerializer())
_REQUIREMENT = noun_serializer("RequirementResponse", "requirement", RequirementSerializer())
_FAILED = "jurisdictions.pack.change_failed"
_NO_PARAMETERS: frozenset[str] = frozenset()
_VERSION_PARAMETER = OpenApiParameter(
    "version",
    OpenApiTypes.STR,
    description="Such as 2026.11.1; without it the newest version in force.",
)


class RulePackViewSet(WireViewSet):
    """Rule packs: everyone who signed in reads them, officers draft, administrators activate."""

    paginator = Paginator(("created_at", "id"))
    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        (
            "create",
            "update",
            "replace",
            "submit",
            "send_back",
            "activate",
            "retire",
        ),
        _FAILED,
    )
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset({"version"}),
        "retrieve_version": _NO_PARAMETERS,
        **dict.fromkeys(failure_events, _NO_PARAMETERS),
    }

    @extend_schema(
        parameters=filter_parameters(PackFilter),
        responses=page_serializer("RulePackListResponse", "rules", PackSerializer),
    )
    def list(self, request: Request) -> Response:
        """List versions of rule packs without their requirements, newest first."""
        rows, _ = PackFilter.apply(rule_packs(actor=actor_of(request)), request)
        page = self.paginator.paginate(rows, request)
        return answer_page("rules", page, PackSerializer(page.rows, many=True).data)

    @extend_schema(
        parameters=[_VERSION_PARAMETER, IF_NONE_MATCH_PARAMETER], responses=tagged(_RULE)
    )
    def retrieve(self, request: Request, pack_id: str) -> HttpResponseBase:
        """Get a pack with its requirements: the newest version in force, or the one named."""
        version = request.query_params.get("version")
        if version is not None and not re.fullmatch(VersionConverter.regex, version):
            text = "Write it as 2026.11.1."
            raise ValidationFailed(f"version: {text}", details={"version": [text]})
        pack = pack_get(pack_id=pack_id, version=version)
        return answer_tagged(request, _etag(pack), "rule", _document(pack))

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_RULE))
    def retrieve_version(self, request: Request, pack_id: str, version: str) -> HttpResponseBase:
        """Get one version of a pack with its requirements."""
        pack = pack_get(pack_id=pack_id, version=version)
        return answer_tagged(request, _etag(pack), "rule", _document(pack))

    @extend_schema(request=PackCreateSerializer, responses={200: _RULE})
    @idempotent
    def create(self, request: Request) -> Response:
        """Draft a new pack, or the next version of one as a copy of the version in `from`."""
        body = PackCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        pack_id, source = given.pop("pack_id"), given.pop("from_", None)
        if source is not None:
            pack = drafts.pack_draft_from(
                actor=actor_of(request), pack=pack_get(pack_id=pack_id, version=source)
            )
        else:
            code = given.pop("jurisdiction_code")
            with wire_problems(frozenset(body.fields)):
                pack = drafts.pack_create(
                    actor=actor_of(request),
                    pack_id=pack_id,
                    jurisdiction=_jurisdiction(code),
                    **given,
                )
        response = _answer(pack)
        response["Location"] = f"/api/v1/compliance/jurisdiction-rules/{pack_id}/{pack.version}"
        return response

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=PackWriteSerializer, responses=_RULE)
    def update(self, request: Request, pack_id: str, version: str) -> Response:
        """Change the given fields of a Draft."""
        return self._write(request, pack_id, version, partial=True)

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=PackWriteSerializer, responses=_RULE)
    def replace(self, request: Request, pack_id: str, version: str) -> Response:
        """Write all fields of a Draft: what is left out is emptied; its requirements stay."""
        return self._write(request, pack_id, version, partial=False)

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=NothingSerializer, responses=_RULE)
    @idempotent
    def submit(self, request: Request, pack_id: str, version: str) -> Response:
        """Hand a Draft over for review; from now on nobody edits it."""
        return _step(lifecycle.pack_submit, NothingSerializer, request, pack_id, version)

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=ReasonSerializer, responses=_RULE)
    @idempotent
    def send_back(self, request: Request, pack_id: str, version: str) -> Response:
        """Return a version in review to its authors, as a Draft, with the reason."""
        return _step(lifecycle.pack_return, ReasonSerializer, request, pack_id, version)

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=ActivationSerializer, responses=_RULE)
    @idempotent
    def activate(self, request: Request, pack_id: str, version: str) -> Response:
        """Approve a reviewed version on its dry run; never by anybody who made or submitted it."""
        return _step(lifecycle.pack_activate, ActivationSerializer, request, pack_id, version)

    @extend_schema(parameters=[IF_MATCH_PARAMETER], request=ReasonSerializer, responses=_RULE)
    @idempotent
    def retire(self, request: Request, pack_id: str, version: str) -> Response:
        """End a version for good, with the reason; it stays readable."""
        return _step(lifecycle.pack_retire, ReasonSerializer, request, pack_id, version)

    @staticmethod
    def _write(request: Request, pack_id: str, version: str, *, partial: bool) -> Response:
        body = PackWriteSerializer(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        given = {**({} if partial else PACK_DEFAULTS), **body.validated_data}
        pack = pack_get(pack_id=pack_id, version=version)
        with wire_problems(frozenset(body.fields)):
            row = drafts.pack_update(
                actor=actor_of(request),
                pack=pack,
                lock_version=seen_version(request, pack),
                **given,
            )
        return _answer(row)


class RequirementViewSet(WireViewSet):
    """The requirements of a version; only those of a Draft are written."""

    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        ("create", "update", "replace", "destroy"), _FAILED
    )
    query_parameters: ClassVar[dict[str, frozenset[str]]] = dict.fromkeys(
        ("retrieve", *failure_events), _NO_PARAMETERS
    )

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_REQUIREMENT))
    def retrieve(self, request: Request, pack_id: str, version: str, key: str) -> HttpResponseBase:
        """Get one requirement; its `ETag` goes into `If-Match` when it is changed."""
        row = requirement_get(pack=pack_get(pack_id=pack_id, version=version), key=key)
        data = RequirementSerializer(row).data
        return answer_tagged(request, _requirement_etag(row), "requirement", data)

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER],
        request=RequirementWriteSerializer,
        responses={200: _REQUIREMENT},
    )
    @idempotent
    def create(self, request: Request, pack_id: str, version: str) -> Response:
        """Add a requirement at the end of a Draft; `If-Match` names the Draft."""
        body = RequirementWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        pack = pack_get(pack_id=pack_id, version=version)
        with wire_problems(frozenset(body.fields)):
            row = requirements.requirement_create(
                actor=actor_of(request),
                pack=pack,
                pack_lock_version=seen_version(request, pack),
                **body.validated_data,
            )
        return _answer_requirement(row)

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=RequirementWriteSerializer, responses=_REQUIREMENT
    )
    def update(self, request: Request, pack_id: str, version: str, key: str) -> Response:
        """Change the given fields of a Draft's requirement."""
        return self._write(request, pack_id, version, key, partial=True)

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=RequirementWriteSerializer, responses=_REQUIREMENT
    )
    def replace(self, request: Request, pack_id: str, version: str, key: str) -> Response:
        """Write all fields of a Draft's requirement: what is left out takes its default."""
        return self._write(request, pack_id, version, key, partial=False)

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER],
        request=NothingSerializer,
        responses={
            200: noun_serializer(
                "RequirementDeletedResponse", "requirement", RequirementSerializer(allow_null=True)
            )
        },
    )
    def destroy(self, request: Request, pack_id: str, version: str, key: str) -> Response:
        """Take a requirement out of a Draft."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        row = requirement_get(pack=pack_get(pack_id=pack_id, version=version), key=key)
        requirements.requirement_delete(
            actor=actor_of(request), requirement=row, lock_version=_seen_requirement(request, row)
        )
        return answer("requirement", None)

    @staticmethod
    def _write(
        request: Request, pack_id: str, version: str, key: str, *, partial: bool
    ) -> Response:
        body = RequirementWriteSerializer(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        given = {**({} if partial else requirement_defaults()), **body.validated_data}
        row = requirement_get(pack=pack_get(pack_id=pack_id, version=version), key=key)
        with wire_problems(frozenset(body.fields)):
            changed = requirements.requirement_update(
                actor=actor_of(request),
                requirement=row,
                lock_version=_seen_requirement(request, row),
                **given,
            )
        return _answer_requirement(changed)


def _jurisdiction(code: str) -> Jurisdiction:
    found = Jurisdiction.objects.filter(code=code.strip().upper()).first()
    if found is None:
        text = f"There is no jurisdiction {code}."
        raise ValidationFailed(
            f"jurisdictionCode: {text}",
            details={"jurisdictionCode": [text]},
            recordable="The request is not valid: jurisdictionCode",
        )
    return found


def _step(
    service: Callable[..., RulePack],
    serializer_class: type[WireSerializer],
    request: Request,
    pack_id: str,
    version: str,
) -> Response:
    body = serializer_class(data=request.data)
    body.is_valid(raise_exception=True)
    pack = pack_get(pack_id=pack_id, version=version)
    with wire_problems(frozenset(body.fields)):
        row = service(
            actor=actor_of(request),
            pack=pack,
            lock_version=seen_version(request, pack),
            **body.validated_data,
        )
    return _answer(row)


def _etag(pack: RulePack) -> str:
    return f"{pack.pk}-{pack.lock_version}"


def _requirement_etag(requirement: Requirement) -> str:
    return f"{requirement.pk}-{requirement.lock_version}"


def seen_version(request: Request, pack: RulePack) -> int | None:
    """Return the lock version that `If-Match` names, for the service to hold against the row."""
    expected = request.headers.get("If-Match")
    require_match(expected, _etag(pack))
    return None if expected is None else pack.lock_version


def _seen_requirement(request: Request, requirement: Requirement) -> int | None:
    expected = request.headers.get("If-Match")
    require_match(expected, _requirement_etag(requirement))
    return None if expected is None else requirement.lock_version


def _document(pack: RulePack) -> Any:
    rows = requirements_of([pack])
    shown: Any = pack
    shown.ordered_requirements, shown.requirement_count = rows, len(rows)
    return PackDetailSerializer(shown).data


def _answer(pack: RulePack) -> Response:
    response = answer("rule", _document(pack))
    response["ETag"] = quote_etag(_etag(pack))
    return response


def _answer_requirement(requirement: Requirement) -> Response:
    response = answer("requirement", RequirementSerializer(requirement).data)
    response["ETag"] = quote_etag(_requirement_etag(requirement))
    return response
