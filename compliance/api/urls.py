"""Routes of the record, its status and its reports."""

from django.urls import path

from compliance.api.views.metadata import MetadataViewSet
from compliance.api.views.reports import ReportViewSet
from compliance.api.views.status import TokenStatusViewSet

urlpatterns = [
    path("compliance", MetadataViewSet.as_view({"post": "upsert", "get": "list"})),
    path("compliance/reports", ReportViewSet.as_view({"post": "create", "get": "list"})),
    path("compliance/reports/<uuid:report_id>", ReportViewSet.as_view({"get": "retrieve"})),
    path("compliance/<asset:asset_id>/status", TokenStatusViewSet.as_view({"get": "retrieve"})),
    path(
        "compliance/<asset:asset_id>",
        MetadataViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
]
