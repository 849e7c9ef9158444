"""What a long run has finished, kept on disk as it happens, so that a run that was stopped can go on."""

import errno
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from openrubrics.signatures.errors import DataError, OpenRubricsError, UsageError
from openrubrics.signatures.files import cannot_write

FORMAT = 1
_APPLICATION = 0x4F524C47
_LOCK_SECONDS = 0.5
_SHOWN = 60
_AGAIN = "--overwrite (in Python overwrite=True)"

_SCHEMA = (
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
    "CREATE TABLE identity (value TEXT NOT NULL)",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE replies (key BLOB PRIMARY KEY, reply BLOB NOT NULL)",
    "CREATE TABLE items (key BLOB PRIMARY KEY, record BLOB NOT NULL, failed INTEGER NOT NULL)",
    "CREATE TABLE places (place INTEGER PRIMARY KEY, key BLOB NOT NULL)",
)
_TABLES = ("identity", "notes", "replies", "items", "places")


class Ledger:
    """Replies of language models and finished items of one run, in one SQLite file, found by the content of each.

    ```python
    with Ledger(folder / "ledger.db", identity={"program": program.fingerprint, "seed": 0}) as ledger:
        for place, (key, item) in enumerate(items):
            if ledger.take(place, key) is None:
                ledger.finish(place, key, work(item))
        for record in ledger.records(): ...
    ```

    What a method has kept when it returns has reached the operating system in one transaction, so it survives the death
    of the process at any moment, also by SIGKILL. It is flushed to the disk itself in batches, at the checkpoints of
    SQLite's write-ahead log and on leaving: a loss of power can take back what came after the last checkpoint, about
    four megabytes, but never leaves half an entry or a broken file.

    Each step takes O(log n) time, and memory does not grow with what is kept. One process at a time can have a ledger
    open; the lock goes with the process, however it ends. There, use it from as many threads and `asyncio` tasks as you
    like, but iterate over `records` while nothing else is kept.

    Every method raises `UsageError` when the place cannot be written to or is full, and `DataError` when the file is
    damaged. What was kept before stays; once there is space again, work can go on with the same object or a new one.

    Attributes:
        path: The file; SQLite puts another with the ending ``-wal`` beside it.
    """

    def __init__(self, path: Path, *, identity: Mapping[str, JsonValue], overwrite: bool = False) -> None:
        """Prepare a ledger, which is opened on entering.

        Args:
            path: The file; its folder is made where it is missing.
            identity: What must be equal for it to make sense that a run goes on: program, LMs, sampling, seed, ...
            overwrite: Whether to forget what the file holds.
        """
        self.path = path
        self._identity: dict[str, JsonValue] = json.loads(_json(dict(identity)))
        self._overwrite = overwrite
        self._lock = threading.RLock()
        self._db: sqlite3.Connection
        self._is_open = False

    def __enter__(self) -> Self:
        """Open the file, or make it.

        Raises:
            UsageError: Another process has it open, it holds something and was begun with another identity, cannot be
                written, or is the SQLite database of something else (which is not overwritten either).
            DataError: The file is damaged, is no database, or has another format.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error
        try:
            self._open()
        except DataError:
            if not self._overwrite:
                raise
            self._unlink()
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, which flushes to the disk; a ledger that nothing was kept in leaves no file."""
        try:
            if self._is_open and self.is_empty:
                self.delete()
            self._close()
        except OpenRubricsError:
            if kind is None:
                raise

    @property
    def is_empty(self) -> bool:
        """Whether it holds no reply and no finished item."""
        return not self._value("SELECT EXISTS (SELECT 1 FROM replies) OR EXISTS (SELECT 1 FROM items)")

    def reply(self, key: str) -> bytes | None:
        """Return the reply kept under a key, None where there is none."""
        return self._value("SELECT reply FROM replies WHERE key = ?", _digest(key))

    def keep_replies(self, replies: Iterable[tuple[str, bytes]]) -> None:
        """Keep replies of LMs under their keys, all of them or none, in place of those that have the same keys."""
        self._write(
            *(("INSERT OR REPLACE INTO replies VALUES (?, ?)", (_digest(key), reply)) for key, reply in replies)
        )

    def finished(self, key: str) -> bool:
        """Return whether the item of this key is done, be it failed."""
        return self._value("SELECT 1 FROM items WHERE key = ?", _digest(key)) is not None

    def finish(self, place: int, key: str, record: bytes, *, failed: bool = False) -> None:
        """Keep an item that is done, in place of one that has the same key.

        Args:
            place: Its position in the input of this run, from 0.
            key: Identity of its content; items of equal content share it, and one record.
            record: Whatever `records` is to give back.
            failed: Whether `forget_failed` is to forget it.
        """
        digest = _digest(key)
        self._write(
            ("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (digest, record, failed)),
            ("INSERT OR REPLACE INTO places VALUES (?, ?)", (place, digest)),
        )

    def take(self, place: int, key: str) -> bytes | None:
        """Return the record of an item that is done and note its place in the input of this run; None if it is not."""
        digest = _digest(key)
        record = self._value("SELECT record FROM items WHERE key = ?", digest)
        if record is not None:
            self._write(("INSERT OR REPLACE INTO places VALUES (?, ?)", (place, digest)))
        return record

    def records(self) -> Iterator[bytes]:
        """Yield the records that this run has finished or taken, by their place, one at a time."""
        query = "SELECT record FROM places JOIN items USING (key) ORDER BY place"
        try:
            for (record,) in self._db.execute(query):
                yield record
        except sqlite3.Error as error:
            raise self._error(error) from error

    def forget_failed(self) -> int:
        """Forget the items that failed, so that they are not found any more, and return how many they were.

        Replies stay: an item that failed over what a model wrote fails again, one that was not answered is asked again.
        """
        count = self._value("SELECT count(*) FROM items WHERE failed")
        self._write(("DELETE FROM items WHERE failed", ()))
        return int(count or 0)

    def note(self, name: str, value: JsonValue) -> None:
        """Keep a value about the run as a whole, such as what it has cost, in place of one that has the same name."""
        self._write(("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, _json(value))))

    def noted(self, name: str) -> JsonValue:
        """Return the value noted under a name, None where there is none."""
        value = self._value("SELECT value FROM notes WHERE name = ?", name)
        return None if value is None else json.loads(value)

    def delete(self) -> None:
        """Delete the file and close: what it holds is no longer needed."""
        try:
            # Without a log no other file belongs to it, and it goes while the lock is still held.
            self._db.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise self._error(error) from error
        self._unlink()
        self._close()

    def _close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._db.close()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _unlink(self) -> None:
        try:
            for ending in ("", "-wal", "-journal"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _open(self) -> None:
        try:
            # `str` would make a name of surrogates of a path that is not UTF-8, which SQLite does not take.
            self._db = sqlite3.connect(
                os.fsencode(self.path), timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._is_open = True
            # Exclusive first: then the index of the log is in memory, and no file is shared with other processes.
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.execute("BEGIN EXCLUSIVE")
            self._prepare()
            self._db.execute("COMMIT")
        except BaseException as error:
            self._close()
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
                return self._open()  # a run that ended just now took the file away while this one waited for the lock
            if isinstance(error, sqlite3.Error):
                raise self._error(error) from error
            raise

    def _prepare(self) -> None:
        """Make the tables of a new ledger, or make sure that an old one is of this run."""
        (application,), (version,) = (
            self._db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        is_new = not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and application != _APPLICATION:
            raise UsageError(f"{self.path} is a database of something else", "name another folder")
        if not is_new and version != FORMAT:
            raise DataError(
                f"{self.path} is a ledger of format {version}, and this version of openrubrics reads format {FORMAT}",
                f"go on with the version that began it, or begin anew with {_AGAIN}",
            )
        if not is_new and (self._overwrite or self.is_empty):
            for table in _TABLES:
                self._db.execute(f"DROP TABLE {table}")
            is_new = True
        if is_new:
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._db.execute("INSERT INTO identity VALUES (?)", (_json(self._identity),))
        else:
            (kept,) = self._db.execute("SELECT value FROM identity").fetchone()
            self._compare(json.loads(kept))
            self._db.execute("DELETE FROM places")

    def _compare(self, kept: dict[str, JsonValue]) -> None:
        mine = self._identity
        names = sorted(
            name for name in kept.keys() | mine if (name in kept, kept.get(name)) != (name in mine, mine.get(name))
        )
        if names:
            changes = (f"{name} was {_shown(kept, name)} and is {_shown(mine, name)}" for name in names)
            raise UsageError(
                f"{self.path.parent} holds a run that was begun otherwise: {'; '.join(changes)}",
                f"go on with what it was begun with, name another folder, or begin anew with {_AGAIN}",
            )

    def _value(self, query: str, *arguments: str | bytes) -> bytes | None:
        try:
            with self._lock:
                row = self._db.execute(query, arguments).fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from error
        return None if row is None else row[0]

    def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Do all or nothing, also where an interrupt comes in between."""
        with self._lock:
            try:
                if len(statements) == 1:  # a transaction by itself
                    self._db.execute(*statements[0])
                    return
                self._db.execute("BEGIN")
                for statement, arguments in statements:
                    self._db.execute(statement, arguments)
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._error(error) from error
                raise

    def _error(self, error: sqlite3.Error) -> OpenRubricsError:
        """Return the error of ours: whose fault it is, and what to do."""
        # The lowest byte is the kind of an error, the others say more: a file without the right to write has no lock.
        code = getattr(error, "sqlite_errorcode", 0)
        match sqlite3.SQLITE_PERM if code == sqlite3.SQLITE_IOERR_LOCK else code & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
                hint = "wait until it is done, or name another folder"
                return UsageError(f"another run is writing in {self.path.parent}", hint)
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_FORMAT:
                hint = f"name another folder, or begin anew with {_AGAIN}"
                return DataError(f"{self.path} is damaged, or is no ledger of a run: {error}", hint)
            case sqlite3.SQLITE_TOOBIG:
                return DataError(f"{self.path}: a reply or record has more bytes than an entry can hold: {error}")
            case sqlite3.SQLITE_FULL:
                return _go_on(cannot_write(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), "make space")
            case sqlite3.SQLITE_IOERR:
                hint = "make sure that there is space left in the folder, under quotas and limits too"
                return _go_on(cannot_write(self.path, OSError(errno.EIO, str(error))), hint)
            case _:
                return cannot_write(self.path, self._why(error))

    def _why(self, error: sqlite3.Error) -> OSError:
        """Return why the file cannot be opened or written, which SQLite does not tell.

        It opens nothing: closing a file would release the lock that this process may have on it.
        """
        try:
            for place in (self.path, self.path.parent):
                if place.exists() and os.statvfs(place).f_flag & os.ST_RDONLY:
                    return OSError(errno.EROFS, os.strerror(errno.EROFS))
                if place.exists() and not os.access(place, os.W_OK, effective_ids=True):
                    return OSError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as reason:
            return reason
        return OSError(errno.EIO, str(error))


def _go_on(error: UsageError, hint: str) -> UsageError:
    return UsageError(error.message, f"{hint} and start again: what was kept before is not lost")


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _json(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _shown(identity: Mapping[str, JsonValue], name: str) -> str:
    if name not in identity:
        return "not set"
    value = _json(identity[name])
    return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
