"""What the guide takes from elsewhere in the repository when it is built."""

from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: object) -> Files:
    """Add the program's icon."""
    icon = (ROOT / "assets" / "icon.svg").read_bytes()
    files.append(File.generated(config, "icon.svg", content=icon))  # type: ignore[arg-type]
    return files
