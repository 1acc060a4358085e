"""IAM, STS, and a little of S3 and EC2 by boto3: a result, a refusal, or no verdict.

A refusal is what an operation answers in AWS's words with a status of 4xx. All else is an error of
the target: no connection, a status of 5xx, throttling, and what is no answer of this operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from xml.etree import ElementTree

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.http import Transport
from mfalab.verifier import Credentials, ServiceError

REGION = "us-east-1"
_MASKED = "***"
_SECRET = frozenset(
    {
        "AuthenticationCode1",
        "AuthenticationCode2",
        "NewPassword",
        "OldPassword",
        "Password",
        "TokenCode",
    }
)
_THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_SKEWED = ("Signature expired", "Signature not yet current")
_ROOTS = {"ListBuckets": "ListAllMyBucketsResult"}
"""The elements of answers that are not called after their operation."""
_REFUSALS = {"iam": "ErrorResponse", "sts": "ErrorResponse", "ec2": "Response", "s3": "Error"}
"""The element of a refusal, by service."""
_PAGES = ("<!doctype html", "<html")
_TOLD = 80


class Answered(dict[str, Any]):
    """An answer; what it should have and has not is an error of the target."""

    def __init__(self, operation: str, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        self._operation = operation

    def __missing__(self, key: str) -> Any:
        if key == "IsTruncated":  # left out, it is false
            return False
        raise TargetFailed(f"the answer to {self._operation} has no {key}")

    @classmethod
    def of(cls, operation: str, value: Any) -> Any:
        """An answer with everything in it."""
        if isinstance(value, Mapping):
            return cls(operation, {key: cls.of(operation, each) for key, each in value.items()})
        if isinstance(value, list):
            return [cls.of(operation, each) for each in value]
        return value


@dataclass(frozen=True, slots=True)
class Called:
    """A call as it was sent: who it is signed by, and what it says, with secrets masked."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        said = "".join(f" {name}={_shown(value)}" for name, value in self.parameters.items())
        return f"{self.service} {self.operation}{said}"


@dataclass(slots=True)
class Wire:
    """The services at one address.

    Attributes:
        label: what the endpoint is called in errors.
        session: of boto3; its credentials are the administrator's.
        transport: sends what was signed.
        url: the address; None for AWS's own.
        listener: told of every call before it is sent.
    """

    label: str
    session: boto3.Session
    transport: Transport
    url: str | None = None
    listener: Callable[[Called], None] = field(default=lambda _: None)
    _clients: dict[tuple[str, str, Credentials | None], Any] = field(default_factory=dict)
    _making: Lock = field(default_factory=Lock)

    def call(
        self,
        service: str,
        method: str,
        parameters: Mapping[str, Any],
        credentials: Credentials | None = None,
        region: str | None = None,
    ) -> Any:
        """Call an operation by boto3's method.

        Args:
            service: such as `iam`.
            method: such as `create_user`.
            parameters: of the operation; nothing is checked here, that is the endpoint's part.
            credentials: of the caller; the administrator's when left out.
            region: the region it is signed for.

        Raises:
            ServiceError: it is refused.
            TargetFailed: there is no verdict.
        """
        client = self._client(service, region or self.session.region_name or REGION, credentials)
        operation = client.meta.method_to_api_mapping[method]
        masked = {key: _MASKED if key in _SECRET else each for key, each in parameters.items()}
        self.listener(Called(service, operation, masked))
        try:
            return Answered.of(operation, getattr(client, method)(**parameters))
        except ClientError as error:
            raise self._verdict(operation, error) from None
        except TargetFailed:
            raise
        except NoCredentialsError:
            raise TargetFailed(
                "there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or name a profile: aws:URL?profile=NAME"
            ) from None
        except Exception as error:  # botocore trips over what is no answer in many ways
            raise TargetFailed(
                f"{self.label} cannot be asked for {operation}: {type(error).__name__}: {error}"
            ) from None

    def forget(self) -> None:
        """Let go of the callers of a case."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, service: str, region: str, credentials: Credentials | None) -> Any:
        wanted = service, region, credentials
        with self._making:
            if wanted not in self._clients:
                self._clients[wanted] = self._made(service, region, credentials)
            return self._clients[wanted]

    def _made(self, service: str, region: str, credentials: Credentials | None) -> Any:
        keys: dict[str, str | None] = {}
        if credentials is not None:
            keys = {
                "aws_access_key_id": credentials.access_key_id,
                "aws_secret_access_key": credentials.secret_access_key,
                "aws_session_token": credentials.session_token,
            }
        client = self.session.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            # What is wrong with a parameter is for the endpoint to say, and once.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1, "mode": "standard"},
            ),
            **keys,
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, event_name: str, **more: object) -> AWSResponse:
        """Send a request in botocore's place, and look at the answer before it is parsed."""
        _, service, operation = event_name.split(".")
        answer = self.transport(request)
        self._check(service, operation, answer)
        return answer

    def _check(self, service: str, operation: str, answer: AWSResponse) -> None:
        """Let pass what answers an operation.

        Raises:
            TargetFailed: it does not.
        """
        status = answer.status_code
        begin = " ".join(answer.content[:_TOLD].decode(errors="replace").split())
        if begin.lower().startswith(_PAGES):
            begin = "a web page"
        told = f"{self.label} answered {operation} with HTTP {status}" + (begin and f": {begin}")
        if not 200 <= status < 500 or status == 429:
            raise TargetFailed(told)
        try:
            tag = ElementTree.fromstring(answer.content).tag  # noqa: S314 - expat bounds its growth
        except (ElementTree.ParseError, ValueError, LookupError):
            raise TargetFailed(f"{told}, which is no XML") from None
        accepted = _ROOTS.get(operation, f"{operation}Response")
        due = accepted if status < 300 else _REFUSALS[service]
        if tag.rpartition("}")[2] != due:
            raise TargetFailed(f"{told}, and an answer to it is <{due}>")

    def _verdict(self, operation: str, error: ClientError) -> Exception:
        """A refusal, if it is one."""
        said = error.response.get("Error", {})
        code, message = str(said.get("Code") or ""), str(said.get("Message") or "")
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        if code in _THROTTLED:
            return TargetFailed(f"{self.label} throttles {operation}: {code}: {message}")
        if code == "RequestTimeTooSkewed" or message.startswith(_SKEWED):
            return TargetFailed(f"{self.label} has another time than this machine: {message}")
        if code == "Unknown" or not code.replace(".", "").isalpha():
            return TargetFailed(f"{self.label} refused {operation} without a code: {message}")
        return ServiceError(code, message, status)


def _shown(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(" \"'\n") else repr(value)
