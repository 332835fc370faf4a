"""What is drawn of embeddings: planes and densities against formulas, and the files that are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import vonmises

from tastemaker.errors import InputError
from tastemaker.retrieval.geometry_plots import WIDTH, Circle, Course, circles, plot_courses, plot_sphere

Floats = NDArray[np.float64]


def tables(seed: int = 0) -> tuple[Floats, Floats, csr_matrix]:
    generator = np.random.default_rng(seed)
    users, items = generator.normal(size=(40, 5)) + 0.6, generator.normal(size=(25, 5)) + 0.6
    return users, items, csr_matrix((generator.random((40, 25)) < 0.3).astype(np.float32))


def unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def test_the_plane_is_that_of_the_leading_singular_vectors_of_all_interactions() -> None:
    users, items, matrix = tables()
    user, item = matrix.nonzero()
    x, y = unit(users[user]), unit(items[item])
    _, _, directions = np.linalg.svd(np.vstack((x, y)), full_matrices=False)
    for circle, z in zip(circles(users, items, matrix), (x, y), strict=True):
        points = z @ directions[:2].T
        assert circle.share == pytest.approx(float((points**2).sum() / len(z)))
        # Angles agree but for the signs of the two directions: mirrored or turned by half.
        angle = np.arctan2(points[:, 1], points[:, 0])
        seen = [np.histogram(a, 720, (-np.pi, np.pi))[0] / len(z) for a in (angle, -angle)]
        mirrored = [*seen, *(np.roll(mass, 360) for mass in seen)]
        assert any(np.allclose(circle.mass, mass) for mass in mirrored)


def test_what_lies_in_a_plane_is_held_wholly_and_what_is_even_is_not() -> None:
    users, items, matrix = tables()
    flat = np.zeros((1, 5))
    flat[0, :2] = 1
    assert [circle.share for circle in circles(users * flat, items * flat, matrix)] == pytest.approx([1, 1])
    many = np.random.default_rng(1).normal(size=(3000, 5))
    spread = circles(many, many[::-1], csr_matrix(np.eye(3000)))
    assert [circle.share for circle in spread] == pytest.approx([2 / 5, 2 / 5], abs=0.03)


def test_densities_are_those_of_kernels_at_each_point() -> None:
    users, items, matrix = tables()
    circle, _ = circles(users, items, matrix)
    kernels = vonmises.pdf(circle.angles[:, None], WIDTH**-2, loc=circle.angles)
    np.testing.assert_allclose(circle.over_angles(), kernels @ circle.mass, atol=1e-12)
    assert circle.over_angles().sum() * 2 * np.pi / 720 == pytest.approx(1)
    axis = np.linspace(-1.3, 1.3, 160)
    plane = circle.over_plane()
    for row, column in ((3, 7), (110, 140), (80, 20), (158, 80)):
        squared = (axis[column] - np.cos(circle.angles)) ** 2 + (axis[row] - np.sin(circle.angles)) ** 2
        wanted = circle.mass @ np.exp(-squared / (2 * WIDTH**2)) / (2 * np.pi * WIDTH**2)
        assert plane[row, column] == pytest.approx(wanted, abs=1e-12)
    assert plane.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=5e-3)


def test_a_circle_needs_two_dimensions() -> None:
    users, items, matrix = tables()
    with pytest.raises(InputError, match="at least 2 dimensions"):
        circles(users[:, :1], items[:, :1], matrix)


COURSES = [
    Course("falls", [1, 2, 3], [1.9, 1.2, 0.7], [-3.5, -2.0, -2.5], best=3),
    Course("stays", [4], [1.0], [-1.0], best=2),
]


def has_colour(path: Path, colour: str) -> bool:
    """Whether a pixel of a PNG has a colour, within a few of 255 steps."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return bool((np.abs(imread(path)[:, :, :3] - wanted).max(axis=2) < 0.02).any())


def test_courses_are_drawn_each_in_its_colour(tmp_path: Path) -> None:
    plot_courses(COURSES[:1], tmp_path / "one.png")
    plot_courses(COURSES, tmp_path / "two.png")
    assert has_colour(tmp_path / "one.png", "#0072B2")
    assert not has_colour(tmp_path / "one.png", "#D55E00")
    assert has_colour(tmp_path / "two.png", "#D55E00")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_what_is_drawn_stands_in_the_picture(tmp_path: Path) -> None:
    plot_courses(COURSES, tmp_path / "courses.svg")
    words = (tmp_path / "courses.svg").read_text()
    for text in ("falls", "stays", "alignment of users and items", "first epoch", "best on valid"):
        assert f"<!-- {text} -->" in words
    user = Circle(0.25, np.eye(720)[0])
    item = Circle(0.5, np.full(720, 1 / 720))
    plot_sphere(user, item, "bpr on toy", tmp_path / "sphere.svg")
    words = (tmp_path / "sphere.svg").read_text()
    for text in ("users: the plane holds 25.0%", "items: the plane holds 50.0%", "bpr on toy"):
        assert f"<!-- {text}" in words


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"courses\.doc: no picture format has this suffix"):
        plot_courses(COURSES, tmp_path / "courses.doc")
    with pytest.raises(InputError, match="there is no such folder"):
        plot_courses(COURSES, tmp_path / "none" / "courses.png")
    assert list(tmp_path.iterdir()) == []
