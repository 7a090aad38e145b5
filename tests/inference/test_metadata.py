from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest
from pydantic import ValidationError

from emolive.errors import ModelError
from emolive.features import LogMelSpec
from emolive.inference.metadata import ModelMetadata
from tests.models import LABELS, tiny_metadata, tiny_model


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_it_survives_json() -> None:
    metadata = tiny_metadata(provenance={"seed": "1"})
    assert ModelMetadata.parse(metadata.to_json()) == metadata


def test_derived_sizes() -> None:
    metadata = tiny_metadata()
    assert metadata.window_samples == 48_000
    assert metadata.window_shape == (128, 298)
    assert metadata.input_shape == (1, 128, 298)
    shorter = tiny_metadata(window_s=1.0, front_end=LogMelSpec(n_mels=64))
    assert shorter.input_shape == (1, 64, 98)


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": ("happy",)},
        {"labels": ("happy", "happy")},
        {"labels": ("happy", "")},
        {"labels": ("happy", "silence")},
        {"labels": ("happy", "not_inferred")},
        {"labels": ("uncertain", "happy")},
        {"temperature": 0.0},
        {"temperature": float("inf")},
        {"abstention_threshold": 1.1},
        {"window_s": 0.0},
        {"window_s": 1.00001},
        {"window_s": 0.02},
        {"name": ""},
        {"format_version": 3},
        {"typo": 1},
        {"window_s": 1e9},
        {"window_s": 3600.0},
        {"front_end": LogMelSpec(n_fft=10**9)},
        {"front_end": LogMelSpec(n_mels=10**9)},
        {"front_end": LogMelSpec(n_mels=1, hop_length=1, n_fft=1 << 15), "window_s": 60.0},
        {"labels": tuple(map(str, range(100_000)))},
        {"labels": ("happy", "x" * 100_000)},
        {"name": "x" * 100_000},
        {"embedding_size": 10**12},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_nonsense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        tiny_metadata(**fields)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("not json", "JSON"),
        ("[]", "as a whole"),
        ("{}", "name"),
        (json.dumps({**json.loads(tiny_metadata().to_json()), "temperature": -1}), "temperature"),
        (
            json.dumps({**json.loads(tiny_metadata().to_json()), "front_end": {"n_mels": 0}}),
            r"front_end\.n_mels",
        ),
    ],
)
def test_bad_text_is_one_sentence(text: str, word: str) -> None:
    with pytest.raises(ModelError, match=word) as caught:
        ModelMetadata.parse(text)
    assert "\n" not in str(caught.value)
    assert "export" in str(caught.value)


def test_a_file_that_agrees_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    metadata = tiny_model(path)
    assert ModelMetadata.from_onnx_session(session(path)) == metadata
    assert metadata.labels == LABELS


def test_no_metadata(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    tiny_model(path, with_metadata=False)
    with pytest.raises(ModelError, match="carries no 'emolive' metadata"):
        ModelMetadata.from_onnx_session(session(path))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"input_name": "mel"}, "'mel'"),
        ({"output_name": "scores"}, "'scores'"),
        ({"input_shape": ("batch", 1, 64, 298)}, r"\(batch, 1, 64, 298\)"),
        ({"input_shape": ("batch", 1, 128, 300)}, r"\(batch, 1, 128, 300\)"),
        ({"input_shape": (1, 1, 128, 298)}, r"\(1, 1, 128, 298\)"),
        ({"metadata_text": tiny_metadata(labels=LABELS[:7]).to_json()}, r"\(batch, 8\)"),
        (
            {"metadata_text": tiny_metadata(window_s=2.0).to_json()},
            r"expected .*\(batch, 1, 128, 198\)",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_graph_that_contradicts_is_refused(
    tmp_path: Path, options: dict[str, object], found: str
) -> None:
    path = tmp_path / "model.onnx"
    tiny_model(path, **options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=found) as caught:
        ModelMetadata.from_onnx_session(session(path))
    assert "does not match its metadata" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_free_frame_dimension_is_no_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    metadata = tiny_model(path, input_shape=("batch", 1, 128, "time"))
    assert ModelMetadata.from_onnx_session(session(path)) == metadata
