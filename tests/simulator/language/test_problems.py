"""What is wrong with a file, with its place."""

import pickle

from mfalab.simulator.language.problems import Problem, ProblemsFound


def test_problem_points_at_its_column_also_behind_tabs() -> None:
    problem = Problem("a.yaml", 3, 4, "is wrong", "a\tb: c")
    assert str(problem) == "a.yaml:3:4: is wrong\n    a\tb: c\n     \t ^"


def test_problem_without_a_source_line_is_one_line() -> None:
    assert str(Problem("a.yaml", 1, 1, "is empty")) == "a.yaml:1:1: is empty"


def test_problems_are_sorted_by_place_and_told_once() -> None:
    later = Problem("a.yaml", 10, 1, "x", "line")
    earlier, elsewhere = Problem("a.yaml", 9, 1, "y"), Problem("b.yaml", 1, 1, "z")
    twice = Problem("a.yaml", 10, 1, "x", "the same place, shown otherwise")
    found = ProblemsFound([elsewhere, later, earlier, twice])
    assert found.problems == (earlier, later, elsewhere)
    assert str(found).splitlines()[0] == "a.yaml:9:1: y"


def test_file_as_a_whole_is_told_at_its_first_sign() -> None:
    (problem,) = ProblemsFound.of_file("a.yaml", "is empty").problems
    assert problem == Problem("a.yaml", 1, 1, "is empty")


def test_problems_survive_pickling() -> None:
    found = ProblemsFound([Problem("a.yaml", 1, 1, "x")])
    assert pickle.loads(pickle.dumps(found)).problems == found.problems
