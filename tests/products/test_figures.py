from pathlib import Path

import numpy as np
from PIL import Image
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, box

from sco.products.figures import PICTURE_BYTES, Colours, overlay_step, paint, polygons, write_overlay


def test_an_overlay_has_the_colours_of_its_values(tmp_path: Path) -> None:
    colours = Colours("gray", 0.0, 2.0)
    write_overlay(np.array([[0.0, 1.0], [2.0, np.nan]], "float32"), colours, tmp_path / "o.png")
    with Image.open(tmp_path / "o.png") as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    assert pixels[0, 0].tolist() == [0, 0, 0, 255]
    assert pixels[1, 0].tolist() == [255, 255, 255, 255]
    assert pixels[0, 1].tolist() in ([127, 127, 127, 255], [128, 128, 128, 255])
    assert pixels[1, 1, 3] == 0


def test_values_beyond_the_colours_take_the_last_one(tmp_path: Path) -> None:
    write_overlay(np.array([[-5.0, 5.0]]), Colours("gray", 0, 1), tmp_path / "o.png")
    with Image.open(tmp_path / "o.png") as picture:
        assert np.asarray(picture.convert("RGB"))[0, :, 0].tolist() == [0, 255]


def test_a_large_layer_is_coarsened_by_the_mean_of_what_was_seen(tmp_path: Path) -> None:
    values = np.zeros((3, 898), "float32")
    values[:, 0], values[1, 0], values[:, 3:6] = 1, np.nan, np.nan
    assert overlay_step(values.shape) == 3
    write_overlay(values, Colours("gray", 0, 1), tmp_path / "o.png")
    with Image.open(tmp_path / "o.png") as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    assert pixels.shape == (1, 300, 4)
    assert pixels[0, 0, 0] == round(255 * round(62 * 2 / 8) / 62)
    assert pixels[0, 1, 3] == 0
    assert pixels[0, 299, 3] == 255


def test_a_picture_of_noise_is_kept_light(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random((300, 300))
    smooth = np.broadcast_to(np.linspace(0, 1, 300), (300, 300))
    for name, values, shades in (("noise", noise, 15), ("smooth", smooth, 63)):
        paint(values, Colours("gray", 0, 1), tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert len(picture.getcolors()) == shades
        assert (tmp_path / f"{name}.png").stat().st_size <= PICTURE_BYTES


def test_stops_run_from_low_to_high() -> None:
    assert Colours("gray", 0, 1).stops(3) == ["#000000", "#808080", "#ffffff"]


def test_polygons_of_any_geometry() -> None:
    two = MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)])
    mixed = GeometryCollection([two, LineString([(0, 0), (1, 1)]), box(5, 5, 6, 6)])
    assert [part.area for part in polygons(mixed)] == [1, 1, 1]
