"""Small parts of S3 and EC2, so that policies have something to protect.

Every account has one bucket and one instance. An instance that was terminated stays so while the
process lives. Refusals have the codes of these services, whatever the verifier calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Signer
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.wire import query
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.xml import document, element, text

_S3 = "http://s3.amazonaws.com/doc/2006-03-01/"
_EC2_VERSION = "2016-11-15"
_EC2 = f"http://ec2.amazonaws.com/doc/{_EC2_VERSION}/"
INSTANCE = "i-0123456789abcdef0"
"""The instance that every account has."""


class Protected:
    """A service that asks the verifier whether something may be done.

    Args: the verifier.
    """

    CODES: ClassVar[dict[str, tuple[str, int, str | None]]] = {}
    """What it calls a refusal, with which HTTP status and, if it has its own, which text."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def _authorize(self, signer: Signer, request: Request, action: str, resource: str) -> None:
        address = {} if request.source_ip is None else {"aws:SourceIp": request.source_ip}
        self._verifier.authorize(signer, action, resource, context=address)

    def _account(self, signer: Signer) -> str:
        return self._verifier.account_of(signer)

    def _own(self, error: ServiceError) -> ServiceError:
        code, status, own = self.CODES.get(error.code, (error.code, error.status, None))
        return ServiceError(code, own or error.message, status)


class Buckets(Protected):
    """S3's ListBuckets: `GET /`."""

    CODES: ClassVar = {
        "InvalidClientTokenId": (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "ExpiredToken": ("ExpiredToken", 400, "The provided token has expired."),
        "MissingAuthenticationToken": ("AccessDenied", 403, "Access Denied"),
    }

    def answer(self, request: Request, signer: Signer, request_id: str) -> bytes:
        """The answer to a request.

        Raises:
            ServiceError: AccessDenied; NotImplemented for all that is not ListBuckets.
        """
        if (request.method, request.path) != ("GET", "/"):
            self._account(signer)
            raise refusals.only_list_buckets()
        self._authorize(signer, request, "s3:ListAllMyBuckets", "*")
        account = self._account(signer)
        name = element("Name", f"mfalab-{account}")
        bucket = element("Bucket", name + element("CreationDate", "2026-01-01T00:00:00.000Z"))
        owner = element("Owner", element("ID", account.ljust(64, "0")))
        return document("ListAllMyBucketsResult", _S3, element("Buckets", bucket) + owner)

    def refusal(self, error: ServiceError, request_id: str) -> tuple[int, bytes]:
        """A refusal: HTTP status and body."""
        own = self._own(error)
        said = element("Code", text(own.code)) + element("Message", text(own.message))
        body = element("Error", said + element("RequestId", request_id))
        return own.status, body.encode()


class Instances(Protected):
    """EC2's DescribeInstances and TerminateInstances."""

    CODES: ClassVar = {
        "InvalidClientTokenId": (
            "AuthFailure",
            401,
            "AWS was not able to validate the provided access credentials",
        ),
        "SignatureDoesNotMatch": (
            "AuthFailure",
            401,
            "AWS was not able to validate the provided access credentials",
        ),
        "ExpiredToken": ("RequestExpired", 400, "Request has expired."),
        "AccessDenied": ("UnauthorizedOperation", 403, None),
    }

    def __init__(self, verifier: Verifier) -> None:
        super().__init__(verifier)
        self._terminated: set[str] = set()

    def answer(self, request: Request, signer: Signer, request_id: str) -> bytes:
        """The answer to a request.

        Raises:
            ServiceError: UnauthorizedOperation, InvalidInstanceID.NotFound, InvalidAction.
        """
        fields = query.form(request)
        action, account = fields.get("Action"), self._account(signer)
        if action == "DescribeInstances":
            self._authorize(signer, request, "ec2:DescribeInstances", "*")
            _stop_dry_run(fields)
            content = self._described(account)
        elif action == "TerminateInstances":
            wanted = sorted(
                {value for name, value in fields.items() if name.startswith("InstanceId.")}
            )
            content = self._terminate(request, signer, account, wanted, fields)
        else:
            raise refusals.unknown_operation(action or "", fields.get("Version"))
        return document(f"{action}Response", _EC2, element("requestId", request_id) + content)

    def _described(self, account: str) -> str:
        state = _state("terminated" if account in self._terminated else "running")
        instance = element("instanceId", INSTANCE) + element("instanceState", state)
        reservation = element("reservationId", "r-0123456789abcdef0") + element("ownerId", account)
        reservation += element("instancesSet", element("item", instance))
        return element("reservationSet", element("item", reservation))

    def _terminate(
        self,
        request: Request,
        signer: Signer,
        account: str,
        wanted: list[str],
        fields: Mapping[str, str],
    ) -> str:
        region = getattr(signer, "region", "us-east-1")
        for instance in wanted:
            arn = f"arn:aws:ec2:{region}:{account}:instance/{instance}"
            self._authorize(signer, request, "ec2:TerminateInstances", arn)
        unknown = [instance for instance in wanted if instance != INSTANCE]
        if unknown or not wanted:
            raise refusals.no_such_instance(unknown[0] if unknown else "")
        _stop_dry_run(fields)
        before = "terminated" if account in self._terminated else "running"
        self._terminated.add(account)
        item = element("instanceId", INSTANCE)
        item += element("currentState", _state("terminated"))
        item += element("previousState", _state(before))
        return element("instancesSet", element("item", item))

    def refusal(self, error: ServiceError, request_id: str) -> tuple[int, bytes]:
        """A refusal: HTTP status and body."""
        own = self._own(error)
        message = own.message
        if own.code == "UnauthorizedOperation":
            message = f"You are not authorized to perform this operation. {message}"
        said = element("Error", element("Code", text(own.code)) + element("Message", text(message)))
        body = element("Response", element("Errors", said) + element("RequestID", request_id))
        return own.status, body.encode()


def _stop_dry_run(fields: Mapping[str, str]) -> None:
    """End a request that only asks whether it would be allowed.

    Raises:
        ServiceError: DryRunOperation: it would.
    """
    if fields.get("DryRun", "").lower() == "true":
        raise refusals.dry_run()


def _state(name: str) -> str:
    return element("code", "16" if name == "running" else "48") + element("name", name)
