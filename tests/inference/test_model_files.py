"""A model of two files: the one that suits the processor is loaded, and both must be one model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.errors import ModelError, ProviderError
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import ModelFiles, read_metadata
from emolive.inference.providers import CPU, Host
from tests.inference.sessions import FakeCudaRuntime, gpu_host
from tests.models import FILTERS, LABELS, tiny_metadata, tiny_model, waveform_metadata

CPU_HOST = Host((CPU,), ("onnxruntime",), None)
WEIGHTS = np.random.default_rng(3).standard_normal((FILTERS, 8)).astype(np.float32)


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """`tiny.onnx` and `tiny.gpu.onnx`, whose answers differ a little, as rounding does."""
    tiny_model(tmp_path / "tiny.onnx", waveform_metadata(scores={"uar": 0.5}), weights=WEIGHTS)
    tiny_model(
        tmp_path / "tiny.gpu.onnx",
        waveform_metadata(scores={"uar": 0.51}, provenance={"precision": "half"}),
        weights=WEIGHTS * np.float32(1.001),
    )
    return tmp_path / "tiny.onnx"


def sound(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (n, 48_000)).astype(np.float32)


@pytest.mark.parametrize("named", ["tiny.onnx", "tiny.gpu.onnx"])
def test_each_processor_has_its_file_whichever_is_named(pair: Path, named: str) -> None:
    path = pair.with_name(named)
    runtime = FakeCudaRuntime()
    on_cuda = OnnxClassifier(path, host=gpu_host(), session_factory=runtime)
    assert on_cuda.provider == "CUDA"
    assert on_cuda.file.name == "tiny.gpu.onnx"
    assert runtime.files == ["tiny.gpu.onnx"]
    on_cpu = OnnxClassifier(path, host=CPU_HOST)
    assert on_cpu.file.name == "tiny.onnx"
    assert on_cpu.path == on_cuda.path == path
    found, expected = on_cuda.predict(sound(3)), on_cpu.predict(sound(3))
    np.testing.assert_allclose(found.logits, expected.logits, rtol=2e-3)
    assert not np.array_equal(found.logits, expected.logits)
    assert found.embedding is not None
    assert found.embedding.shape == (3, 6)


def test_one_file_is_for_both(tmp_path: Path) -> None:
    for name in ("one.onnx", "two.gpu.onnx", "three"):
        tiny_model(tmp_path / name)
        assert ModelFiles.of(tmp_path / name) == ModelFiles(tmp_path / name, tmp_path / name)
        for host in (CPU_HOST, gpu_host()):
            classifier = OnnxClassifier(
                tmp_path / name, host=host, session_factory=FakeCudaRuntime()
            )
            assert classifier.file == tmp_path / name


def test_where_cuda_cannot_be_had_the_other_file_runs(pair: Path) -> None:
    runtime = FakeCudaRuntime(engaged=False)
    classifier = OnnxClassifier(pair, "auto", host=gpu_host(), session_factory=runtime)
    assert runtime.files == ["tiny.gpu.onnx", "tiny.onnx"]
    assert (classifier.provider, classifier.file.name) == ("CPU", "tiny.onnx")
    with pytest.raises(ProviderError):
        OnnxClassifier(pair, "cuda", host=gpu_host(), session_factory=runtime)


def test_a_card_that_is_lost_is_replaced_by_the_other_file(pair: Path) -> None:
    lost = [False]

    def on_run() -> None:
        if lost[0]:
            raise RuntimeError("CUDA failure 719")

    runtime = FakeCudaRuntime(on_run=on_run)
    gpu = OnnxClassifier(pair, host=gpu_host(), session_factory=runtime)
    opened: list[OnnxClassifier] = []

    def open_cpu() -> OnnxClassifier:
        opened.append(OnnxClassifier(gpu.path, "cpu"))
        return opened[-1]

    classifier = FallbackClassifier(gpu, open_cpu)
    before = classifier.predict(sound(2)).logits
    lost[0] = True
    after = classifier.predict(sound(2)).logits
    assert opened[0].file.name == "tiny.onnx"
    assert classifier.metadata.scores == {"uar": 0.5}
    np.testing.assert_allclose(after, before, rtol=2e-3)
    classifier.close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"labels": LABELS[::-1]}, "labels"),
        ({"name": "other"}, "name"),
        ({"temperature": 3.0, "window_s": 2.0}, "window_s, temperature"),
        ({"embedding_size": 5}, "embedding_size"),
    ],
)
def test_files_that_are_not_one_model_are_refused(
    pair: Path, fields: dict[str, object], words: str
) -> None:
    tiny_model(pair.with_name("tiny.gpu.onnx"), waveform_metadata(**fields))
    with pytest.raises(ModelError) as caught:
        OnnxClassifier(pair, host=gpu_host(), session_factory=FakeCudaRuntime())
    assert f"tiny.gpu.onnx is not the same model as tiny.onnx (other {words})" in str(caught.value)
    # It is nothing to a computer without a GPU.
    assert OnnxClassifier(pair, host=CPU_HOST).provider == "CPU"


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 40, b"\x72\x0a\x0a\x07emo"])
def test_a_broken_twin_is_one_sentence_on_cuda_alone(pair: Path, content: bytes) -> None:
    pair.with_name("tiny.gpu.onnx").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        OnnxClassifier(pair, host=gpu_host(), session_factory=FakeCudaRuntime())
    assert "\n" not in str(caught.value)
    assert OnnxClassifier(pair, host=CPU_HOST).provider == "CPU"


def test_the_fingerprint_is_what_answers_depend_on() -> None:
    one = tiny_metadata()
    assert one.fingerprint == tiny_metadata(scores={}, provenance={"a": "b"}).fingerprint
    others = [{"labels": LABELS[::-1]}, {"temperature": 1.0}, {"window_s": 2.0}, {"name": "b"}]
    prints = {one.fingerprint, *(tiny_metadata(**fields).fingerprint for fields in others)}
    assert len(prints) == 5


@pytest.mark.parametrize("metadata", [tiny_metadata(), waveform_metadata()], ids=["mel", "wave"])
def test_metadata_are_read_without_the_graph(tmp_path: Path, metadata: ModelMetadata) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_model(path, metadata)
    model = onnx.load(path)
    model.metadata_props.insert(0, onnx.StringStringEntryProto(key="other", value="x" * 300))
    model.doc_string = "something"
    onnx.save(model, path)
    assert read_metadata(path) == metadata


def test_the_bundled_models_metadata_are_read() -> None:
    classifier = OnnxClassifier(BUNDLED[0].path, "cpu")
    assert read_metadata(BUNDLED[0].path) == classifier.metadata.model_copy(update={"weights": ""})
    classifier.close()


def test_what_has_no_metadata_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none.onnx"
    tiny_model(path, with_metadata=False)
    with pytest.raises(ModelError, match="carries no 'emolive' metadata"):
        read_metadata(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_metadata(tmp_path / "nowhere.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        read_metadata(tmp_path)


@given(content=st.binary(max_size=80), cut=st.integers(0, 4_000))
def test_any_bytes_are_metadata_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    tiny_model(folder / "real.onnx")
    real = (folder / "real.onnx").read_bytes()
    for number, mixed in enumerate((content, real[:cut] + content, content + real)):
        path = folder / f"{number}.onnx"
        path.write_bytes(mixed)
        try:
            assert isinstance(read_metadata(path), ModelMetadata)
        except ModelError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_on_cuda_everything_is_bound(pair: Path) -> None:
    """The fake refuses any run that is not."""
    runtime = FakeCudaRuntime()
    classifier = OnnxClassifier(
        pair, batch_sizes=(1, 4, 16), host=gpu_host(), session_factory=runtime
    )
    runtime.batches.clear()
    whole = classifier.predict(sound(21))
    assert runtime.batches == [16, 16]
    assert whole.embedding is not None
    for n in (1, 3, 4, 16):
        part = classifier.predict(sound(21)[:n])
        assert part.embedding is not None
        np.testing.assert_allclose(part.logits, whole.logits[:n], atol=1e-5)
        np.testing.assert_allclose(part.embedding, whole.embedding[:n], atol=1e-5)


def test_models_that_say_the_same_are_told_apart_by_their_weights(tmp_path: Path) -> None:
    """What is known of a source's answers is of one model; its twin for GPUs is the same one."""
    found = []
    for name, seed in (("a.onnx", 0), ("b.onnx", 1), ("c.onnx", 0)):
        weights = np.random.default_rng(seed).normal(size=(128, len(LABELS))).astype(np.float32)
        tiny_model(tmp_path / name, weights=weights)
        classifier = OnnxClassifier(tmp_path / name, "cpu")
        found.append(classifier.metadata.fingerprint)
        classifier.close()
    assert found[0] == found[2] != found[1]
    tiny_model(tmp_path / "a.gpu.onnx")
    of_twin = OnnxClassifier(tmp_path / "a.gpu.onnx", "cpu")
    assert of_twin.metadata.fingerprint == found[0]
    of_twin.close()
