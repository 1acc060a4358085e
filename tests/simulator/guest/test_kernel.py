"""The guest's kernel: found, or fetched by programs that are only played here."""

from pathlib import Path

import pytest

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.errors import GuestNotReady
from mfalab.simulator.guest.kernel import MODULES, find_kernel, kernel

VERSION = "6.1.0-9-amd64"
PACKAGE = f"linux-image-{VERSION}"

APT_CACHE = f"""
echo linux-image-amd64
echo '  Depends: {PACKAGE}'
"""
APT_GET = 'for last; do :; done; echo an archive > "${last}_1_amd64.deb"'
DPKG = f"""
mkdir -p "$3/boot" "$3/lib/modules/{VERSION}"
echo kernel > "$3/boot/vmlinuz-{VERSION}"
"""
DEPMOD = f"""
cd "$2/lib/modules/{VERSION}"
touch modules.builtin
for each in {" ".join(MODULES)}; do echo "kernel/$each.ko:"; done > modules.dep
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mfalab" / "guest"


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts programs in the place of apt's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(needs, "SYSTEM_PATH", "/nowhere")

    def play(**programs: str) -> None:
        scripts = {"apt-cache": APT_CACHE, "apt-get": APT_GET, "dpkg": DPKG, "depmod": DEPMOD}
        scripts |= {name.replace("_", "-"): text for name, text in programs.items()}
        for name, text in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    play()
    return play


def fetch() -> list[str]:
    said: list[str] = []
    kernel(said.append)
    return said


def test_kernel_is_fetched_once(cache, play):
    said = fetch()
    assert said[0].startswith(f"fetching {PACKAGE}")
    found = find_kernel()
    assert found is not None
    assert found.version == VERSION
    assert found.image.read_text() == "kernel\n"
    assert found.modules == cache / PACKAGE / "lib" / "modules" / VERSION

    play(apt_cache="exit 9", apt_get="exit 9")
    assert fetch() == []


def test_archive_is_not_kept(cache, play):
    fetch()
    assert sorted(path.name for path in cache.iterdir()) == [PACKAGE, "lock"]


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("apt_get", "echo 'E: 404  Not Found' >&2; exit 100"),
        ("dpkg", "echo 'archive is truncated' >&2; exit 2"),
        ("depmod", "exit 1"),
    ],
)
def test_half_a_kernel_is_none(cache, play, program, text):
    play(**{program: text})
    with pytest.raises(GuestNotReady, match="apt-get update"):
        fetch()
    assert find_kernel() is None
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_reason_is_what_apt_said_last(cache, play):
    play(apt_get="echo 'W: hm' >&2; echo 'E: 404  Not Found' >&2; exit 100")
    with pytest.raises(GuestNotReady, match=r"apt-get could not .*: E: 404  Not Found\."):
        fetch()


def test_kernel_without_uhid_is_refused_by_name(cache, play):
    play(depmod=DEPMOD + "sed -i /uhid/d modules.dep")
    with pytest.raises(GuestNotReady, match="lacks uhid"):
        fetch()
    assert find_kernel() is None


def test_module_that_is_built_in_is_not_missed(cache, play):
    play(
        depmod=DEPMOD
        + "sed -i /overlay/d modules.dep; echo kernel/fs/overlay.ko >> modules.builtin"
    )
    fetch()
    assert find_kernel() is not None


def test_distribution_without_the_package_is_told_so(cache, play):
    play(apt_cache="echo 'N: Unable to locate package'")
    with pytest.raises(GuestNotReady, match="container of Debian"):
        fetch()


def test_newest_kernel_is_booted(cache, play):
    fetch()
    newer = PACKAGE.replace("-9-", "-10-")
    (cache / PACKAGE).rename(cache / "aside")
    play(
        apt_cache=APT_CACHE.replace("-9-", "-10-"),
        dpkg=DPKG.replace("-9-", "-10-"),
        depmod=DEPMOD.replace("-9-", "-10-"),
    )
    fetch()
    (cache / "aside").rename(cache / PACKAGE)
    found = find_kernel()
    assert found is not None
    assert found.folder.name == newer


def test_missing_program_is_named_with_its_package(cache, play, tmp_path):
    (tmp_path / "bin" / "depmod").unlink()
    with pytest.raises(GuestNotReady, match="depmod") as caught:
        kernel(lambda _: None)
    assert str(caught.value).endswith("--no-install-recommends kmod")
