"""Users, issuers and tokens in the admin; every change goes through the services."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin_forms import IssuerForm, LogInForm, MemberForm, TokenForm, UserForm
from accounts.admin_roles import RoleAdminMixin, ServiceModelAdmin, actor_of
from accounts.models import Issuer, IssuerMember, Token, User
from accounts.services import (
    issuer_create,
    issuer_update,
    member_add,
    member_remove,
    token_owner_verify,
    token_reassign,
    token_update,
    user_create,
    user_update,
)
from config.api.errors import DomainError

admin.site.login_form = LogInForm

# Roles are set on users, and tokens of sessions are nobody's business.
for _model in (Group, OutstandingToken, BlacklistedToken):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(ServiceModelAdmin):
    """Users: staff see them, administrators make and change them, nobody deletes one."""

    form = UserForm
    list_display = ("label", "email", "full_name", "role_names", "is_active", "created_at")
    list_filter = ("groups", "is_active")
    search_fields = ("email", "address", "full_name")
    ordering = ("-created_at", "pk")
    identity = ("email", "address", "full_name")
    access = ("roles", "new_password", "new_password_again")
    written = ("is_superuser", "last_login", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.prefetch_related("groups").order_by(*self.ordering)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (*self.identity, *self.access)
        if self.has_change_permission(request, obj):
            return (*self.identity, "is_active", *self.access, *self.written)
        return (*self.identity, "is_active", "role_names", *self.written)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("role_names", *self.written)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_administrator(request)

    @admin.display(description="Roles")
    def role_names(self, user: User) -> str:
        names = {group.name for group in user.groups.all()}
        return ", ".join(sorted(names | ({"superuser"} if user.is_superuser else set())))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        data = form.cleaned_data
        names = form.changed_data if change else self.identity
        content = {name: data[name] for name in names if name in UserForm.Meta.fields}
        password = data["new_password"] or None
        if change:
            roles = data["roles"] if "roles" in form.changed_data else None
            user_update(
                actor=actor_of(request), user=obj, password=password, roles=roles, **content
            )
            return
        user = user_create(
            actor=actor_of(request), password=password, roles=data["roles"], **content
        )
        obj.pk = user.pk


class MemberInline(RoleAdminMixin, admin.TabularInline):  # type: ignore[type-arg]
    """The members of an issuer."""

    model = IssuerMember
    form = MemberForm
    extra = 0
    autocomplete_fields = ("user",)
    ordering = ("created_at", "pk")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Issuer)
class IssuerAdmin(ServiceModelAdmin):
    """Issuers with their members: staff see them, officers make and change them."""

    form = IssuerForm
    list_display = ("__str__", "lei", "country", "entity_type", "created_at")
    list_filter = ("entity_type", "country")
    search_fields = ("legal_name", "lei", "registration_number")
    ordering = ("-created_at", "pk")
    fields = IssuerForm.Meta.fields
    inlines = [MemberInline]

    def save_model(self, request: HttpRequest, obj: Issuer, form: Any, change: bool) -> None:
        names = form.changed_data if change else IssuerForm.Meta.fields
        content = {name: form.cleaned_data[name] for name in names}
        if change:
            issuer_update(actor=actor_of(request), issuer=obj, **content)
            return
        issuer = issuer_create(actor=actor_of(request), **content)
        obj.pk, obj._state.adding = issuer.pk, False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        actor = actor_of(request)
        formset.save(commit=False)  # sorts the rows; the services write them
        for member in formset.deleted_objects:
            member_remove(actor=actor, member=member)
        for member in [*formset.new_objects, *(row for row, _ in formset.changed_objects)]:
            member_add(actor=actor, issuer=form.instance, user=member.user, role=member.role)


class VerifiedFilter(admin.SimpleListFilter):
    """Whether somebody checked that the issuer owns the token."""

    title = "ownership"
    parameter_name = "ownership"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("verified", "Verified"), ("unverified", "Not verified"), ("none", "Unowned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Token]) -> QuerySet[Token]:
        match self.value():
            case "verified":
                return queryset.filter(ownership_verified_at__isnull=False)
            case "unverified":
                return queryset.filter(ownership_verified_at__isnull=True, issuer__isnull=False)
            case "none":
                return queryset.filter(issuer__isnull=True)
        return queryset


@admin.register(Token)
class TokenAdmin(ServiceModelAdmin):
    """Tokens: staff see them, officers complete, verify and reassign them.

    A token comes into being by the first record about it, not here.
    """

    form = TokenForm
    list_display = ("asset_id", "network", "name", "issuer", "verified", "created_at")
    list_filter = ("network", VerifiedFilter, "standard")
    list_select_related = ("issuer",)
    search_fields = ("asset_id__exact", "name", "unit_name", "issuer__legal_name")
    ordering = ("-created_at", "-pk")
    autocomplete_fields = ("issuer",)
    actions = ("verify_ownership",)
    written = ("network", "asset_id", "ownership_verified_at", "created_at")
    fields = ("network", "asset_id", *TokenForm.Meta.fields, "ownership_verified_at", "created_at")
    readonly_fields = written

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(boolean=True)
    def verified(self, token: Token) -> bool | None:
        return None if token.issuer_id is None else token.ownership_verified_at is not None

    @admin.action(description="Verify ownership", permissions=["change"])
    def verify_ownership(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        verified = 0
        for token in queryset.order_by("pk"):
            try:
                token_owner_verify(actor=actor_of(request), token=token)
                verified += 1
            except DomainError as refusal:
                self.message_user(request, f"{token}: {refusal.message}", messages.ERROR)
        if verified:
            self.message_user(request, f"Ownership verified: {verified}.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        content = {name: form.cleaned_data[name] for name in form.changed_data}
        if "issuer" in content:
            token_reassign(actor=actor_of(request), token=obj, issuer=content.pop("issuer"))
        if content:
            token_update(actor=actor_of(request), token=obj, **content)


def _is_administrator(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_administrator
