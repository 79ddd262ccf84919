"""Routes of the views of the log that ask who somebody is, or whose a token is."""

from django.urls import path

from accounts.api.security import RefusalsViewSet, SecurityActivityViewSet
from accounts.api.trail_views import IssuerTrailViewSet, TokenTrailViewSet

_issuer = IssuerTrailViewSet

urlpatterns = [
    path("issuer/audit-trail", _issuer.as_view({"get": "list"})),
    path("issuer/audit-trail/csv", _issuer.as_view({"get": "export_csv"})),
    path("issuer/audit-trail/json", _issuer.as_view({"get": "export_json"})),
    path("token/<asset:asset_id>/audit-trail", TokenTrailViewSet.as_view({"get": "list"})),
    path("security/activity", SecurityActivityViewSet.as_view({"get": "list"})),
    path("security/refusals", RefusalsViewSet.as_view({"get": "list"})),
]
