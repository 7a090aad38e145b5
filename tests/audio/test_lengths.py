"""A file is as long as its bytes are, whatever its header says; and what is missing is said."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.audio import decoding
from emolive.audio.decoding import FileDecoder
from emolive.errors import AudioFileError
from tests.audio.encoded import RATE, ffmpeg, mp3, sndfile, speech, with_vbri

SECONDS = 10.0
# Decoders keep back or add some milliseconds at the edges of lossy sound.
EDGE_S = 0.16


def decode(path: Path, content: bytes | None = None) -> tuple[float, FileDecoder]:
    """Seconds that come out, and the decoder that gave them."""
    if content is not None:
        path.write_bytes(content)
    decoder = FileDecoder(path, 0.5, "mix")
    frames = power = 0
    while (block := decoder.read()) is not None:
        frames += len(block)
        power += float(np.sum(np.square(block)))
    decoder.close()
    assert power / frames > 1e-5  # it is the speech, not silence in its place
    return frames / decoder.format.sampling_rate, decoder


def healthy(path: Path, content: bytes, seconds: float = SECONDS) -> None:
    length, decoder = decode(path, content)
    assert length == pytest.approx(seconds, abs=EDGE_S)
    assert decoder.error is None
    assert decoder.note is None


# MP3.


@pytest.mark.parametrize("quality", [None, "4"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_mp3_of_any_rate_with_or_without_a_header(
    tmp_path: Path, quality: str | None, header: bool, rate: int
) -> None:
    samples = np.resize(speech(SECONDS), round(rate * SECONDS))
    content = mp3(samples, rate, quality=quality, header=header)
    healthy(tmp_path / "a.mp3", content)
    decoder = FileDecoder(tmp_path / "a.mp3", 0.5, "mix")
    assert decoder.duration_s == pytest.approx(SECONDS, abs=EDGE_S)
    decoder.close()


def test_mp3_with_a_header_of_the_other_kind(tmp_path: Path) -> None:
    content = mp3(speech(SECONDS), quality="4", header=False)
    healthy(tmp_path / "a.mp3", with_vbri(content, 280))
    _, decoder = decode(tmp_path / "a.mp3", with_vbri(content, 560))
    assert decoder.error is not None
    assert "10.0 s of 20.2 s" in decoder.error


def test_mp3s_one_after_the_other(tmp_path: Path) -> None:
    with_header, without = mp3(speech(SECONDS)), mp3(speech(SECONDS), quality="4", header=False)
    tag = b"TAG" + bytes(125)
    healthy(tmp_path / "a.mp3", with_header + tag + with_header + tag, 2 * SECONDS)
    healthy(tmp_path / "a.mp3", without + without, 2 * SECONDS)
    healthy(tmp_path / "a.mp3", without + with_header, 2 * SECONDS)


def test_mp3s_that_are_cut(tmp_path: Path) -> None:
    with_header, without = mp3(speech(SECONDS)), mp3(speech(SECONDS), header=False)
    cut = with_header[: len(with_header) * 6 // 10]
    length, decoder = decode(tmp_path / "a.mp3", cut)
    assert length == pytest.approx(6.0, abs=EDGE_S)
    assert decoder.error == ("a.mp3 is damaged or cut short: decoding stopped at 6.0 s of 10.0 s.")
    _, decoder = decode(tmp_path / "a.mp3", without[: len(without) * 6 // 10 + 17])
    assert decoder.error == "a.mp3 is damaged or cut short: decoding stopped at 6.0 s."
    # The first is cut, and another follows: both are read.
    length, decoder = decode(tmp_path / "a.mp3", cut + with_header)
    assert length == pytest.approx(16.0, abs=2 * EDGE_S)
    assert decoder.error is not None
    assert "6.0 s of 10.0 s" in decoder.error


def test_bytes_in_an_mp3_that_are_no_sound_are_counted(tmp_path: Path) -> None:
    content = mp3(speech(SECONDS), header=False)
    length, decoder = decode(tmp_path / "a.mp3", content[:9000] + b"\x55" * 9000 + content[9000:])
    assert length == pytest.approx(SECONDS, abs=EDGE_S)
    assert decoder.note is not None
    assert "bytes in it are no sound" in decoder.note


def test_mp3_in_wav(tmp_path: Path) -> None:
    content = ffmpeg(speech(SECONDS), "wav", "libmp3lame", RATE, {"b": "32k"})
    healthy(tmp_path / "a.wav", content)
    length, decoder = decode(tmp_path / "a.wav", content[: len(content) * 6 // 10])
    assert length == pytest.approx(6.0, abs=EDGE_S)
    assert decoder.error is not None
    data = content.index(b"data") + 4
    wrong = content[:data] + struct.pack("<I", 10_000) + content[data + 4 :]
    assert decode(tmp_path / "a.wav", wrong)[0] == pytest.approx(SECONDS, abs=EDGE_S)


def test_layer_two(tmp_path: Path) -> None:
    content = ffmpeg(speech(SECONDS), "mp2", "mp2", RATE, {"b": "64k"})
    healthy(tmp_path / "a.mp2", content)
    healthy(tmp_path / "a.mp2", content + content, 2 * SECONDS)


def test_what_the_mp3_decoder_prints_stays_inside(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(mp3(speech(SECONDS)))
    rng = np.random.default_rng(0)
    for place in rng.integers(1000, len(content), 300):
        content[place] ^= 1 << int(rng.integers(8))
    (tmp_path / "damaged.mp3").write_bytes(content)
    decoder = FileDecoder(tmp_path / "damaged.mp3", 0.5, "mix")
    while decoder.read() is not None:
        os.write(2, b"Note: what others say is heard\n")
    decoder.close()
    out, err = capfd.readouterr()
    assert out == ""
    assert set(err.splitlines()) == {"Note: what others say is heard"}


# Ogg and FLAC.

STREAMS: dict[str, dict[str, Any]] = {
    "a.ogg": {"format": "OGG", "subtype": "VORBIS"},
    "a.opus": {"format": "OGG", "subtype": "OPUS"},
    "a.flac": {"format": "FLAC"},
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_one_after_the_other(tmp_path: Path, name: str) -> None:
    content = sndfile(speech(SECONDS), **STREAMS[name])
    healthy(tmp_path / name, content * 3, 3 * SECONDS)
    decoder = FileDecoder(tmp_path / name, 0.5, "mix")
    assert decoder.duration_s == pytest.approx(3 * SECONDS, abs=EDGE_S)
    decoder.close()


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_streams_that_are_cut(tmp_path: Path, name: str, share: float) -> None:
    content = sndfile(speech(SECONDS), **STREAMS[name])
    cut = content[: round(len(content) * share)]
    length, decoder = decode(tmp_path / name, cut)
    assert 0.5 * share * SECONDS < length < SECONDS
    assert decoder.error is not None
    assert "cut short" in decoder.error
    # And whole again behind: both are read.
    both, decoder = decode(tmp_path / name, cut + content)
    assert both == pytest.approx(length + SECONDS, abs=EDGE_S)
    assert decoder.error is not None


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_of_another_kind_behind_is_named(tmp_path: Path, name: str) -> None:
    content = sndfile(speech(SECONDS), **STREAMS[name])
    other = sndfile(speech(SECONDS, 8_000), 8_000, **STREAMS[name])
    length, decoder = decode(tmp_path / name, content + other)
    assert length == pytest.approx(SECONDS, abs=EDGE_S)
    assert decoder.error is not None
    assert "up to 10.0 s: what follows there is of another kind (8000 Hz" in decoder.error


def test_a_flac_header_that_tells_too_little(tmp_path: Path) -> None:
    content = bytearray(sndfile(speech(SECONDS), format="FLAC"))
    content[22:26] = struct.pack(">I", 2 * RATE)
    length, decoder = decode(tmp_path / "a.flac", bytes(content))
    assert length == SECONDS
    assert decoder.error is None
    assert decoder.note == (
        "a.flac: its header tells of 2.0 s, but 10.0 s are there; all of it was read."
    )


def test_tags_around_flac(tmp_path: Path) -> None:
    before, behind = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10), b"TAG" + bytes(125)
    healthy(tmp_path / "a.flac", before + sndfile(speech(SECONDS), format="FLAC") + behind)


def test_an_ogg_that_was_never_closed(tmp_path: Path) -> None:
    content = sndfile(speech(SECONDS), format="OGG", subtype="OPUS")
    last = content.rindex(b"OggS")
    length, decoder = decode(tmp_path / "a.opus", content[:last])
    assert length > 0.8 * SECONDS
    assert decoder.note is not None
    assert "no end mark" in decoder.note


# Containers with sizes in front.


def at(content: bytes, changes: dict[int, bytes]) -> bytes:
    changed = bytearray(content)
    for place, new in changes.items():
        changed[place : place + len(new)] = new
    return bytes(changed)


def wav(content: bytes, size: int) -> bytes:
    u32 = struct.pack("<I", size % 2**32)
    return at(content, {4: struct.pack("<I", (size + 36) % 2**32), content.index(b"data") + 4: u32})


def w64(content: bytes, size: int) -> bytes:
    size = 2**64 - 1 if size == 2**32 - 1 else size + 24 if size else 0
    return at(content, {content.index(b"data\xf3") + 16: struct.pack("<Q", size)})


def rf64(content: bytes, size: int) -> bytes:
    size = 2**64 - 1 if size == 2**32 - 1 else size
    return at(content, {20: struct.pack("<QQQ", size, size, size // 2)})


def aiff(content: bytes, size: int) -> bytes:
    sound = content.index(b"SSND")
    frames = size // (len(content) - sound - 16) * round(SECONDS * RATE)
    changes = {4: size + 46, sound + 4: size and size + 8, content.index(b"COMM") + 10: frames}
    return at(content, {k: struct.pack(">I", min(v, 2**32 - 1)) for k, v in changes.items()})


def au(content: bytes, size: int) -> bytes:
    return at(content, {8: struct.pack(">I", size)})


def caf(content: bytes, size: int) -> bytes:
    size = 2**64 - 1 if size == 2**32 - 1 else size and size + 4
    return at(content, {content.index(b"data") + 4: struct.pack(">Q", size)})


def svx(content: bytes, size: int) -> bytes:
    return at(content, {content.index(b"BODY") + 4: struct.pack(">I", size)})


SIZED: dict[str, tuple[str, str, Callable[[bytes, int], bytes]]] = {
    **{
        f"{subtype}.wav": ("WAV", subtype, wav)
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM",
                        "GSM610")
    },
    "PCM_16.w64": ("W64", "PCM_16", w64),
    "GSM610.w64": ("W64", "GSM610", w64),
    "PCM_16.rf64": ("RF64", "PCM_16", rf64),
    "PCM_16.aiff": ("AIFF", "PCM_16", aiff),
    "ALAW.aiff": ("AIFF", "ALAW", aiff),
    "PCM_16.au": ("AU", "PCM_16", au),
    "ULAW.au": ("AU", "ULAW", au),
    "PCM_16.caf": ("CAF", "PCM_16", caf),
    "PCM_16.svx": ("SVX", "PCM_16", svx),
}  # fmt: skip


def sized(kind: str) -> tuple[bytes, int, Callable[[bytes, int], bytes]]:
    """A healthy file, about how many bytes of it are sound, and how to write another size."""
    container, subtype, put = SIZED[kind]
    content = sndfile(speech(SECONDS), format=container, subtype=subtype)
    return content, len(content) - 50, put


@pytest.mark.parametrize("kind", SIZED)
def test_sizes_that_were_never_written(tmp_path: Path, kind: str) -> None:
    content, _, put = sized(kind)
    healthy(tmp_path / kind, content)
    for unknown in (0, 2**32 - 1, 0x7FFFFFFF):
        if unknown == 0x7FFFFFFF and kind.endswith("aiff"):
            continue
        healthy(tmp_path / kind, put(content, unknown))


@pytest.mark.parametrize("kind", SIZED)
def test_a_size_that_is_stale_is_said(tmp_path: Path, kind: str) -> None:
    content, size, put = sized(kind)
    length, decoder = decode(tmp_path / kind, put(content, size // 5 // 1040 * 1040))
    assert length == pytest.approx(SECONDS, abs=EDGE_S)
    assert decoder.error is None
    assert decoder.note is not None
    assert re.search(r"but 10\.[01] s are there", decoder.note)


@pytest.mark.parametrize("kind", SIZED)
def test_a_file_that_is_cut_says_how_much_is_there(tmp_path: Path, kind: str) -> None:
    content, _, _ = sized(kind)
    length, decoder = decode(tmp_path / kind, content[: len(content) * 6 // 10])
    assert length == pytest.approx(6.0, abs=EDGE_S)
    assert decoder.error is not None
    assert "cut short: decoding stopped at 6." in decoder.error or "at 5.9" in decoder.error


@pytest.mark.parametrize("kind", SIZED)
def test_files_one_after_the_other(tmp_path: Path, kind: str) -> None:
    content, _, _ = sized(kind)
    healthy(tmp_path / kind, content + content, 2 * SECONDS)


@pytest.mark.parametrize(
    ("name", "sound"), [("a.wav", b"data"), ("a.aiff", b"SSND"), ("a.caf", b"data")]
)
def test_more_sound_than_the_one_chunk_that_is_decoded_is_said(
    tmp_path: Path, name: str, sound: bytes
) -> None:
    content = sndfile(speech(SECONDS), format=name[2:].upper())
    again = content[content.index(sound) :]
    length, decoder = decode(tmp_path / name, content + again)
    assert (length, decoder.error) == (SECONDS, None)
    assert decoder.note is not None
    assert f"{len(again)} bytes behind the sound" in decoder.note


@pytest.mark.parametrize(("container", "suffix"), [("NIST", "sph"), ("VOC", "voc")])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_older_containers_that_are_cut(
    tmp_path: Path, container: str, suffix: str, subtype: str
) -> None:
    content = sndfile(speech(SECONDS), format=container, subtype=subtype)
    healthy(tmp_path / f"a.{suffix}", content)
    _, decoder = decode(tmp_path / f"a.{suffix}", content[: len(content) * 6 // 10])
    assert decoder.error is not None
    assert "s of 10.0 s" in decoder.error


def test_chunks_behind_the_sound_are_not_sound(tmp_path: Path) -> None:
    content = sndfile(speech(SECONDS), format="WAV")
    name = b"INFOISFT" + struct.pack("<I", 6) + b"Lavf59"
    listed = b"LIST" + struct.pack("<I", len(name)) + name
    tag = b"ID3\x03\0\0\0\0\x07\x68" + bytes([7] * 1000)
    for tail in (
        tag,
        listed,
        listed + b"id3 " + struct.pack("<I", 3) + b"abc\0",
        bytes(300),
        listed[:9],
    ):
        length, decoder = decode(tmp_path / "a.wav", content + tail)
        assert (length, decoder.error, decoder.note) == (SECONDS, None, None)


def test_the_broadcast_kind_of_rf64(tmp_path: Path) -> None:
    content = sndfile(speech(SECONDS), format="RF64", subtype="PCM_16")
    healthy(tmp_path / "a.wav", b"BW64" + content[4:])
    healthy(tmp_path / "a.wav", b"BW64" + rf64(content, 0)[4:])


def test_a_size_counted_from_0_again_at_4_gib(tmp_path: Path) -> None:
    """Sparse on disk: a header that tells of 2 s, and 4 GiB and 2 s of sound."""
    content = sndfile(speech(2.0), format="WAV")
    path = tmp_path / "long.wav"
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(2**32 + len(content))
    decoder = FileDecoder(path, 0.5, "mix")
    assert decoder.duration_s == (2**32 + 2 * 2 * RATE) / 2 / RATE
    first = decoder.read()
    assert first is not None
    np.testing.assert_allclose(first[:, 0], speech(2.0)[: len(first)], atol=1e-4)
    decoder.close()


# What is hostile.


HOSTILE = """
import resource, sys
from pathlib import Path
from emolive.audio.decoding import FileDecoder
from emolive.errors import AudioFileError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        FileDecoder(Path(name), 0.5, "split").close()
    except AudioFileError as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is asked for by getrusage")
def test_headers_that_claim_the_absurd_cost_nothing(tmp_path: Path) -> None:
    names = []
    for channels, rate in ((1024, 768_000), (65_535, 8_000), (1024, 4_000), (255, 192_000)):
        fmt = struct.pack("<HHIIHH", 1, channels, rate, 0, channels * 2 % 65_536, 16)
        content = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + fmt + b"data\xff\xff\xff\xff"
        path = tmp_path / f"{channels}x{rate}.wav"
        path.write_bytes(content + bytes(600))
        names.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, *names], capture_output=True, text=True, check=True
    )
    *sentences, megabytes = done.stdout.splitlines()
    assert len(sentences) == len(names)
    assert sentences[0] == (
        "1024x768000.wav says it has 1024 channels of 768000 samples a second, more than any "
        "recording of speech: the file is damaged, or its channels have to be separated."
    )
    assert int(megabytes) < 100


KINDS = ["PCM_16.wav", "GSM610.wav", "PCM_16.w64", "PCM_16.rf64", "PCM_16.aiff", "PCM_16.caf"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_sentence_or_sound(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([*KINDS, *STREAMS, "a.mp3"]))
    if kind == "a.mp3":
        content = mp3(speech(SECONDS))
    elif kind in STREAMS:
        content = sndfile(speech(SECONDS), **STREAMS[kind])
    else:
        content = sized(kind)[0]
    content = content[: data.draw(st.integers(100, len(content)))]
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, min(200, len(content) - 8)), max_size=8)):
        new = data.draw(st.sampled_from([bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1"]))
        damaged[place : place + 4] = new
    (tmp_path / kind).write_bytes(damaged)
    try:
        decoder = FileDecoder(tmp_path / kind, 0.5, "mix")
    except AudioFileError:
        return
    total = 0
    while (block := decoder.read()) is not None:
        total += len(block)
        assert np.isfinite(block).all()
    assert 0 < total <= 40 * len(damaged)
    decoder.close()


# What libsndfile does not read.

MEDIA = {
    "a.m4a": ("ipod", "aac", RATE),
    "a.webm": ("webm", "libopus", 48_000),
    "a.wma": ("asf", "wmav2", RATE),
    "a.amr": ("amr", "libopencore_amrnb", 8_000),
}
BITS = {"wmav2": {"b": "32k"}, "libopencore_amrnb": {"b": "12.2k"}}


@pytest.mark.parametrize("name", MEDIA)
def test_other_media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    container, codec, rate = MEDIA[name]
    samples = np.resize(speech(SECONDS), round(rate * SECONDS))
    healthy(tmp_path / name, ffmpeg(samples, container, codec, rate, BITS.get(codec)))
    monkeypatch.setattr(decoding, "can_read_media", lambda: False)
    with pytest.raises(AudioFileError) as caught:
        FileDecoder(tmp_path / name, 0.5, "mix")
    sentence = str(caught.value)
    assert "pip install 'emolive[media]'" in sentence
    assert f'ffmpeg -i "{name}" "a.wav"' in sentence


@pytest.mark.parametrize(
    ("container", "codec"),
    [("ipod", "aac"), ("mov", "pcm_s16le"), ("mp4", "aac"), ("tta", "tta"), ("webm", "libopus")],
)
def test_other_media_one_after_the_other(tmp_path: Path, container: str, codec: str) -> None:
    rate = 48_000 if codec == "libopus" else RATE
    samples = np.resize(speech(SECONDS), round(rate * SECONDS))
    options = {"movflags": "frag_keyframe+empty_moov"} if container == "mp4" else {}
    content = ffmpeg(samples, container, codec, rate, **options)
    name = {"ipod": "m4a"}.get(container, container)
    length, decoder = decode(tmp_path / f"a.{name}", 3 * content)
    assert length == pytest.approx(3 * SECONDS, abs=1.0)
    assert decoder.error is None


@pytest.mark.parametrize("name", ["a.m4a", "a.webm"])
def test_other_media_that_are_cut(tmp_path: Path, name: str) -> None:
    container, codec, rate = MEDIA[name]
    samples = np.resize(speech(SECONDS), round(rate * SECONDS))
    options = {"movflags": "faststart"} if name == "a.m4a" else {}
    content = ffmpeg(samples, container, codec, rate, **options)
    length, decoder = decode(tmp_path / name, content[: len(content) * 6 // 10])
    assert 4 < length < 8
    assert decoder.error is not None
    assert "of 10.0 s" in decoder.error


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(AudioFileError):
        FileDecoder(tmp_path / "a.m4a", 0.5, "mix")
