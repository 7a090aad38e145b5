from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from emolive.errors import ModelError, ProviderError
from emolive.features import CutWindows
from emolive.inference.bundled import model_path
from emolive.inference.classifier import Classifier, OnnxClassifier, default_threads
from emolive.inference.metadata import METADATA_KEY
from emolive.inference.providers import CPU, CUDA, Host
from tests.inference.sessions import FakeCudaRuntime, gpu_host, windows
from tests.models import LABELS, tiny_metadata, tiny_model

CPU_HOST = Host((CPU,), ("onnxruntime",), None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    tiny_model(path)
    return path


def fail(message: str) -> None:
    raise RuntimeError(message)


# on the CPU


def test_it_answers_as_the_graph_computes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((128, 8)).astype(np.float32)
    bias = rng.standard_normal(8).astype(np.float32)
    metadata = tiny_model(path, weights=weights, bias=bias.tolist())
    classifier: Classifier = OnnxClassifier(path, "cpu")
    assert classifier.metadata.model_copy(update={"weights": ""}) == metadata
    assert classifier.provider == "CPU"
    assert classifier.provider_note is None
    batch = windows(5)
    logits = classifier.predict(batch).logits
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, batch.mean(axis=2) @ weights + bias, atol=1e-5)


def test_any_batch_size(model: Path) -> None:
    classifier = OnnxClassifier(model)
    batch = windows(20)
    whole = classifier.predict(batch).logits
    assert whole.shape == (20, 8)
    for n in (1, 3, 9):
        np.testing.assert_allclose(classifier.predict(batch[:n]).logits, whole[:n], atol=1e-6)
    assert classifier.predict(batch[:0]).logits.shape == (0, 8)


def test_a_wrong_shape_is_refused(model: Path) -> None:
    classifier = OnnxClassifier(model)
    for bad in (windows(1)[0], windows(1)[:, :64], windows(1)[:, :, :100]):
        with pytest.raises(ValueError, match=r"\(batch, 128, 298\)"):
            classifier.predict(bad)


def test_after_close_it_refuses(model: Path) -> None:
    classifier = OnnxClassifier(model)
    classifier.close()
    classifier.close()
    with pytest.raises(RuntimeError, match="closed"):
        classifier.predict(windows(1))


def test_no_more_than_two_threads_by_default() -> None:
    assert default_threads() == min(2, os.cpu_count() or 1)


def test_a_model_that_answers_nonsense_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    tiny_model(path, bias=[float("nan")] * 8)
    classifier = OnnxClassifier(path)
    with pytest.raises(ModelError, match=r"broken\.onnx answered with values that are not numbers"):
        classifier.predict(windows(1))


def quantised_model(path: Path) -> npt.NDArray[np.float32]:
    """An int8 QDQ convolution over a whole window; returns its dequantised weights."""
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (8, 1, 128, 298)).astype(np.int8)
    scales = rng.uniform(1e-4, 2e-4, 8).astype(np.float32)
    tensors = {
        "x_scale": np.float32(8 / 255),
        "x_zero": np.uint8(128),
        "weights": weights,
        "w_scale": scales,
        "w_zero": np.zeros(8, np.int8),
        "shape": np.array([0, 8], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["log_mel", "x_scale", "x_zero"], ["xq"]),
            helper.make_node("DequantizeLinear", ["xq", "x_scale", "x_zero"], ["xd"]),
            helper.make_node("DequantizeLinear", ["weights", "w_scale", "w_zero"], ["wd"], axis=0),
            helper.make_node("Conv", ["xd", "wd"], ["y"]),
            helper.make_node("Reshape", ["y", "shape"], ["logits"]),
        ],
        "int8",
        [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["batch", 1, 128, 298])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 8])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    proto.ir_version = 10
    proto.metadata_props.add(key=METADATA_KEY, value=tiny_metadata().to_json())
    onnx.save(proto, path)
    found: npt.NDArray[np.float32] = weights[:, 0] * scales[:, None, None]
    return found


def test_an_int8_model(tmp_path: Path) -> None:
    path = tmp_path / "int8.onnx"
    weights = quantised_model(path)
    batch = np.clip(windows(3), -3.9, 3.9)
    logits = OnnxClassifier(path).predict(batch).logits
    exact = np.einsum("nmt,cmt->nc", batch, weights)
    assert np.abs(exact).max() > 1
    np.testing.assert_allclose(logits, exact, atol=0.05)


# files that are not models


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx does not exist"):
        OnnxClassifier(tmp_path / "nowhere.onnx")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a file"):
        OnnxClassifier(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x07" * 500, None])
@pytest.mark.parametrize("host", [CPU_HOST, gpu_host()], ids=["cpu", "gpu"])
def test_a_file_that_is_no_model(
    tmp_path: Path,
    model: Path,
    content: bytes | None,
    host: Host,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "fake.onnx"
    path.write_bytes(model.read_bytes()[:2_000] if content is None else content)
    with pytest.raises(ModelError, match=r"fake\.onnx") as caught:
        OnnxClassifier(path, host=host)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("host", [CPU_HOST, gpu_host()], ids=["cpu", "gpu"])
def test_a_model_that_breaks_the_contract(tmp_path: Path, host: Host) -> None:
    path = tmp_path / "wrong.onnx"
    tiny_model(path, metadata_text=tiny_metadata(labels=LABELS[:5]).to_json())
    with pytest.raises(ModelError, match="does not match its metadata"):
        OnnxClassifier(path, host=host)
    tiny_model(path, with_metadata=False)
    with pytest.raises(ModelError, match="carries no 'emolive' metadata"):
        OnnxClassifier(path, host=host)


# providers


def test_auto_here_is_quiet_and_says_what_it_took(
    model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = OnnxClassifier(model, "auto")
    assert classifier.provider in ("CPU", "CUDA")
    assert (classifier.provider == "CPU") == (classifier.provider_note is not None)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(Host.inspect().driver_problem is None, reason="there may be a usable GPU here")
def test_cuda_here_is_a_clear_error(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProviderError, match=r"CUDA was asked for.*pip install 'emolive\[gpu\]'"):
        OnnxClassifier(model, "cuda")
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers() or Host.inspect().driver_problem is None,
    reason="needs ONNX Runtime's GPU build on a machine without a GPU",
)
def test_cuda_that_fails_inside_onnx_runtime_is_quiet(
    model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real ONNX Runtime tries CUDA, cannot load it, and goes on with the CPU."""
    classifier = OnnxClassifier(model, "auto", host=gpu_host())
    assert classifier.provider == "CPU"
    assert classifier.provider_note is not None
    assert "could not be loaded" in classifier.provider_note
    assert classifier.predict(windows(2)).logits.shape == (2, 8)
    with pytest.raises(ProviderError, match=r"libcublasLt\.so"):
        OnnxClassifier(model, "cuda", host=gpu_host("Failed to load libcublasLt.so.13"))
    assert capfd.readouterr() == ("", "")


def test_cuda_pads_to_sizes_that_were_warmed_up(model: Path) -> None:
    runtime = FakeCudaRuntime()
    classifier = OnnxClassifier(model, host=gpu_host(), session_factory=runtime)
    assert classifier.provider == "CUDA"
    assert classifier.provider_note is None
    assert runtime.opened == [[CUDA, CPU]]
    assert runtime.options[0]["cudnn_conv_algo_search"] == "HEURISTIC"
    assert runtime.batches == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    batch = windows(11)
    expected = OnnxClassifier(model, "cpu").predict(batch).logits
    for n, sizes in ((1, [1]), (2, [2]), (3, [4]), (5, [8]), (8, [8]), (11, [16])):
        runtime.batches.clear()
        np.testing.assert_allclose(classifier.predict(batch[:n]).logits, expected[:n], atol=1e-6)
        assert runtime.batches == sizes


def test_a_core_takes_a_few_windows_at_a_time(model: Path) -> None:
    """As after the loss of a card, whose batches are large: a core's memory would not hold them."""
    runtime = FakeCudaRuntime()
    classifier = OnnxClassifier(model, "cpu", session_factory=runtime)
    batch = windows(20)
    found = classifier.predict(batch).logits
    assert runtime.batches == [1, 8, 8, 4]
    alone = np.concatenate([classifier.predict(one[None]).logits for one in batch])
    np.testing.assert_allclose(found, alone, atol=1e-6)


@pytest.mark.parametrize("room", [4, 8, 40])
def test_a_small_card_takes_what_its_memory_holds(model: Path, room: int) -> None:
    def full() -> None:
        if runtime.batches[-1] > room:
            raise RuntimeError("CUDA failure 2: out of memory ; GPU=0\nmore")

    runtime = FakeCudaRuntime(on_run=full)
    classifier = OnnxClassifier(model, host=gpu_host(), session_factory=runtime)
    assert "out of memory" in (classifier.provider_note or "")
    assert classifier.provider == ("CUDA" if room >= 8 else "CPU")
    batch = windows(70)
    runtime.batches.clear()
    found = classifier.predict(batch).logits
    assert max(runtime.batches) == (32 if room == 40 else 8)
    expected = OnnxClassifier(model, "cpu").predict(batch).logits
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_other_batch_sizes(model: Path) -> None:
    runtime = FakeCudaRuntime()
    classifier = OnnxClassifier(model, batch_sizes=(6, 3), host=gpu_host(), session_factory=runtime)
    assert runtime.batches == [3, 6]
    classifier.predict(windows(4))
    assert runtime.batches == [3, 6, 6]
    with pytest.raises(ValueError, match="batch_sizes"):
        OnnxClassifier(model, batch_sizes=())


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        (FakeCudaRuntime(engaged=False), "libraries could not be loaded"),
        (FakeCudaRuntime(on_open=lambda: fail("CUDA failure 35: driver too old")), "failure 35"),
        (FakeCudaRuntime(on_run=lambda: fail("cuDNN is missing\nsecond line")), "cuDNN is missing"),
    ],
    ids=["not-engaged", "open", "warm-up"],
)
def test_cuda_that_does_not_work(model: Path, runtime: FakeCudaRuntime, reason: str) -> None:
    classifier = OnnxClassifier(model, "auto", host=gpu_host(), session_factory=runtime)
    assert classifier.provider == "CPU"
    assert classifier.provider_note is not None
    assert reason in classifier.provider_note
    assert classifier.predict(windows(3)).logits.shape == (3, 8)
    with pytest.raises(ProviderError, match=reason) as caught:
        OnnxClassifier(model, "cuda", host=gpu_host(), session_factory=runtime)
    assert "\n" not in str(caught.value)
    assert "pip install 'emolive[gpu]'" in str(caught.value)


def test_what_preloading_missed_is_the_reason(model: Path) -> None:
    runtime = FakeCudaRuntime(engaged=False)
    classifier = OnnxClassifier(
        model, host=gpu_host("Failed to load libcudnn.so.9"), session_factory=runtime
    )
    assert classifier.provider_note == "CUDA is not used: Failed to load libcudnn.so.9."


def test_cuda_that_fails_later_is_an_error_for_people(model: Path) -> None:
    failing = [False]

    def on_run() -> None:
        if failing[0]:
            fail("CUDA error 719: launch failure\nat node 3")

    runtime = FakeCudaRuntime(on_run=on_run)
    classifier = OnnxClassifier(model, host=gpu_host(), session_factory=runtime)
    failing[0] = True
    with pytest.raises(ModelError, match=r"on CUDA \(CUDA error 719: launch failure\).*--provider"):
        classifier.predict(windows(1))


def test_cpu_does_not_try_cuda(model: Path) -> None:
    runtime = FakeCudaRuntime()
    classifier = OnnxClassifier(model, "cpu", host=gpu_host(), session_factory=runtime)
    assert runtime.opened == [[CPU]]
    assert classifier.provider == "CPU"


def test_two_packages_are_a_note_on_the_cpu(model: Path) -> None:
    host = Host((CUDA, CPU), ("onnxruntime", "onnxruntime-gpu"), None)
    classifier = OnnxClassifier(model, host=host)
    assert classifier.provider_note is not None
    assert "overwrite each other" in classifier.provider_note
    with pytest.raises(ProviderError, match="overwrite each other"):
        OnnxClassifier(model, "cuda", host=host)


@pytest.fixture(scope="module")
def on_a_device() -> OnnxClassifier:
    """The accurate model in bound buffers, as on a GPU."""
    accurate = model_path(Path("accurate"))
    return OnnxClassifier(
        accurate, "cuda", batch_sizes=(1, 4, 8), host=gpu_host(), session_factory=FakeCudaRuntime()
    )


@pytest.mark.parametrize("n", [3, 8, 11])
def test_a_device_cuts_the_same_windows(n: int, on_a_device: OnnxClassifier) -> None:
    sound = np.random.default_rng(n).standard_normal(48_000 + 8_000 * n).astype(np.float32) / 10
    cut = CutWindows(sound, np.arange(n, dtype=np.int32) * 8_000, 48_000)
    expected = on_a_device.predict(np.asarray(cut)).logits
    np.testing.assert_allclose(on_a_device.predict(cut).logits, expected, atol=1e-5)
