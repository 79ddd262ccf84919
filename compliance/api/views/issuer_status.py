"""The status of an issuer."""

from typing import ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.actor import actor_of
from compliance.api.status_serializers import IssuerStatusSerializer
from compliance.services.issuer_status import issuer_status
from config.api.paging import WantedPage
from config.api.schema import IF_NONE_MATCH_PARAMETER, NUMBERED_PAGING, tagged
from config.api.views import WireViewSet, answer_tagged

MOST_TOKENS = 100


class IssuerStatusViewSet(WireViewSet):
    """Is this issuer compliant? As its worst token is."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset({"page", "pageSize"})
    }

    @extend_schema(
        parameters=[*NUMBERED_PAGING, IF_NONE_MATCH_PARAMETER],
        responses=tagged(
            inline_serializer(
                "IssuerStatusResponse",
                {
                    "success": serializers.BooleanField(),
                    "status": IssuerStatusSerializer(),
                    "totalCount": serializers.IntegerField(),
                    "page": serializers.IntegerField(),
                    "pageSize": serializers.IntegerField(),
                    "totalPages": serializers.IntegerField(),
                    "nextCursor": serializers.CharField(allow_null=True),
                },
            )
        ),
    )
    def retrieve(self, request: Request, issuer_id: UUID) -> HttpResponseBase:
        """Get the status of an issuer: that of its worst token, with its tokens listed.

        The status and the counts are of all tokens. The list is paged, 100 unless `pageSize` says
        less, the worst first.
        """
        wanted = WantedPage.of(request, default=MOST_TOKENS, cap=MOST_TOKENS)
        status = issuer_status(actor=actor_of(request), issuer_id=issuer_id)
        page = wanted.cut(status.tokens)
        etag = f"{status.etag}-{page.page}-{page.page_size}"
        document = status.document(page.rows)
        return answer_tagged(request, etag, "status", document, **page.envelope)
