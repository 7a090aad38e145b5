from __future__ import annotations

import os
import sys
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.archive.inputs import find_inputs
from emolive.audio import decoding
from emolive.audio.decoding import audio_extensions


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def results(*paths: Path) -> dict[str, str]:
    found = find_inputs(paths)
    return {file.path.as_posix(): file.result.as_posix() for file in found.files}


def test_folders_are_searched_in_depth_by_extension_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.wav", "a.FLAC", "sub/deep/c.ogg", "notes.txt", "sub/d.mp3", "e.raw")
    found = find_inputs([tmp_path])
    assert [file.result.as_posix() for file in found.files] == ["a", "b", "sub/d", "sub/deep/c"]
    assert found.problems == ()


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "._a.wav", ".trash/b.wav", "c.wav")
    assert list(results(tmp_path).values()) == ["c"]


def test_a_named_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    make(tmp_path, "talk.weird", ".hidden.wav")
    assert results(tmp_path / "talk.weird", tmp_path / ".hidden.wav", tmp_path / "none.wav") == {
        (tmp_path / "talk.weird").as_posix(): "talk",
        (tmp_path / ".hidden.wav").as_posix(): ".hidden",
        (tmp_path / "none.wav").as_posix(): "none",
    }


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav")
    assert len(results(tmp_path / "b.wav", tmp_path, tmp_path / "." / "a.wav")) == 2


def test_the_same_name_in_one_folder_keeps_its_extension(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "a.flac", "b.wav")
    assert sorted(results(tmp_path).values()) == ["a.flac", "a.wav", "b"]


def test_the_same_name_in_different_folders_gets_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "x/a.wav", "y/a.wav", "z/b.wav")
    found = results(tmp_path / "x" / "a.wav", tmp_path / "y", tmp_path / "z" / "b.wav")
    assert list(found.values()) == ["x/a", "y/a", "b"]


def test_no_result_takes_a_reserved_name(tmp_path: Path) -> None:
    make(tmp_path, "x/Summary.wav", "x/b.wav")
    found = find_inputs([tmp_path / "x"], reserved=["summary"])
    assert [file.result.as_posix() for file in found.files] == ["x/Summary", "b"]


def test_inputs_know_size_and_time_of_change_and_name_their_outputs(tmp_path: Path) -> None:
    make(tmp_path, "sub/talk.v2.wav")
    os.utime(tmp_path / "sub" / "talk.v2.wav", ns=(5, 1_234_567_000))
    (item,) = find_inputs([tmp_path]).files
    assert (item.size, item.modified_ns) == (1, 1_234_567_000)
    assert item.output("json") == "sub/talk.v2.json"


def test_a_folder_without_audio_is_a_problem(tmp_path: Path) -> None:
    make(tmp_path, "empty/notes.txt", "full/a.wav")
    found = find_inputs([tmp_path / "empty", tmp_path / "full"])
    assert len(found.files) == 1
    (problem,) = found.problems
    assert "empty" in problem


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything"
)
def test_a_folder_that_cannot_be_read_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "closed/a.wav", "open/b.wav")
    (tmp_path / "closed").chmod(0)
    try:
        found = find_inputs([tmp_path])
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [file.result for file in found.files] == [PurePath("open/b")]
    (problem,) = found.problems
    assert "closed" in problem


def test_an_error_while_searching_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "closed/a.wav", "open/b.wav")
    scan = os.scandir

    def refuse(path: str | os.PathLike[str]) -> object:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_inputs([tmp_path])
    assert [file.result for file in found.files] == [PurePath("open/b")]
    (problem,) = found.problems
    assert "closed cannot be searched (Permission denied)" in problem


def test_what_a_folder_leaves_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "can_read_media", lambda: False)
    make(tmp_path, "a.wav", "sub/b.txt", "c.txt", "d.m4a", "README", ".hidden.wav", ".git/x.wav")
    found = find_inputs([tmp_path])
    assert [file.result.as_posix() for file in found.files] == ["a"]
    assert found.problems == ()
    count, way = found.left_out
    assert count == (
        f"{tmp_path}: 6 entries are left out (2 .txt, 2 hidden, 1 .m4a, 1 without extension)."
    )
    assert way.startswith(".m4a: such files take an extra (")
    assert 'ffmpeg -i "NAME.m4a" "NAME.wav"' in way
    monkeypatch.setattr(decoding, "can_read_media", lambda: True)
    assert len(find_inputs([tmp_path]).files) == 2


def test_nothing_is_said_about_a_folder_of_sound_alone(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "sub/b.mp3")
    assert find_inputs([tmp_path]).left_out == ()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_are_files_of_their_own_and_linked_folders_are_searched_once(tmp_path: Path) -> None:
    make(tmp_path, "here/real/a.wav", "elsewhere/b.wav", "elsewhere/deep/c.wav")
    here = tmp_path / "here"
    (here / "again.wav").symlink_to(here / "real" / "a.wav")
    (here / "linked").symlink_to(tmp_path / "elsewhere")
    (here / "a second link").symlink_to(here / "real")
    (here / "real" / "loop").symlink_to(here)
    found = find_inputs([here])
    assert sorted(file.result.as_posix() for file in found.files) == [
        "again", "linked/b", "linked/deep/c", "real/a",
    ]  # fmt: skip
    assert len(found.left_out) == 2
    assert all("not searched twice" in sentence for sentence in found.left_out)


def test_every_usual_extension_is_known() -> None:
    usual = {
        "wav", "wave", "bwf", "rf64", "flac", "ogg", "oga", "opus", "mp1", "mp2", "mp3", "mpga",
        "aif", "aiff", "aifc", "au", "snd", "caf", "w64", "gsm", "vox", "sph", "voc", "mat", "mpc",
        "ul", "alaw",
    }  # fmt: skip
    assert usual <= audio_extensions()
    assert "raw" not in audio_extensions()


NAMES = st.sampled_from(["a.wav", "a.flac", "A.wav", "a.wav.mp3", "b.ogg"])
FOLDERS = st.sampled_from(["", "x", "y", "x/a", "y/x", "x/y/x"])


@given(
    files=st.sets(st.tuples(FOLDERS, NAMES), min_size=1, max_size=12),
    named=st.lists(st.sampled_from(["", "x", "y", "x/a"]), min_size=1, max_size=3),
)
def test_no_two_inputs_share_a_result(
    tmp_path_factory: pytest.TempPathFactory, files: set[tuple[str, str]], named: list[str]
) -> None:
    root = tmp_path_factory.mktemp("in")
    make(root, *(Path(folder, name).as_posix() for folder, name in files))
    paths = [root / folder for folder in named if (root / folder).is_dir()]
    paths += [root / folder / name for folder, name in sorted(files)]
    found = find_inputs(paths)
    taken = [str(file.result).casefold() for file in found.files]
    assert len(set(taken)) == len(taken)
    assert len({file.path.resolve() for file in found.files}) == len(files)
    for file in found.files:
        assert not file.result.is_absolute()
        assert ".." not in file.result.parts
