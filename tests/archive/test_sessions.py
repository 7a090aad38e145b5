"""Files become sessions as if they had been recorded live, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.archive.inputs import find_inputs
from emolive.archive.messages import Done, Failed, Message
from emolive.archive.sessions import files_to_sessions
from emolive.engine import EngineConfig, analyze_file
from emolive.errors import AudioFileError
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.file_recording import session_of_file
from emolive.session.library import Library
from emolive.session.recorder_status import RecordingRequest
from emolive.session.records import SessionState
from emolive.speech.silero import SileroVad
from tests.models import tiny_model


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Two channels at 44.1 kHz."""
    import soxr

    samples, rate = sf.read(asset(DEMO_AUDIO), frames=15 * 16_000)
    loud = soxr.resample(samples, rate, 44_100)
    path = tmp_path / "files" / "A talk.wav"
    path.parent.mkdir()
    sf.write(path, np.stack([loud, loud[::-1]], axis=1), 44_100)
    return path


def test_a_session_of_a_file_has_its_answers_and_its_sound(tmp_path: Path, talk: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    classifier = OnnxClassifier(tmp_path / "tiny.onnx", "cpu")
    vad, config = SileroVad(), EngineConfig()
    expected = analyze_file(talk, classifier, vad, config, channels="split")
    with Library.open(tmp_path / "library") as library:
        request = RecordingRequest()
        info, _ = session_of_file(talk, library, classifier, vad, config, request, channels="split")
        assert info.state is SessionState.COMPLETE
        assert info.title == "A talk"
        windows = library.windows(info.id)
        assert len(windows) == len(expected.windows) > 40
        for stored, one in zip(windows, expected.windows, strict=True):
            assert (stored.stream, stored.end_sample) == (one.stream, one.end_sample)
            assert stored.state == one.state
        original, _ = sf.read(talk, dtype="float32")
        for channel, stream in enumerate(info.streams):
            path = library.audio_path(info.id, stream.name)
            assert path is not None
            sound, rate = sf.read(path, dtype="float32")
            assert rate == 44_100
            assert np.abs(sound - original[:, channel]).max() < 1e-4

        def give_up(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            session_of_file(talk, library, classifier, vad, config, request, progress=give_up)
        (tmp_path / "noise.wav").write_bytes(b"no sound")
        with pytest.raises(AudioFileError):
            session_of_file(tmp_path / "noise.wav", library, classifier, vad, config, request)
        assert [one.id for one in library.sessions()] == [info.id], "nothing else is left"
    classifier.close()


def test_a_folder_on_all_cores_and_one_bad_file(tmp_path: Path, talk: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    (talk.parent / "broken.wav").write_bytes(b"RIFF no sound")
    told: list[Message] = []
    Library.open(tmp_path / "library").close()
    files_to_sessions(
        find_inputs([talk.parent]).files,
        tmp_path / "library",
        tmp_path / "tiny.onnx",
        EngineConfig(),
        told.append,
        audio=False,
    )
    (done,) = [message for message in told if isinstance(message, Done)]
    (failed,) = [message for message in told if isinstance(message, Failed)]
    assert "broken.wav" in failed.sentence
    with Library.open(tmp_path / "library") as library:
        (info,) = library.sessions()
        assert done.result.outputs == (info.id,)
        assert not info.has_audio
        assert library.windows(info.id)
