"""The tags of the shipped suites and what they mean; they are pytest markers too."""

TAGS = {
    "app": "virtual authenticator apps",
    "attack": "a person who should not get in",
    "audit": "lists, summaries, credential reports",
    "clock": "clocks that are wrong in other ways than drift",
    "delay": "what one part of the service learns late from another",
    "drift": "device clocks that drift",
    "enrolment": "devices are created, enabled, deactivated, deleted",
    "event-token": "event-based hardware tokens",
    "guessing": "codes are guessed",
    "hardware-token": "hardware TOTP tokens",
    "limit": "the number of devices for each identity",
    "lost": "devices are lost, broken or replaced",
    "migration": "from SMS to something better",
    "policy": "IAM policies decide",
    "profile-rfc6238": "rules of the classic server",
    "race": "requests at the same moment",
    "recovery": "root signs in by alternative factors",
    "replay": "codes are presented twice",
    "resync": "devices are resynchronised",
    "roles": "roles are assumed",
    "root": "the root user",
    "security-key": "FIDO2 and U2F security keys",
    "session": "temporary credentials",
    "several": "several devices for one identity",
    "sign-in": "console sign-in",
    "sms": "codes by SMS",
    "throttle": "attempts are limited",
}
_PYTESTS_OWN = ("skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings")


def without_effect(tag: str) -> str:
    """A tag that does nothing by itself: a case with the tag `skip` would be green and not run.

    Raises:
        ValueError: pytest acts on a marker of that name.
    """
    if tag in _PYTESTS_OWN:
        raise ValueError(f'"{tag}" is a marker that pytest acts on; choose another word')
    return tag
