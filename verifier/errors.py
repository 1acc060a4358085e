"""How the verifier refuses: the service's error code, its exact text and HTTP status."""


class ServiceError(Exception):
    """A refusal as IAM, STS or the console words it.

    Args: code (such as `InvalidAuthenticationCode`), message (the service's text, to the letter;
    empty where it has none), HTTP status.
    """

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code
