"""liboath's users file at times that are set: one verdict for each line `TIME CODE` on stdin."""

import ctypes
import sys
from pathlib import Path

WINDOW = 5
"""What pam_oath takes when its line says nothing."""


def main(clock: str, users_file: str, seed_hex: str) -> None:
    """Judge the attempts of one user.

    Args:
        clock: the library that was loaded first, which has the time.
        users_file: where liboath keeps what it remembers; written anew.
        seed_hex: the user's seed.
    """
    set_time = ctypes.CDLL(clock).set_time
    set_time.argtypes = [ctypes.c_longlong]
    authenticate = ctypes.CDLL("liboath.so.0").oath_authenticate_usersfile
    authenticate.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_size_t] + [ctypes.c_void_p] * 2
    Path(users_file).write_text(f"HOTP/T30 alice - {seed_hex}\n")
    last = ctypes.c_longlong()
    for line in sys.stdin:
        time_s, code = line.split()
        set_time(int(time_s))
        result = authenticate(
            users_file.encode(), b"alice", code.encode(), WINDOW, None, ctypes.byref(last)
        )
        sys.stdout.write(f"{result}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
