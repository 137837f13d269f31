"""Runs the binaries as docker-compose.yml and k8s/ would: their commands and their variables, the image's user, no
other variable, no writable file but the data directory. Rule: only addresses are replaced, by those of this machine."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from image import instructions, variables
from process import DRAIN_SECONDS, House, Process

USER = 65532
PASSWORD = "correct horse battery"
POSTGRES = os.environ.get("CLEAVE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
PSQL = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", POSTGRES, "--command"]


class Servers:
    """Databases, roles and a virtual host of our own on the servers of this machine."""

    def __init__(self, house: House, stack: ExitStack):
        self.name = f"cleave_run_{secrets.token_hex(4)}"
        self.databases = {}
        for domain in house.domains:
            role, password = f"{self.name}_{domain}", secrets.token_hex(16)
            stack.callback(self.sql, f'DROP ROLE IF EXISTS "{role}"')
            stack.callback(self.sql, f'DROP DATABASE IF EXISTS "{role}" WITH (FORCE)')
            self.sql(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'")
            self.sql(f'CREATE DATABASE "{role}" OWNER "{role}"')
            self.sql(f'REVOKE ALL ON DATABASE "{role}" FROM PUBLIC')
            server = urlsplit(POSTGRES)
            self.databases[domain] = f"postgres://{role}:{password}@{server.hostname}:{server.port or 5432}/{role}"
        stack.callback(self.broker, "delete_vhost", self.name)
        self.broker("add_vhost", self.name)
        self.broker("set_permissions", "-p", self.name, "guest", ".*", ".*", ".*")
        self.bus = f"amqp://guest:guest@127.0.0.1:5672/{self.name}"

    def sql(self, statement: str) -> None:
        subprocess.run([*PSQL, statement], check=True, capture_output=True)

    def broker(self, *arguments: str) -> None:
        subprocess.run(["rabbitmqctl", "--quiet", *arguments], check=True, capture_output=True)


def missing_server() -> str:
    """`postgres` or `rabbitmq`, whichever cannot be used; empty when both can."""
    tries = {"postgres": [*PSQL, "SELECT 1"], "rabbitmq": ["rabbitmqctl", "--quiet", "list_vhosts"]}
    for name, command in tries.items():
        if not shutil.which(command[0]) or subprocess.run(command, capture_output=True).returncode != 0:
            return name
    return ""


class Image:
    """What the Dockerfile makes, as far as a directory can be it."""

    def __init__(self, house: House, built: Path, stack: ExitStack):
        self.root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.root.chmod(0o755)
        (self.root / "etc").mkdir()
        (self.root / "bin").mkdir()
        for binary in house.binaries:
            if not (built / binary).exists():
                raise SystemExit(f"error: {built / binary} is missing: cargo build --workspace --bins")
            shutil.copy(built / binary, self.root / "bin" / binary)
        parsed = instructions((house.root / "Dockerfile").read_text())
        final = parsed[max(at for at, (word, _) in enumerate(parsed) if word == "FROM") :]
        self.variables = variables(final)

    def start(self, process: Process, variables: dict[str, str]) -> subprocess.Popen:
        data = Path(tempfile.mkdtemp(dir=self.root))
        data.chmod(0o700)
        own = {}
        if os.getuid() == 0:
            os.chown(data, USER, USER)
            own = {"user": USER, "group": USER, "extra_groups": []}
        environment = {"PATH": "/usr/bin:/bin", **self.variables, **variables, "CLEAVE_DATA_DIR": str(data)}
        command = [str(self.root / "bin" / process.command[0]), *process.command[1:]]
        log = open(self.root / f"{process.name}.log", "ab")
        return subprocess.Popen(command, cwd=self.root / "etc", env=environment, stdout=log, stderr=log, **own)


class Running:
    """The processes of one profile or overlay, one replica each."""

    def __init__(self, where: str, processes: list[Process], house: House, image: Image, servers: Servers, health: str):
        self.where, self.house, self.image, self.servers = where, house, image, servers
        self.health, self.started = health, {}
        self.ports = {process.name: free_port() for process in processes if process.serves}
        self.processes = {process.name: process for process in processes}
        self.edge = next(name for name in ["gateway", "cleave"] if name in self.processes)
        self.base = f"http://127.0.0.1:{self.ports[self.edge]}"

    def variables(self, process: Process) -> dict[str, str]:
        """Its own, with addresses of this machine."""
        changed = {}
        for name, value in process.environment.items():
            value = re.sub(r"^postgres://[^@]+@[^/]+/cleave_(\w+)$", lambda to: self.servers.databases[to[1]], value)
            value = re.sub(r"^amqp://.*$", self.servers.bus, value)
            value = re.sub(r"http://(\w+):\d+(?=[,|]|$)", lambda to: self.local(to[0], to[1]), value)
            changed[name] = value
        if process.environment.get("CLEAVE_TRUSTED_PROXIES"):
            changed["CLEAVE_TRUSTED_PROXIES"] = "127.0.0.1"
        if process.serves:
            changed["CLEAVE_PORT"] = str(self.ports[process.name])
        return changed

    def local(self, url: str, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}" if name in self.ports else url

    def up(self) -> None:
        for job in [process for process in self.processes.values() if not process.serves]:
            code = self.image.start(job, self.variables(job)).wait(60)
            assert code == 0, f"{self.where}: {job.name} ends with {code}: {self.log(job.name)}"
        for name in sorted(self.ports, key=lambda name: name == self.edge):
            self.start(name)
        for name in self.ports:
            self.wait(name)

    def start(self, name: str) -> None:
        process = self.processes[name]
        self.started[name] = self.image.start(process, self.variables(process))

    def wait(self, name: str) -> None:
        """Until the health check of docker-compose.yml says that it is well."""
        for _ in range(150):
            ended = self.started[name].poll()
            assert ended is None, f"{self.where}: {name} ends with {ended}: {self.log(name)}"
            environment = {"PATH": "/usr/bin:/bin", "CLEAVE_PORT": str(self.ports[name])}
            if subprocess.run(["bash", "-c", self.health], env=environment, capture_output=True).returncode == 0:
                return
            time.sleep(0.2)
        raise AssertionError(f"{self.where}: {name} is not ready after 30 s: {self.log(name)}")

    def stop(self, name: str) -> None:
        process = self.started.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(DRAIN_SECONDS + 5)
        assert code == 0, f"{self.where}: {name} ends with {code} when it is told to stop: {self.log(name)}"

    def down(self) -> None:
        for name in list(self.started):
            self.stop(name)

    def kill(self) -> None:
        for process in self.started.values():
            process.kill()
            process.wait()

    def log(self, name: str) -> str:
        return (self.image.root / f"{name}.log").read_text()[-2000:]

    def api(self, method: str, path: str, body=None, token: str = "") -> tuple[int, dict]:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ok(self, method: str, path: str, body=None, token: str = "") -> dict:
        status, answer = self.api(method, path, body, token)
        assert status < 300, f"{self.where}: {method} {path} answers {status} {answer}: {self.log(self.edge)}"
        return answer

    def sign_in(self, name: str) -> str:
        return self.ok("POST", "/api/v1/auth/login", {"login": name, "password": PASSWORD})["access_token"]

    def register(self, name: str) -> str:
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        return self.ok("POST", "/api/v1/auth/register", body)["id"]

    def hears(self, token: str, word: str) -> None:
        """Until a notification has the word in it."""
        for _ in range(75):
            if word in json.dumps(self.ok("GET", "/api/v1/notifications", token=token)):
                return
            time.sleep(0.2)
        raise AssertionError(f"{self.where}: nobody heard of {word!r}")

    def healthy(self) -> dict:
        """Once the edge has reached every service; it is ready before that."""
        for _ in range(150):
            health = self.ok("GET", "/health")
            if health["status"] == "healthy":
                return health
            time.sleep(0.2)
        raise AssertionError(f"{self.where}: {health}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def walk(places: list[Running]) -> None:
    """One installation that moves from place to place, on the same databases."""
    ben, titles = None, []
    for place in places:
        try:
            place.up()
            health = place.healthy()
            assert set(health["services"]) == set(place.house.domains), f"{place.where}: {health}"
            if ben is None:
                ben = place.register("ben")
                place.register("anna")
            titles.append(f"In {place.where}")
            place.ok("POST", "/api/v1/tasks", {"title": titles[-1], "assignee_id": ben}, place.sign_in("anna"))
            token = place.sign_in("ben")
            for title in titles:
                place.hears(token, title)
            if "task" in place.processes[place.edge].domains(place.house)[1]:
                without_task(place, token)
            place.down()
        finally:
            place.kill()


def without_task(place: Running, token: str) -> None:
    """The others go on while a service is away, and it is found again without help."""
    place.stop("task")
    status, answer = place.api("GET", "/api/v1/tasks", token=token)
    assert status == 503, f"{place.where}: tasks answer {status} {answer} without their service"
    place.ok("GET", "/api/v1/notifications", token=token)
    place.start("task")
    place.wait("task")
    for _ in range(100):
        if place.api("GET", "/api/v1/tasks", token=token)[0] == 200:
            return
        time.sleep(0.2)
    raise AssertionError(f"{place.where}: the gateway does not find the task service again")
