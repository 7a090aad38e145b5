"""What the app says instead where a text names a command: what can be done in the app, or why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emolive.i18n import mark

IN_APP: Final[Mapping[str, str]] = {
    "The model cannot be written to {path} ({reason}): free some space, or name another folder in "
    "EMOLIVE_MODELS.": mark("The model cannot be written to {path} ({reason}): free some space."),
    "There is nothing labelled to learn from{why}: mark moments of your sessions in the app, or "
    "give --manifest CSV or --folder DIR.": mark(
        "There is nothing labelled to learn from{why}: mark moments of your sessions."
    ),
    "{path} is no result of `emolive analyze --format json`: name one, or a recording.": mark(
        "{path} is no result of an analysis: choose one, or a recording."
    ),
    "{file} holds a secret and is open to other users of this computer: run `chmod 600 {file2}`.": (
        mark("{file} holds a secret: make it readable for yourself alone.")
    ),
    "A worker process {how} before it could start: use fewer of them with --jobs, perhaps memory "
    "is short.": mark("A worker process {how} before it could start: perhaps memory is short."),
    "{item} could not be analysed: its worker process {how}, because of this file or because "
    "memory is short (--jobs 1 needs least).": mark(
        "{item} could not be analysed: its worker process {how}, because of this file or because "
        "memory is short."
    ),
    "{item} could not be analysed ({kind}: {error}): run it alone with `emolive --debug analyze` "
    "and report what it prints.": mark(
        "{item} could not be analysed ({kind}: {error}): report what the app's log says."
    ),
    "Cannot write to {path} ({reason}): choose another folder with --out.": mark(
        "Cannot write to {path} ({reason}): choose another folder."
    ),
    "{path} cannot be written ({reason}): choose another folder with --out, or free some space.": (
        mark("{path} cannot be written ({reason}): choose another folder or free some space.")
    ),
    "No microphone or other audio input was found: connect one, or try the demo (`emolive demo`) "
    "or an audio file (`emolive analyze FILE`).": mark(
        "No microphone or other audio input was found: connect one, or try the demo or a file."
    ),
    "that takes PulseAudio or PipeWire (pipewire-pulse), and the ALSA plug-in for them (Debian, "
    "Ubuntu: `sudo apt install libasound2-plugins`)": mark(
        "that takes PulseAudio or PipeWire (pipewire-pulse), and the ALSA plug-in for them "
        "(Debian, Ubuntu: libasound2-plugins)"
    ),
    "PulseAudio cannot be reached through ALSA: install its plug-in (Debian, Ubuntu: `sudo apt "
    "install libasound2-plugins`).": mark(
        "PulseAudio cannot be reached through ALSA: install its plug-in (Debian, Ubuntu: "
        "libasound2-plugins)."
    ),
    "run `brew install portaudio`": mark("install portaudio with Homebrew"),
    "run `sudo apt install libportaudio2` (Debian, Ubuntu), `sudo dnf install portaudio` (Fedora) "
    "or your system's equivalent": mark(
        "install the system's package libportaudio2 (Debian, Ubuntu) or portaudio (Fedora)"
    ),
    "The source profiles in {folder} cannot be changed ({reason}): allow it, or use `--baseline "
    "off`.": mark(
        "The source profiles in {folder} cannot be changed ({reason}): allow it, or switch "
        "adapting to the source off in the settings."
    ),
    "{what} the id {profile_id}: `emolive baseline list` shows them all.": mark(
        "{what} the id {profile_id}: the settings show all sources."
    ),
    "{path} agrees to version {statement} of the statement, which has changed: read it with "
    "`emolive policy`, and set statement = {version}.": mark(
        "{path} agrees to version {statement} of the statement, which has changed: read it "
        "anew, where a call's agent is switched on, and set statement = {version}."
    ),
    "the ready-made program comes without it, emolive installed with Python can have it: `pip "
    "install {package}`": mark(
        "the ready-made program comes without it, emolive installed with Python can have it, as "
        "the package {package}"
    ),
    "run `pip install {package}`": mark(
        "add the Python package {package} where emolive is installed, then start it again"
    ),
    "run `pip install --force-reinstall {package}`": mark(
        "install the Python package {package} again"
    ),
    "{name} was taught on another {name2} than the one in use ({name3}): teach it again with "
    "`emolive adapt`, or bring that model back.": mark(
        "{name} was taught on another {name2} than the one in use ({name3}): teach it again, or "
        "bring that model back."
    ),
    "{name} does not fit {name2}: teach it again with `emolive adapt`.": mark(
        "{name} does not fit {name2}: teach it again."
    ),
    "The taught model {path} does not exist: `emolive models` lists those there are.": mark(
        "The taught model {path} does not exist: choose another one in the settings."
    ),
    "{name} is no taught model, or is damaged ({reason}): teach it again with `emolive adapt`.": (
        mark("{name} is no taught model, or is damaged ({reason}): teach it again.")
    ),
    "There is no model {choice}: `emolive models` lists those there are; an ONNX file is named "
    "with its ending.": mark("There is no model {choice}: choose another one in the settings."),
    "The model {name} is neither among the bundled ones nor among your own: give its file with "
    "--model.": mark(
        "The model {name} is neither among the bundled ones nor among your own: choose its file in "
        "the settings."
    ),
    "its libraries could not be loaded (CUDA and cuDNN of the `gpu` extra)": mark(
        "its libraries could not be loaded (CUDA and cuDNN)"
    ),
    "The model stopped working on {provider} ({error}): start again, if need be with `--provider "
    "cpu`.": mark(
        "The model stopped working on {provider} ({error}): start again, if need be on the CPU "
        "(in the settings)."
    ),
    "{name} cannot be loaded as an ONNX model ({error}): use a file that `python -m training "
    "export` wrote.": mark(
        "{name} cannot be loaded as an ONNX model ({error}): choose one that was made for emolive."
    ),
    "The model's metadata is not valid ({where}: {said}): export the model again with `python -m "
    "training export`.": mark(
        "The model's metadata is not valid ({where}: {said}): whoever made it has to export it "
        "again."
    ),
    "The model carries no {metadata_key} metadata: it was not exported for emolive (use `python "
    "-m training export`).": mark(
        "The model carries no {metadata_key} metadata: it was not exported for emolive."
    ),
    "CUDA was asked for but cannot be used: {problem}. It takes the NVIDIA driver and an extra "
    "({way}); or use `--provider auto`.": mark(
        "CUDA was asked for but cannot be used: {problem}. It takes the NVIDIA driver and an extra "
        "({way}); or let emolive choose in the settings."
    ),
    "{names} are both installed and overwrite each other's files: `pip uninstall -y {packages}`, "
    "then install emolive again.": mark(
        "{names} are both installed and overwrite each other's files: remove the Python packages "
        "{packages}, then install emolive again."
    ),
    "The installation of ONNX Runtime is broken: `pip uninstall -y onnxruntime onnxruntime-gpu`, "
    "then reinstall emolive.": mark(
        "The installation of ONNX Runtime is broken: remove the Python packages onnxruntime and "
        "onnxruntime-gpu, then install emolive again."
    ),
    "emolive hit an unexpected problem ({kind}: {error}) and goes on: run it again as `emolive "
    "--log-level info ...` and report what it prints.": mark(
        "emolive hit an unexpected problem ({kind}: {error}) and goes on: report what its log says."
    ),
    "Entry {number} of the audit log cannot be read, so it was changed from outside: see `emolive "
    "audit --verify`.": mark(
        "Entry {number} of the audit log cannot be read, so it was changed from outside."
    ),
    "{name} cannot be imported ({reason}): free some space, or choose another library with "
    "--library DIR.": mark(
        "{name} cannot be imported ({reason}): free some space, or choose another library in the "
        "settings."
    ),
    "{name} is no session exported by emolive: make one with `emolive sessions export ID --format "
    "bundle`.": mark(
        "{name} is no session exported by emolive: export one with everything, its sound included."
    ),
    "This session is here already, as {id}: delete that one first, or use --again on the command "
    "line to have it twice.": mark("This session is here already, as {id}: delete that one first."),
    "The library at {parent} lies on a disk that SQLite cannot share (journal mode {mode}): use a "
    "local disk with --library DIR.": mark(
        "The library at {parent} lies on a disk that SQLite cannot share (journal mode {mode}): "
        "choose a folder on a local disk in the settings."
    ),
    "{path} is not a library of emolive: choose another folder with --library.": mark(
        "{path} is not a library of emolive: choose another folder in the settings."
    ),
    "The library at {parent} cannot be written: allow it, or choose another folder with "
    "--library.": mark(
        "The library at {parent} cannot be written: allow it, or choose another folder in the "
        "settings."
    ),
    "The library at {parent} cannot be opened: check the folder, or choose another one with "
    "--library.": mark(
        "The library at {parent} cannot be opened: check the folder, or choose another one in the "
        "settings."
    ),
    "{name} is longer than a WAV file can be: use `--audio-format flac`.": mark(
        "{name} is longer than a WAV file can be: export it as FLAC."
    ),
    "The audio {source} is damaged: export without `--audio`, or with `--audio-format flac`.": mark(
        "The audio {source} is damaged: export without the sound, or as FLAC."
    ),
    "The library folder {folder} cannot be made ({reason}): choose another one with --library "
    "DIR.": mark(
        "The library folder {folder} cannot be made ({reason}): choose another one in the settings."
    ),
    "The library folder {folder} cannot be written ({reason}): free some space, or choose another "
    "one with --library DIR.": mark(
        "The library folder {folder} cannot be written ({reason}): free some space, or choose "
        "another one in the settings."
    ),
    "There is no session {session}: see `emolive sessions list`.": mark(
        "There is no session {session} any more."
    ),
    "There is no session yet: record one with `emolive live --record`.": mark(
        "There is no session yet: record one on the live page."
    ),
    "{number} sessions begin with {session}: give more of the id, see `emolive sessions list`.": (
        mark("{number} sessions begin with {session}: give more of the id.")
    ),
    "Session {id} has other labels than {model} has now: analyse it again with `emolive sessions "
    "replay {id} --model`.": mark(
        "Session {id} has other labels than {model} has now: replay it with another model."
    ),
}
