from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.output import SilentOutput
from emolive.session.playback import Passage, Playback, Track
from emolive.session.player import Player, PlayerState
from emolive.types import FloatArray
from tests.session.players import FakeOutput
from tests.waiting import until

RATE = 16_000
SECONDS = 10
BLOCK = 320
FADED = 80  # samples at either end of what is played in one go

Make = Callable[..., Player]


@pytest.fixture(scope="module")
def noise() -> FloatArray:
    """Ten seconds in which every stretch is unlike any other; quiet enough to be mixed."""
    return np.random.default_rng(1).uniform(-0.4, 0.4, SECONDS * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def audio(noise: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "agent.flac"
    sf.write(path, noise, RATE, subtype="PCM_24")
    return path


@pytest.fixture
def output() -> FakeOutput:
    return FakeOutput()


@pytest.fixture
def player(audio: Path, output: FakeOutput) -> Iterator[Player]:
    with Player([Track("mono", audio)], RATE, SECONDS * RATE, output) as player:
        yield player


def same(played: FloatArray, wanted: FloatArray) -> None:
    np.testing.assert_allclose(played, wanted, atol=2e-6)


def test_it_plays_the_file_to_the_sample_and_ends(
    player: Player, output: FakeOutput, noise: FloatArray
) -> None:
    assert player.status().state is PlayerState.PAUSED
    player.play()
    output.run(player, SECONDS)
    same(output.heard[FADED:-FADED], noise[FADED:-FADED])
    assert player.wait(60)
    status = player.status()
    assert (status.state, status.position) == (PlayerState.ENDED, SECONDS * RATE)
    assert (status.underruns, status.error) == (0, None)
    until(lambda: not output.is_open)
    # Played again, it begins again.
    player.play()
    until(lambda: output.is_open)
    output.forget()
    output.run(player, 0.1)
    same(output.heard[FADED:], noise[FADED : len(output.heard)])


@pytest.mark.parametrize("latency_s", [0.0, 0.05, 0.35])
def test_the_position_is_what_is_heard(
    player: Player, output: FakeOutput, latency_s: float
) -> None:
    output.latency_s = latency_s
    player.seek(2 * RATE)
    player.play()
    begin = output.time
    for _ in range(100):
        output.run(player, BLOCK / RATE)
        now = output.time
        # Between two blocks time goes on, too; and nothing is heard that was not handed out.
        for later_s in (0.0, 0.3 * BLOCK / RATE, 0.9 * BLOCK / RATE):
            output.time = now + later_s
            heard_s = max(0.0, min(output.time - latency_s, now) - begin)
            assert abs(player.position() - (2 + heard_s) * RATE) <= 1
        output.time = now


def test_seeking_takes_effect_at_once(
    player: Player, output: FakeOutput, noise: FloatArray
) -> None:
    player.play()
    output.run(player, 0.5)
    player.seek(7 * RATE + 123)
    assert player.position() == 7 * RATE + 123
    output.forget()
    output.run(player, 1.0)
    start = 7 * RATE + 123
    same(output.heard[FADED:], noise[start + FADED : start + RATE])
    assert output.opened == 1


@pytest.mark.parametrize(("sample", "wanted"), [(-5, 0), (SECONDS * RATE + 5, SECONDS * RATE)])
def test_there_is_nothing_before_or_beyond(player: Player, sample: int, wanted: int) -> None:
    player.seek(sample)
    assert player.position() == wanted


def test_playing_from_the_very_end_begins_again(
    player: Player, output: FakeOutput, noise: FloatArray
) -> None:
    player.seek(SECONDS * RATE)
    player.play()
    output.run(player, 0.1)
    same(output.heard[FADED:], noise[FADED : len(output.heard)])


def test_seeking_to_the_end_while_playing_ends_it(player: Player, output: FakeOutput) -> None:
    player.play()
    output.run(player, 0.1)
    player.seek(SECONDS * RATE)
    assert player.wait(60)
    assert player.status().state is PlayerState.ENDED
    player.seek(RATE)
    assert player.status().state is PlayerState.PAUSED


def test_paused_it_stays_frees_the_output_and_goes_on_there(
    player: Player, output: FakeOutput, noise: FloatArray
) -> None:
    output.latency_s = 0.1
    player.play()
    output.run(player, 1.0)
    player.pause()
    paused_at = player.position()
    # What the output had taken and nobody heard is played again.
    assert paused_at == round(0.9 * RATE)
    until(lambda: not output.is_open)
    output.time += 5.0
    assert player.position() == paused_at
    output.forget()
    player.play()
    output.run(player, 0.5)
    same(output.heard[FADED:], noise[paused_at + FADED : paused_at + len(output.heard)])


def test_a_loop_repeats_until_it_is_ended(
    player: Player, output: FakeOutput, noise: FloatArray
) -> None:
    start, end = 3 * RATE, 3 * RATE + RATE // 2
    player.loop(start, end)
    assert player.position() == start
    player.play()
    positions = []
    for _ in range(75):
        output.run(player, BLOCK / RATE)
        positions.append(player.position())
    assert min(positions) >= start
    assert max(positions) <= end
    laps = output.heard.reshape(3, -1)
    for lap in laps:
        same(lap[FADED:-FADED], noise[start + FADED : end - FADED])
    output.run(player, 0.2)
    player.end_loop()
    output.run(player, 0.6)
    assert end < player.position() <= start + round(0.8 * RATE)
    assert player.status().loop is None


def test_a_loop_around_the_cursor_leaves_it_there(player: Player) -> None:
    player.seek(4 * RATE)
    player.loop(3 * RATE, 5 * RATE)
    assert player.position() == 4 * RATE
    player.seek(6 * RATE)
    assert player.status().loop is None


@pytest.mark.parametrize(("start", "end"), [(-1, RATE), (0, 11 * RATE), (5, 5), (0, 700)])
def test_impossible_loops_are_refused(player: Player, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="loop"):
        player.loop(start, end)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_changes_the_pace_of_the_position(
    player: Player, output: FakeOutput, speed: float
) -> None:
    player.play()
    output.run(player, 1.0)
    player.set_speed(speed)
    assert player.position() == RATE
    output.run(player, 2.0)
    assert player.position() == pytest.approx(RATE + 2 * speed * RATE, abs=1)
    player.set_speed(1.0)
    output.run(player, 1.0)
    assert player.position() == pytest.approx(2 * RATE + 2 * speed * RATE, abs=2)
    with pytest.raises(ValueError, match="speed"):
        player.set_speed(3)


def test_at_double_speed_the_end_comes_in_half_the_time(player: Player, output: FakeOutput) -> None:
    player.set_speed(2.0)
    player.play()
    output.run(player, SECONDS / 2)
    assert player.wait(60)
    assert player.position() == SECONDS * RATE


@pytest.fixture
def call(audio: Path, tmp_path: Path, output: FakeOutput) -> Iterator[Player]:
    """An agent at 16 kHz and a customer at 8 kHz, who is cut off after four seconds."""
    time = np.arange(4 * 8_000) / 8_000
    sf.write(tmp_path / "customer.flac", 0.3 * np.sin(2 * np.pi * 200 * time), 8_000)
    tracks = [Track("agent", audio), Track("customer", tmp_path / "customer.flac")]
    with Player(tracks, RATE, SECONDS * RATE, output) as player:
        yield player


def tone_level(samples: FloatArray) -> float:
    phase = 2j * np.pi * 200 * np.arange(len(samples)) / RATE
    return 2 * abs(np.mean(samples * np.exp(phase)))


def test_streams_are_mixed_or_selected(call: Player, output: FakeOutput, noise: FloatArray) -> None:
    assert call.status().streams == ("agent", "customer")
    call.seek(RATE)
    call.play()
    output.run(call, 1.0)
    assert tone_level(output.heard) == pytest.approx(0.3, abs=0.02)
    # The rest is the agent, and nothing else.
    time = (np.arange(RATE) + RATE) / RATE
    rest = output.heard - 0.3 * np.sin(2 * np.pi * 200 * time)
    np.testing.assert_allclose(rest[FADED:], noise[RATE + FADED : 2 * RATE], atol=0.01)
    call.select(["agent"])
    output.forget()
    output.run(call, 1.0)
    same(output.heard[FADED:], noise[2 * RATE + FADED : 3 * RATE])
    call.select(["customer"])
    output.forget()
    output.run(call, 2.0)
    assert tone_level(output.heard[: RATE - 400]) == pytest.approx(0.3, abs=0.01)
    # Its file is shorter than the session.
    assert not output.heard[RATE + 400 :].any()
    with pytest.raises(ValueError, match="nobody"):
        call.select(["nobody"])


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_an_output_with_another_rate_hears_the_same(
    audio: Path, noise: FloatArray, rate: int
) -> None:
    import soxr

    output = FakeOutput(rate=rate, block=rate // 50)
    with Player([Track("mono", audio)], RATE, SECONDS * RATE, output) as player:
        player.seek(3 * RATE)
        player.play()
        output.run(player, 2.0)
        assert player.position() == pytest.approx(5 * RATE, abs=1)
    wanted = soxr.resample(noise[3 * RATE : 6 * RATE], RATE, rate, quality="HQ")
    skip = rate // 20  # the resampler knows nothing of what came before
    np.testing.assert_allclose(output.heard[skip:], wanted[skip : 2 * rate], atol=1e-4)


def test_a_channel_of_a_file_or_all_of_them(tmp_path: Path, noise: FloatArray) -> None:
    both = np.stack((noise, -noise), axis=1)
    sf.write(tmp_path / "two.flac", both, RATE, subtype="PCM_24")
    for channel, sign in ((0, 1), (1, -1), (None, 0)):
        playback = Playback([Track("x", tmp_path / "two.flac", channel)], RATE, RATE)
        pieces = playback.pieces(Passage(RATE, 2 * RATE))
        played = np.concatenate([piece.samples for piece in pieces])
        playback.close()
        same(played[FADED:-FADED], sign * noise[RATE + FADED : 2 * RATE - FADED])


def test_a_refusing_output_is_one_sentence_and_can_be_tried_again(
    player: Player, output: FakeOutput
) -> None:
    output.refuses = "No loudspeaker was found: connect one."
    player.seek(RATE)
    player.play()
    assert player.wait(60)
    status = player.status()
    assert status.error == "No loudspeaker was found: connect one."
    assert (status.state, status.position) == (PlayerState.PAUSED, RATE)
    output.refuses = None
    player.play()
    assert player.status().error is None
    output.run(player, 0.1)


def test_an_output_that_goes_away_pauses_where_it_was(player: Player, output: FakeOutput) -> None:
    player.play()
    output.run(player, 1.0)
    output.trouble = "The loudspeaker stopped playing: connect it."
    assert player.wait(60)
    status = player.status()
    assert (status.state, status.error) == (PlayerState.PAUSED, output.trouble)
    assert status.position == RATE
    until(lambda: not output.is_open)


def test_audio_that_cannot_be_read_is_one_sentence(tmp_path: Path, output: FakeOutput) -> None:
    (tmp_path / "bad.flac").write_text("no audio")
    with Player([Track("mono", tmp_path / "bad.flac")], RATE, RATE, output) as player:
        player.play()
        assert player.wait(60)
        assert "The session's audio cannot be read" in (player.status().error or "")


def test_damage_in_the_middle_is_silence(
    audio: Path, noise: FloatArray, tmp_path: Path, output: FakeOutput
) -> None:
    content = bytearray(audio.read_bytes())
    (tmp_path / "cut.flac").write_bytes(content[: len(content) // 2])
    with Player([Track("mono", tmp_path / "cut.flac")], RATE, SECONDS * RATE, output) as player:
        player.play()
        output.run(player, SECONDS)
        assert player.wait(60)
        assert player.status().state is PlayerState.ENDED
    same(output.heard[FADED : 4 * RATE], noise[FADED : 4 * RATE])
    assert not output.heard[7 * RATE :].any()


def test_an_output_that_is_faster_than_the_decoder_is_counted(
    player: Player, output: FakeOutput
) -> None:
    player.play()
    output.run(player, 0.1)
    for _ in range(200):
        output.take()
    assert player.status().underruns > 0


def test_without_audio_time_goes_by() -> None:
    with Player([Track("mono", None)], RATE, RATE // 5, SilentOutput()) as player:
        player.play()
        assert player.wait(60)
        status = player.status()
    assert (status.state, status.position) == (PlayerState.ENDED, RATE // 5)


def test_closed_in_the_middle_it_says_where_it_was(audio: Path, output: FakeOutput) -> None:
    player = Player([Track("mono", audio)], RATE, SECONDS * RATE, output)
    player.play()
    output.run(player, 1.0)
    player.close()
    player.close()
    assert player.position() == RATE
    with pytest.raises(RuntimeError, match="closed"):
        player.play()


@settings(max_examples=30)
@given(
    start=st.integers(0, SECONDS * RATE),
    length=st.integers(1, 2 * RATE),
    speed=st.sampled_from([0.5, 0.8, 1.0, 1.7, 2.0]),
    output_rate=st.sampled_from([16_000, 22_050, 48_000]),
)
def test_pieces_cover_any_passage_without_gaps(
    audio: Path, start: int, length: int, speed: float, output_rate: int
) -> None:
    end = min(start + length, SECONDS * RATE)
    playback = Playback([Track("mono", audio)], RATE, output_rate)
    at = float(start)
    for piece in playback.pieces(Passage(start, end, speed=speed)):
        assert piece.start == pytest.approx(at, abs=1e-6)
        at = piece.end
    playback.close()
    assert at == pytest.approx(end, abs=2 * speed * RATE / output_rate)


def test_commands_from_many_threads_do_no_harm(player: Player, output: FakeOutput) -> None:
    stop = threading.Event()
    lost: list[int] = []

    def listen() -> None:
        while not stop.is_set():
            pull = output._pull  # may be closed at any time
            if pull is not None:
                pull(np.empty(BLOCK, np.float32), output.time)
                output.time += BLOCK / RATE

    def command(seed: int) -> None:
        rng = np.random.default_rng(seed)
        commands: list[Callable[[], object]] = [
            player.play,
            player.pause,
            player.end_loop,
            player.status,
            lambda: player.seek(int(rng.integers(SECONDS * RATE))),
            lambda: player.set_speed(float(rng.uniform(0.5, 2.0))),
            lambda: player.loop(int(rng.integers(5)) * RATE, 6 * RATE),
            lambda: player.select(["mono"]),
        ]
        for _ in range(100):
            commands[rng.integers(len(commands))]()
            if not 0 <= (position := player.position()) <= SECONDS * RATE:
                lost.append(position)

    listener = threading.Thread(target=listen)
    workers = [threading.Thread(target=command, args=(seed,)) for seed in range(3)]
    for thread in (listener, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    player.pause()
    stop.set()
    listener.join()
    assert lost == []
    assert player.status().error is None
