"""Files in folders that agents' programs change while we look: opened from a folder's descriptor downwards, never through a link.

A name that was examined may mean another file when it is opened. So nothing is examined by name: every component is opened in the
descriptor of the one before it, the kernel refuses links, and what is asked of a file is asked of its open descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from alphalab_nb.errors import ToolError

_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | _SAFE
_CREATED = 0o666
"""Mode of new files, less the umask."""


@dataclass(frozen=True)
class Place:
    """A file or folder by its path beneath a folder; making one touches nothing on disk.

    FileNotFoundError and IsADirectoryError of the methods are the caller's to tell; whatever else is in the way is a ToolError.
    """

    anchor: Path
    """A folder that no agent can replace."""
    parts: tuple[str, ...]
    """Without `.` and `..`."""
    shown: str
    """How messages name it."""
    refusal: str
    """How messages begin that refuse it."""

    @property
    def path(self) -> Path:
        """Its name, for messages and suffixes; not to be opened."""
        return self.anchor.joinpath(*self.parts)

    def below(self, *parts: str) -> Place:
        """Return a place in this folder."""
        return Place(self.anchor, (*self.parts, *parts), str(Path(self.shown, *parts)), self.refusal)

    def open_read(self) -> BinaryIO:
        """Open a regular file."""
        return os.fdopen(self._open(os.O_RDONLY), "rb")

    def open_write(self) -> BinaryIO:
        """Open a regular file, empty; it and its folders are made if need be."""
        descriptor = self._open(os.O_WRONLY | os.O_CREAT, make=True)
        os.ftruncate(descriptor, 0)  # not by O_TRUNC: only now it is known to be a regular file
        return os.fdopen(descriptor, "wb")

    def replace(self, content: bytes) -> None:
        """Replace a file whole: a reader, or a machine that loses power, sees the old content or the new one."""
        if not self.parts:
            raise IsADirectoryError(self.shown)
        with self._folder(self.parts[:-1], make=True) as folder:
            partial = f".{secrets.token_hex(8)}.partial"
            try:
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, _CREATED, dir_fd=folder), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(partial, self.parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial, dir_fd=folder)
                raise

    def is_folder(self) -> bool:
        """Whether this is a folder; a link raises ToolError."""
        try:
            with self._folder(self.parts):
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False

    def entries(self) -> list[tuple[str, str]]:
        """Return the sorted names in a folder, each with `file`, `folder`, `link` or `other`."""
        with self._folder(self.parts) as folder, os.scandir(folder) as found:
            return sorted((entry.name, _kind(entry)) for entry in found)

    def walk(self, kind: str = "file") -> Iterator[Place]:
        """Return what lies at any depth below a folder; a folder that goes away, or becomes something else, meanwhile is left out."""
        waiting: list[Place] = [self]
        while waiting:
            folder = waiting.pop()
            with contextlib.suppress(OSError, ToolError):
                for name, found in folder.entries():
                    if found == kind:
                        yield folder.below(name)
                    if found == "folder":
                        waiting.append(folder.below(name))

    def _open(self, flags: int, *, make: bool = False) -> int:
        """Return the descriptor of a regular file."""
        if not self.parts:
            raise IsADirectoryError(self.shown)
        with self._folder(self.parts[:-1], make=make) as folder, self._clear(folder, self.parts[-1]):
            # not to wait for the other end of a pipe
            descriptor = os.open(self.parts[-1], flags | os.O_NONBLOCK | _SAFE, _CREATED, dir_fd=folder)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return descriptor
        os.close(descriptor)
        raise IsADirectoryError(self.shown) if stat.S_ISDIR(mode) else ToolError(f"{self.shown} is not a regular file")

    @contextlib.contextmanager
    def _folder(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """Open a folder, one component after the other."""
        folder = os.open(self.anchor, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                with self._clear(folder, part):
                    inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _clear(self, folder: int, part: str) -> Iterator[None]:
        """Say it if what could not be opened is a link; an attempt that comes too late to see the link fails as it did."""
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError | IsADirectoryError):
                raise
            if error.errno == errno.ELOOP or _is_link(folder, part):
                raise ToolError(f"{self.refusal}: {part} is a link, and links are not followed") from error
            if isinstance(error, NotADirectoryError):
                raise
            raise ToolError(f"{self.shown} cannot be opened: {error.strerror}") from error


def place(anchor: Path, path: Path, *, shown: str, refusal: str) -> Place:
    """Return the place of a path that lies lexically beneath a folder."""
    return Place(anchor, path.relative_to(anchor).parts, shown, refusal)


def lexical(path: Path) -> Path:
    """Return an absolute path without `.` and `..`, as it is written: no link is followed."""
    return Path(os.path.normpath(path.absolute()))


def text_of(source: Place) -> str:
    """Return the whole text of a file."""
    try:
        return decoded(source)
    except FileNotFoundError as error:
        raise ToolError(f"there is no file {source.shown}") from error
    except NotADirectoryError as error:
        raise ToolError(f"there is no file {source.shown}: a part of it is a file, not a folder") from error
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise ToolError(f"{source.shown} is not a text file") from error


def told(root: Path, path: Path) -> str | None:
    """Return the text of a file that an agent has left below a folder; None if there is none, or something else in its place."""
    try:
        return text_of(place(root, path, shown=path.name, refusal=f"{path.name} is not read"))
    except ToolError:
        return None


def passage(root: Path, path: Path, chars: int) -> str | None:
    """Return the beginning of a file that an agent or its program has left below a folder, or with negative `chars` its end.

    What is no text is shown as far as it can be; None if there is no file, or something else in its place. A file of any size is read
    only as far as it is shown.
    """
    try:
        with place(root, path, shown=path.name, refusal=f"{path.name} is not read").open_read() as file:
            if chars < 0:
                file.seek(max(0, file.seek(0, os.SEEK_END) + 4 * chars))
            text = file.read(4 * abs(chars)).decode("utf-8", "replace")
    except (ToolError, OSError):
        return None
    return text[:chars] if chars > 0 else text[chars:]


def decoded(source: Place) -> str:
    """Return the text of a file; the caller tells what may be wrong with it."""
    with source.open_read() as file, io.TextIOWrapper(file, encoding="utf-8") as text:  # every kind of line end becomes \n
        return text.read()


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
