"""Makes `assets/silero_vad_16k_rows.onnx`: Silero VAD with its convolutions written as products.

Run it as ``python -m training.vad_graph ORIGINAL`` with the file `silero_vad_16k_sequence.onnx` of
the Python package silero-vad 6.2. The network and its weights stay what they are. Its convolutions
see four frames of one chunk at a time, which ONNX Runtime computes chunk by chunk, one small
product after the other; as one matrix each, for the rows of all chunks, they take a third of the
time. A matrix holds a zero wherever a kernel does not reach.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from emolive.resources import VAD_MODEL

_ROW = 64 + 512  # a chunk after its context
_WIDTH, _STEP = 256, 128  # of a frame of the spectrum
_FRAMES = 4
_BINS = _WIDTH // 2 + 1
_UNITS = 128

Matrix = npt.NDArray[np.float32]


def dense(kernel: Matrix, n_in: int, stride: int) -> Matrix:
    """A convolution of `n_in` frames (padding 1) as one matrix.

    Args:
        kernel: ``(channels_out, channels_in, 3)``.
        n_in: how many frames come in.
        stride: of the convolution.

    Returns:
        ``(n_in * channels_in, n_out * channels_out)``, frame by frame.
    """
    channels_out, channels_in, taps = kernel.shape
    n_out = (n_in + 2 - taps) // stride + 1
    matrix = np.zeros((n_in, channels_in, n_out, channels_out), np.float32)
    for frame in range(n_out):
        for tap in range(taps):
            seen = frame * stride + tap - 1
            if 0 <= seen < n_in:
                matrix[seen, :, frame, :] = kernel[:, :, tap].T
    return matrix.reshape(n_in * channels_in, n_out * channels_out)


def rewritten(original: onnx.ModelProto) -> onnx.ModelProto:
    """The same network for rows of chunks of several streams.

    A row of each stream, then the next of each; ``lengths`` says how many rows of a stream count.
    """
    weights = {one.name: numpy_helper.to_array(one) for one in original.graph.initializer}
    lstm = next(node for node in original.graph.node if node.op_type == "LSTM")
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "right": np.array([0, 0, 0, _STEP // 2], np.int64),
        "steps": np.array([0, _FRAMES + 1, _STEP], np.int64),
        "first": np.array([0], np.int64),
        "second": np.array([1], np.int64),
        "last": np.array([_FRAMES], np.int64),
        "end": np.array([_FRAMES + 1], np.int64),
        "frames": np.array([-1, _WIDTH], np.int64),
        "spectra": np.array([-1, _FRAMES * _BINS], np.int64),
        "any": np.array([-1], np.int64),
        "width": np.array([_UNITS], np.int64),
        "units": np.array([-1, _UNITS], np.int64),
        "flat": np.array([-1], np.int64),
        "bins": np.array([_BINS, _BINS], np.int64),
        "basis": np.ascontiguousarray(weights["stft.forward_basis_buffer"][:, 0].T),
        "w": weights[lstm.input[1]],
        "r": weights[lstm.input[2]],
        "b": weights[lstm.input[3]],
        "out_w": np.ascontiguousarray(weights["output.weight"][:, :, 0].T),
        "out_b": weights["output.bias"],
    }
    node = helper.make_node
    nodes = [
        node("Pad", ["input", "right"], ["padded"], mode="reflect"),
        node("Reshape", ["padded", "steps"], ["stepped"]),
        node("Slice", ["stepped", "first", "last", "second"], ["halves"]),
        node("Slice", ["stepped", "second", "end", "second"], ["other_halves"]),
        node("Concat", ["halves", "other_halves"], ["framed"], axis=2),
        node("Reshape", ["framed", "frames"], ["rows"]),
        node("MatMul", ["rows", "basis"], ["spectrum"]),
        node("Split", ["spectrum", "bins"], ["real", "imaginary"], axis=1),
        node("Mul", ["real", "real"], ["real_power"]),
        node("Mul", ["imaginary", "imaginary"], ["imaginary_power"]),
        node("Add", ["real_power", "imaginary_power"], ["power"]),
        node("Sqrt", ["power"], ["magnitude"]),
        node("Reshape", ["magnitude", "spectra"], ["layer0"]),
    ]
    frames = _FRAMES
    for layer, stride in enumerate((1, 2, 2, 1)):
        matrix = dense(weights[f"encoder.{layer}.weight"], frames, stride)
        bias = weights[f"encoder.{layer}.bias"]
        frames = matrix.shape[1] // len(bias)
        tensors[f"w{layer}"], tensors[f"b{layer}"] = matrix, np.tile(bias, frames)
        nodes += [
            node("Gemm", [f"layer{layer}", f"w{layer}", f"b{layer}"], [f"sum{layer}"]),
            node("Relu", [f"sum{layer}"], [f"layer{layer + 1}"]),
        ]
    nodes += [
        node("Shape", ["h"], ["streams"], start=1, end=2),
        node("Concat", ["any", "streams", "width"], ["sequences"], axis=0),
        node("Reshape", ["layer4", "sequences"], ["encoded"]),
        node(
            "LSTM",
            ["encoded", "w", "r", "b", "lengths", "h", "c"],
            ["unrolled", "hn", "cn"],
            hidden_size=_UNITS,
        ),
        node("Reshape", ["unrolled", "units"], ["states"]),
        node("Relu", ["states"], ["active"]),
        node("Gemm", ["active", "out_w", "out_b"], ["score"]),
        node("Sigmoid", ["score"], ["probability"]),
        node("Reshape", ["probability", "flat"], ["speech_probs"]),
    ]
    state: list[str | int | None] = [1, "streams", _UNITS]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "silero_vad_16k_rows",
        [
            value("input", TensorProto.FLOAT, ["n", _ROW]),
            value("h", TensorProto.FLOAT, state),
            value("c", TensorProto.FLOAT, state),
            value("lengths", TensorProto.INT32, ["streams"]),
        ],
        [
            value("speech_probs", TensorProto.FLOAT, ["n"]),
            value("hn", TensorProto.FLOAT, state),
            value("cn", TensorProto.FLOAT, state),
        ],
        [numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="emolive", ir_version=8
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("original", type=Path)
    path = Path("assets", VAD_MODEL)
    onnx.save(rewritten(onnx.load(parser.parse_args().original)), path)


if __name__ == "__main__":
    main()
