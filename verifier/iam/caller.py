"""What every group of operations has: the service, and who calls."""

from mfalab.verifier.authorization import Signer
from mfalab.verifier.calls import Service


class ForCaller:
    """Operations for one caller."""

    def __init__(self, service: Service, credentials: Signer, source_ip: str | None = None) -> None:
        self._service = service
        self._credentials = credentials
        self._source_ip = source_ip
