"""How the verifier refuses: the service's error code, its exact text and HTTP status."""


class ServiceError(Exception):
    """A refusal as IAM, STS or the console words it.

    Args: code (such as `InvalidAuthenticationCode`), message (the service's text, to the letter),
    HTTP status.
    """

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(code, message, status)

    @property
    def code(self) -> str:
        """The service's error code."""
        return str(self.args[0])

    @property
    def message(self) -> str:
        """The service's text, to the letter."""
        return str(self.args[1])

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.args[2])

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
