"""The compiled part of the distribution; pyproject.toml says everything else.

It is optional: where it cannot be compiled, the Python beside it does the same.
"""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class OptionalBuildExt(build_ext):
    """Keeps what is compiled out of the source tree, and tells only of what could be compiled.

    An editable installation would put it beside its source, and would fail for want of it.
    """

    def finalize_options(self) -> None:
        """See the base class."""
        super().finalize_options()
        self.inplace = False

    def get_outputs(self) -> list[str]:
        """The files that are there."""
        return [path for path in super().get_outputs() if Path(path).exists()]


setup(
    cmdclass={"build_ext": OptionalBuildExt},
    ext_modules=[Extension("mfalab.verifier.otp_core", ["verifier/otp_core.c"], optional=True)],
)
