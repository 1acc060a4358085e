"""Every step is a typed method of a lab, written out and held to the step models."""

import inspect
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from mfalab import Lab
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.verbs import Verbs

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent

SUITE = """\
from mfalab import Lab


def test_story(lab: Lab) -> None:
    lab.enable(who="alice", device="fob")
    lab.sign_in(who="alice", with_="fob", key={"touch": "late"}, expect={"refused": "any"})
    lab.wait(for_="400 d")
    lab.guess(who="alice", as_="alice", device="fob", tries=3, expect="accepted")
"""


def writer() -> ModuleType:
    spec = spec_from_file_location("write_verbs", HERE / "write_verbs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_written_verbs_are_those_of_the_step_models() -> None:
    """After a change of the models, `make verbs` writes the file."""
    wanted = writer()
    assert wanted.PATH.read_text(encoding="utf-8") == wanted.source()


@pytest.mark.parametrize("verb", VOCABULARY)
def test_method_takes_what_the_step_takes_and_says_what_it_does(verb: str) -> None:
    model = VOCABULARY[verb]
    method = getattr(Verbs, verb) if hasattr(Verbs, verb) else getattr(Verbs, f"{verb}_")
    taken = inspect.signature(method).parameters
    assert taken.keys() - {"self"} == model.model_fields.keys() - {"do", "name"}
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == {
        name
        for name, each in taken.items()
        if each.default is inspect.Parameter.empty and name != "self"
    }
    assert inspect.getdoc(method).split("\n")[0] == inspect.getdoc(model).split("\n")[0]


def mypy(folder: Path, text: str, python: Path) -> str:
    """What mypy --strict says of somebody's suite, with the package that is installed there."""
    suite = folder / "test_suite.py"
    suite.write_text(text)
    command = [TOOLS / "mypy", "--strict", "--no-incremental", "--python-executable", python, suite]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    return done.stdout


@pytest.fixture(scope="module")
def wheel_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the built wheel is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    root = HERE.parents[1]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--wheel-dir", folder, root]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    # What the package depends on is taken from this environment; its own code is the wheel's.
    (Path(site) / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return python


WRONG = [
    ('lab.enable(who="alice"', 'lab.enabel(who="alice"', 'no attribute "enabel"'),
    ('lab.enable(who="alice"', 'lab.enable(wh0="alice"', 'Unexpected keyword argument "wh0"'),
    ("tries=3", 'tries="three"', '"tries" to "guess" of "Verbs" has incompatible type "str"'),
    ('for_="400 d"', "for_=400", '"for_" to "wait" of "Verbs" has incompatible type "int"'),
    (
        '{"touch": "late"}',
        '{"tuch": "late"}',
        '"key" to "sign_in" of "Verbs"',
    ),
    (
        '"refused": "any"',
        '"refuses": "any"',
        '"expect" to "sign_in" of "Verbs"',
    ),
    ('expect="accepted"', 'expect="acepted"', '"expect" to "guess" of "Verbs"'),
    ('device="fob")\n    lab.sign', ")\n    lab.sign", 'Missing named argument "device"'),
]


@pytest.mark.slow
def test_type_checker_takes_a_right_suite_in_this_tree(tmp_path: Path) -> None:
    assert "Success" in mypy(tmp_path, SUITE, Path(sys.executable))


@pytest.mark.slow
def test_type_checker_refuses_a_wrong_suite_against_the_installed_wheel(
    tmp_path: Path, wheel_python: Path
) -> None:
    assert "Success" in mypy(tmp_path, SUITE, wheel_python)
    wrong = ""
    for number, (right, mistake, _) in enumerate(WRONG):
        assert right in SUITE
        body = SUITE.partition("\n\n\n")[2].replace(right, mistake)
        wrong += "\n\n" + body.replace("test_story", f"test_story_{number}")
    said = mypy(tmp_path, SUITE + wrong, wheel_python)
    for _, _, complaint in WRONG:
        assert complaint in said
    assert f"Found {len(WRONG)} errors in 1 file" in said


def test_what_is_left_out_is_not_given(lab: Lab) -> None:
    """A default of a method must not count as a word of the scenario."""
    given = []
    lab.do = given.append  # type: ignore[method-assign] # looks at the step instead of doing it
    lab.wait(for_="1 d")
    lab.create(who="alice", device="app")
    assert [step.model_fields_set for step in given] == [
        {"do", "for_"},
        {"do", "who", "device"},
    ]
