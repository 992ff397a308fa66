"""A conda channel made on this machine: the running CPython, and wheels from PyPI."""

import hashlib
import io
import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PLATFORM = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}[sysconfig.get_platform().split("-")[1]]
VERSION = "{}.{}".format(*sys.version_info)
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3", "ensurepip"}
# Debian's Python looks for packages in places of its own, unless it is in a virtual environment
AS_ELSEWHERE = {
    "site.py": (b"is_virtual_environment = ", b"is_virtual_environment = True or "),
    "sysconfig.py": (b"prefix_scheme = 'posix_local'", b"prefix_scheme = 'posix_prefix'"),
}


def make_channel(folder: Path, pins: Mapping[str, str]) -> None:
    """Fill a folder with `python` and one package for each pure wheel `name: version`."""
    records = {PLATFORM: dict([_python(folder)]), "noarch": dict(_wheels(folder, pins))}
    for platform, packages in records.items():
        index = {"info": {"subdir": platform}, "packages": packages, "packages.conda": {}, "repodata_version": 1}
        (folder / platform / "repodata.json").write_text(json.dumps(index))


def _python(folder: Path) -> tuple[str, dict]:
    library = Path(sysconfig.get_path("stdlib"))
    files = {
        f"lib/python{VERSION}/{path.relative_to(library)}": path.read_bytes()
        for path in sorted(library.rglob("*"))
        if path.is_file() and path.suffix not in {".pyc", ".a"} and not LEFT_OUT & set(path.relative_to(library).parts)
    }
    for name, (old, new) in AS_ELSEWHERE.items():
        files[f"lib/python{VERSION}/{name}"] = files[f"lib/python{VERSION}/{name}"].replace(old, new)
    interpreter = Path(sys._base_executable).resolve().read_bytes()  # finds a shared libpython where it was built for
    files |= {f"bin/{name}": interpreter for name in ("python", "python3", f"python{VERSION}")}
    index = {"name": "python", "version": sys.version.split()[0], "depends": [], "subdir": PLATFORM}
    return _write(folder, index, files, {})


def _wheels(folder: Path, pins: Mapping[str, str]) -> Iterator[tuple[str, dict]]:
    for name, version in pins.items():
        place = folder / "wheels" / name
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", place, f"{name}=={version}"], check=True)
        (wheel,) = place.glob("*-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            files = {f"site-packages/{entry}": archive.read(entry) for entry in archive.namelist() if entry[-1] != "/"}
        listed = next((text.decode() for path, text in files.items() if path.endswith("/entry_points.txt")), "")
        scripts = re.search(r"\[console_scripts\]\n([^\[]*)", listed)
        points = [line.strip() for line in scripts[1].splitlines() if "=" in line] if scripts else []
        link = {"noarch": {"type": "python", "entry_points": points}, "package_metadata_version": 1}
        index = {"name": name, "version": version, "depends": ["python"], "subdir": "noarch", "noarch": "python"}
        yield _write(folder, index, files, {"info/link.json": json.dumps(link).encode()})


def _write(folder: Path, index: dict, files: Mapping[str, bytes], extra: Mapping[str, bytes]) -> tuple[str, dict]:
    """Write a package; its file name and its record in the channel's index."""
    index = {"build": "0", "build_number": 0, **index}
    information = {
        "info/index.json": json.dumps(index).encode(),
        "info/files": "".join(f"{name}\n" for name in files).encode(),
        **extra,
    }
    path = folder / index["subdir"] / f"{index['name']}-{index['version']}-0.tar.bz2"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:bz2", compresslevel=1) as archive:
        for name, content in {**information, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if name.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    content = path.read_bytes()
    sums = {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()}
    return path.name, {**index, **sums, "size": len(content)}
