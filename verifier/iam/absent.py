# ruff: noqa: N803 - parameters are named as boto3 names them
"""Lists of what no account here has, for auditors, who ask for them beside MFA.

Each answers as in an account without such entities.
"""

from __future__ import annotations

from typing import Any, Unpack

from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_everything, on_user, operation, target_user
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.targets import on_role, target_role


class Absent(ForCaller):
    """Certificates, identity providers, instance profiles, SSH keys, service credentials."""

    @operation("ListInstanceProfiles", Door.IAM, on_everything)
    def list_instance_profiles(
        self, call: Call, *, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """No instance profiles."""
        return {"InstanceProfiles": [], "IsTruncated": False}

    @operation("ListInstanceProfilesForRole", Door.IAM, on_role)
    def list_instance_profiles_for_role(
        self, call: Call, *, RoleName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """No instance profiles."""
        target_role(call, RoleName)
        return {"InstanceProfiles": [], "IsTruncated": False}

    @operation("ListOpenIDConnectProviders", Door.IAM, on_everything)
    def list_open_id_connect_providers(self, call: Call) -> dict[str, Any]:
        """No providers."""
        return {"OpenIDConnectProviderList": []}

    @operation("ListSAMLProviders", Door.IAM, on_everything)
    def list_saml_providers(self, call: Call) -> dict[str, Any]:
        """No providers."""
        return {"SAMLProviderList": []}

    @operation("ListServerCertificates", Door.IAM, on_everything)
    def list_server_certificates(
        self, call: Call, *, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """No certificates."""
        return {"ServerCertificateMetadataList": [], "IsTruncated": False}

    @operation("ListSigningCertificates", Door.IAM, on_user)
    def list_signing_certificates(
        self, call: Call, *, UserName: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """No certificates."""
        target_user(call, UserName)
        return {"Certificates": [], "IsTruncated": False}

    @operation("ListSSHPublicKeys", Door.IAM, on_user)
    def list_ssh_public_keys(
        self, call: Call, *, UserName: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """No keys."""
        target_user(call, UserName)
        return {"SSHPublicKeys": [], "IsTruncated": False}

    @operation("ListServiceSpecificCredentials", Door.IAM, on_user)
    def list_service_specific_credentials(
        self,
        call: Call,
        *,
        UserName: str | None = None,
        ServiceName: str | None = None,
        AllUsers: bool | None = None,
        **paging: Unpack[Paging],
    ) -> dict[str, Any]:
        """No credentials."""
        if not AllUsers:
            target_user(call, UserName)
        return {"ServiceSpecificCredentials": [], "IsTruncated": False}
