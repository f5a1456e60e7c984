"""SQLite's own way to the disk, listened to: every call of its files may be written down, or fail as a broken disk makes it fail.

The file system of the very SQLite library that Python uses is asked by ctypes (sqlite.org/vfs.html): its files stay what they are, and only
the table of methods that each of them carries is replaced by a copy in which some methods are ours.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

NAME = b"custody-tests"
OK, BUSY, READONLY, IOERR, NO_ROOM, CANTOPEN = 0, 5, 8, 10, 13, 14

# Names stay pointers: SQLite keeps them, and reads on behind their end.
_open_t = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_delete_t = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_access_t = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_void_p)
_block_t = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_offset_t = CFUNCTYPE(c_int, c_void_p, c_int64)
_number_t = CFUNCTYPE(c_int, c_void_p, c_int)
_plain_t = CFUNCTYPE(c_int, c_void_p)
_out_t = CFUNCTYPE(c_int, c_void_p, c_void_p)
_map_t = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)
_shared_lock_t = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int)


class _Vfs(Structure):
    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _open_t),
        ("xDelete", _delete_t),
        ("xAccess", _access_t),
        *((name, c_void_p) for name in ("xFullPathname", "xDlOpen", "xDlError", "xDlSym", "xDlClose", "xRandomness", "xSleep")),
        *((name, c_void_p) for name in ("xCurrentTime", "xGetLastError", "xCurrentTimeInt64")),
        *((name, c_void_p) for name in ("xSetSystemCall", "xGetSystemCall", "xNextSystemCall")),
    )


class _Methods(Structure):
    _fields_ = (
        ("iVersion", c_int),
        ("xClose", _plain_t),
        ("xRead", _block_t),
        ("xWrite", _block_t),
        ("xTruncate", _offset_t),
        ("xSync", _number_t),
        ("xFileSize", _out_t),
        ("xLock", _number_t),
        ("xUnlock", _number_t),
        *((name, c_void_p) for name in ("xCheckReservedLock", "xFileControl", "xSectorSize", "xDeviceCharacteristics")),
        ("xShmMap", _map_t),
        ("xShmLock", _shared_lock_t),
        *((name, c_void_p) for name in ("xShmBarrier", "xShmUnmap", "xFetch", "xUnfetch")),
    )


class _File(Structure):
    _fields_ = (("pMethods", POINTER(_Methods)),)


class Listener(Protocol):
    """What hears of each call before it is made. `call` answers OK, or the error that SQLite is told instead of the call.

    The calls are `open delete access` of a name, and `read write truncate sync size lock map lock_shared` of a file. `offset` is the number
    that goes with a call: where it reads or writes, how long the file becomes, whether opening makes it (1).
    """

    def call(self, what: str, path: str, offset: int, content: bytes) -> int: ...


def _text(name: int | None) -> str:
    """A file's name; nothing for one that goes when it is closed."""
    return ctypes.string_at(name).decode() if name else ""


@dataclass
class Nothing:
    """Hears and denies nothing."""

    def call(self, _what: str, _path: str, _offset: int, _content: bytes) -> int:
        return OK


def lacking() -> str | None:
    """Why SQLite's files cannot be listened to here; None when they can."""
    try:
        library = _library()
    except (OSError, AttributeError) as error:
        return f"Python carries an SQLite of its own here, whose files cannot be listened to ({error})"
    version = library.sqlite3_libversion().decode()
    return None if version == sqlite3.sqlite_version else f"the SQLite that is found ({version}) is not the one that Python uses"


@cache
def _library() -> ctypes.CDLL:
    """The SQLite library that is mapped into this process; a Python linked with its own answers through its module."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").split("\n")
    there = [line.split()[-1] for line in maps if "libsqlite3" in line]
    import _sqlite3

    library = ctypes.CDLL(there[0] if there else _sqlite3.__file__)
    library.sqlite3_libversion.restype = c_char_p
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = (c_char_p,)
    library.sqlite3_vfs_register.argtypes = (POINTER(_Vfs), c_int)
    library.sqlite3_vfs_unregister.argtypes = (POINTER(_Vfs),)
    return library


@dataclass
class Shim:
    """Stands between SQLite and its files; what it hands over to C must live as long as any file is open."""

    listener: Listener = field(default_factory=Nothing)
    paths: dict[int, str] = field(default_factory=dict)
    patched: dict[int, _Methods] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.library = _library()
        self.below = self.library.sqlite3_vfs_find(None)
        self.vfs = _Vfs.from_buffer_copy(self.below.contents)
        self.vfs.zName = NAME
        self.vfs.xOpen = self._kept(_open_t(self._open))
        self.vfs.xDelete = self._kept(_delete_t(self._delete))
        self.vfs.xAccess = self._kept(_access_t(self._access))

    def register(self) -> None:
        assert self.library.sqlite3_vfs_register(ctypes.byref(self.vfs), 1) == OK

    def unregister(self) -> None:
        """The way below is the usual one again, for files that are opened from now on."""
        self.library.sqlite3_vfs_unregister(ctypes.byref(self.vfs))
        self.library.sqlite3_vfs_register(self.below, 1)
        self.listener = Nothing()

    def _kept(self, callback: Any) -> Any:
        self.kept.append(callback)
        return callback

    # ── of the file system ──

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        path = _text(name)
        denied = self.listener.call("open", path, int(not Path(path).exists()), b"")
        if denied:
            # SQLite closes only files that have methods.
            ctypes.cast(file, POINTER(c_void_p))[0] = None
            return CANTOPEN if denied == IOERR else denied
        answer = self.below.contents.xOpen(self.below_pointer, name, file, flags, out)
        opened = ctypes.cast(file, POINTER(_File)).contents
        if answer == OK and path:
            self.paths[file] = path
            opened.pMethods = ctypes.pointer(self._patched(opened.pMethods))
        return int(answer)

    @property
    def below_pointer(self) -> int:
        return ctypes.addressof(self.below.contents)

    def _delete(self, _vfs: int, name: int, sync_folder: int) -> int:
        denied = self.listener.call("delete", _text(name), sync_folder, b"")
        return denied or int(self.below.contents.xDelete(self.below_pointer, name, sync_folder))

    def _access(self, _vfs: int, name: int, flags: int, out: int) -> int:
        denied = self.listener.call("access", _text(name), flags, b"")
        return denied or int(self.below.contents.xAccess(self.below_pointer, name, flags, out))

    # ── of a file ──

    def _patched(self, methods: Any) -> _Methods:
        """A copy of the methods of one kind of file, made once."""
        address = ctypes.addressof(methods.contents)
        if address not in self.patched:
            below = methods.contents
            copy = self.patched[address] = _Methods.from_buffer_copy(below)
            copy.xClose = self._kept(_plain_t(self._closing(below.xClose)))
            copy.xRead = self._kept(_block_t(self._reading(below.xRead)))
            copy.xWrite = self._kept(_block_t(self._writing(below.xWrite)))
            copy.xTruncate = self._kept(_offset_t(self._told("truncate", below.xTruncate)))
            copy.xSync = self._kept(_number_t(self._told("sync", below.xSync)))
            copy.xFileSize = self._kept(_out_t(self._told("size", below.xFileSize, numbered=False)))
            copy.xLock = self._kept(_number_t(self._told("lock", below.xLock)))
            copy.xShmMap = self._kept(_map_t(self._told("map", below.xShmMap)))
            copy.xShmLock = self._kept(_shared_lock_t(self._told("lock_shared", below.xShmLock, numbered=False, frees=2)))
        return self.patched[address]

    def _closing(self, below: Any) -> Callable[[int], int]:
        def close(file: int) -> int:
            self.paths.pop(file, None)
            return int(below(file))

        return close

    def _reading(self, below: Any) -> Callable[..., int]:
        def read(file: int, into: int, amount: int, offset: int) -> int:
            return self._call("read", file, offset) or int(below(file, into, amount, offset))

        return read

    def _writing(self, below: Any) -> Callable[..., int]:
        def write(file: int, source: int, amount: int, offset: int) -> int:
            return self._call("write", file, offset, ctypes.string_at(source, amount)) or int(below(file, source, amount, offset))

        return write

    def _told(self, what: str, below: Any, *, numbered: bool = True, frees: int = -1) -> Callable[..., int]:
        """A method whose first number is told; giving a lock back never fails."""

        def method(file: int, *arguments: int) -> int:
            if frees > 0 and arguments[frees] & 1:
                return int(below(file, *arguments))
            return self._call(what, file, arguments[0] if numbered else 0) or int(below(file, *arguments))

        return method

    def _call(self, what: str, file: int, offset: int, content: bytes = b"") -> int:
        return self.listener.call(what, self.paths.get(file, ""), offset, content)


@contextmanager
def heard_by(listener: Listener) -> Iterator[Listener]:
    """Every file of SQLite that is opened meanwhile is listened to, and closed before the end."""
    shim = _shim()
    shim.listener = listener
    shim.register()
    try:
        yield listener
    finally:
        shim.unregister()


@cache
def _shim() -> Shim:
    """One for the whole process: files that somebody forgot to close may call it for ever."""
    return Shim()
