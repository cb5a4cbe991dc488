import numpy as np

from sco import quality
from sco.library import sensors
from sco.model import Bits, Classes, Quality
from sco.quality import State

(SCL,) = sensors["sentinel2"].qualities


def test_scl_classes_become_states():
    codes = np.arange(13, dtype=np.uint8)
    states = quality.decode(codes, SCL, SCL.masked)
    not_acquired, masked, seen = State.NOT_ACQUIRED, State.MASKED, State.SEEN
    assert states.tolist() == [
        not_acquired,  # 0 no data
        masked,  # 1 saturated or defective
        seen,  # 2 dark area
        masked,  # 3 cloud shadow
        seen,  # 4 vegetation
        seen,  # 5 not vegetated
        seen,  # 6 water
        seen,  # 7 unclassified
        masked,  # 8 cloud, medium
        masked,  # 9 cloud, high
        masked,  # 10 thin cirrus
        seen,  # 11 snow
        masked,  # 12 is no class
    ]


def test_an_indicator_can_mask_snow_and_another_keep_cloud():
    codes = np.array([11, 9], np.uint8)
    assert quality.decode(codes, SCL, SCL.masked | {"snow"}).tolist() == [State.MASKED, State.MASKED]
    assert quality.decode(codes, SCL, SCL.masked - {"cloud"}).tolist() == [State.SEEN, State.SEEN]


def test_bits_are_decoded_by_arithmetic():
    flags = {"cloud": Bits((3,)), "shadow": Bits((4,))}
    bits = Quality("qa", flags, frozenset(flags), Bits((0,)))
    codes = np.array([1, 21824, 21824 | 8, 21952 | 16], np.uint16)
    states = quality.decode(codes, bits, bits.masked)
    assert states.tolist() == [State.NOT_ACQUIRED, State.SEEN, State.MASKED, State.MASKED]


def test_a_class_beyond_the_codes_type_is_no_error():
    assert Classes((300,)).raised(np.array([44], np.uint8)).tolist() == [False]


def test_a_seen_pixel_wins_and_a_failed_read_is_not_excused_by_a_cloud():
    assert min(State.SEEN, State.FAILED) is State.SEEN
    assert min(State.FAILED, State.MASKED) is State.FAILED
    assert min(State.MASKED, State.NOT_ACQUIRED) is State.MASKED


def test_a_mask_is_widened_by_metres_in_every_direction():
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    rows, columns = np.mgrid[:21, :21]
    expected = np.hypot(rows - 10, columns - 10) <= 4.5
    np.testing.assert_array_equal(quality.widened(mask, 4.5), expected)
    np.testing.assert_array_equal(quality.widened(mask, 0.9), mask)
    random = np.random.default_rng(2).random((30, 40)) > 0.97
    by_hand = np.zeros_like(random)
    for row, column in zip(*np.nonzero(random), strict=True):
        by_hand |= np.hypot(*(np.mgrid[:30, :40] - np.array([row, column])[:, None, None])) <= 3
    np.testing.assert_array_equal(quality.widened(random, 3), by_hand)


def test_widening_counts_in_metres_and_only_where_the_sensor_widens():
    flags = {"cloud": Classes((9,)), "shadow": Classes((3,))}
    widening = Quality("scl", flags, frozenset(flags), Classes((0,)), {"cloud": 60.0})
    codes = np.full((9, 9), 4, np.uint8)
    codes[4, 4], codes[0, 0] = 9, 3
    states = quality.decode(codes, widening, widening.masked, pixel_m=20.0)
    assert (states[4] == State.MASKED).tolist() == [False, True, True, True, True, True, True, True, False]
    assert states[0].tolist()[:2] == [State.MASKED, State.SEEN]
