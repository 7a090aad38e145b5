"""Windows kept as the sound that they are cut from."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from emolive.features import CutWindows
from emolive.inference.execution import CUT_WINDOWS
from emolive.resources import asset
from emolive.types import FeatureWindow

N = 50
SOUNDS = [np.random.default_rng(i).standard_normal(400).astype(np.float32) for i in range(3)]


def window(sound: int, start: int, stream: str = "a") -> FeatureWindow:
    return FeatureWindow(stream, start, start + N, SOUNDS[sound][start : start + N], 1.0)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 350)), min_size=1, max_size=30),
    st.booleans(),
)
def test_windows_come_back_as_they_were_whatever_they_share(
    wanted: list[tuple[int, int]], one_name: bool
) -> None:
    windows = [window(sound, start, "a" if one_name else f"s{sound}") for sound, start in wanted]
    cut = CutWindows.of(windows)
    if cut is not None:
        expected = np.stack([one.features for one in windows])
        np.testing.assert_array_equal(np.asarray(cut), expected)
        assert cut.shape == expected.shape
        assert len(cut.audio) <= 0.7 * expected.size


def test_neighbours_share_their_sound() -> None:
    cut = CutWindows.of([window(0, 10 * i) for i in range(8)])
    assert cut is not None
    np.testing.assert_array_equal(cut.audio, SOUNDS[0][: N + 70])
    np.testing.assert_array_equal(cut.starts, np.arange(8) * 10)


def test_streams_that_take_turns_share_it_too() -> None:
    windows = [window(i % 2, 10 * (i // 2), f"s{i % 2}") for i in range(16)]
    cut = CutWindows.of(windows)
    assert cut is not None
    assert len(cut.audio) == 2 * (N + 70)
    np.testing.assert_array_equal(np.asarray(cut), np.stack([one.features for one in windows]))


def test_calls_of_one_name_are_not_mixed_up() -> None:
    assert CutWindows.of([window(0, 0), window(1, 10), window(2, 20)]) is None


def test_parts_and_sums_are_the_same_windows() -> None:
    parts = [CutWindows.of([window(s, 10 * i) for i in range(8)]) for s in range(3)]
    joined = CutWindows.joined([part for part in parts if part is not None])
    whole = np.asarray(joined)
    np.testing.assert_array_equal(whole[8:16], np.asarray(parts[1]))
    for begin, end in ((0, 5), (5, 24), (23, 24)):
        some = joined[begin:end]
        np.testing.assert_array_equal(np.asarray(some), whole[begin:end])
        assert len(some.audio) <= len(joined.audio)


def test_the_graph_that_cuts_is_what_it_is_built_from() -> None:
    path = asset(CUT_WINDOWS)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["starts", "offsets"], ["places"]),
            helper.make_node("Gather", ["audio", "places"], ["windows"]),
        ],
        "cut",
        [
            value("audio", TensorProto.FLOAT, ["n"]),
            value("starts", TensorProto.INT32, ["batch", 1]),
            value("offsets", TensorProto.INT32, [1, "n_samples"]),
        ],
        [value("windows", TensorProto.FLOAT, ["batch", "n_samples"])],
    )
    opset = [helper.make_opsetid("", 18)]
    assert onnx.load(path) == helper.make_model(graph, opset_imports=opset, ir_version=10)
