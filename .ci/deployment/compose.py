"""docker-compose.yml as docker-compose itself renders it. Rule: both profiles are whole, no secret has a default, and
nothing is open that need not be."""

import ipaddress
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from process import DRAIN_SECONDS, House, Process, disagreeing, findings as of_process, seconds, unreachable, untrusting

PROFILES = ["monolith", "split"]
MAKES_ENV = re.compile(r"\(umask 077; set -C; \{ echo COMPOSE_PROFILES=monolith; .* > \.env\)")


def read(house: House, program: str) -> dict:
    """Each profile rendered with an .env that the documented line made, and what happens without a secret."""
    text = (house.root / "docker-compose.yml").read_text()
    line = MAKES_ENV.search(text).group()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        shutil.copy(house.root / "docker-compose.yml", place)
        subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=place, check=True)
        made = (place / ".env").read_text()
        second = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=place, capture_output=True)
        rendered = {"": json.loads(render(program, place).stdout)}
        for profile in PROFILES:
            rendered[profile] = json.loads(render(program, place, "--profile", profile).stdout)
        values = dict(entry.split("=", 1) for entry in made.split())
        optional = []
        for name in values:
            others = [entry for entry in made.splitlines() if not entry.startswith(f"{name}=")]
            (place / ".env").write_text("\n".join(others))
            if render(program, place, check=False).returncode == 0:
                optional.append(name)
        mode = (place / ".env").stat().st_mode & 0o777
    return {
        "profiles": rendered,
        "secrets": {name: value for name, value in values.items() if name != "COMPOSE_PROFILES"},
        "optional": optional,
        "kept": second.returncode != 0,
        "mode": mode,
        "line": line,
        "readme": (house.root / "README.md").read_text(),
        "makes_databases": (house.root / ".config/make-databases.sh").read_text(),
        "files": {str(path.relative_to(house.root)) for path in house.root.glob(".config/*")},
    }


def render(program: str, place: Path, *flags: str, check: bool = True) -> subprocess.CompletedProcess:
    command = [program, *flags, "config", "--format", "json"]
    # Nothing of the caller's environment may fill in what .env lacks.
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(place)}
    return subprocess.run(command, cwd=place, env=clean, check=check, capture_output=True, text=True)


def findings(compose: dict, house: House):
    profiles = compose["profiles"]
    yield from of_secrets(compose)
    shared = {"postgres", "migrate"}
    expected = {"monolith": shared | {"cleave"}, "split": shared | {"gateway", "rabbitmq", *house.domains}}
    expected[""] = expected["monolith"]
    for profile, wanted in expected.items():
        found = set(profiles[profile]["services"])
        if found != wanted:
            yield f"profile `{profile}`: starts {sorted(found)} instead of {sorted(wanted)}"
    for profile in PROFILES:
        for finding in of_profile(profiles[profile], compose, house):
            yield f"profile `{profile}`: {finding}"


def of_secrets(compose: dict):
    if compose["line"] not in compose["readme"]:
        yield "README.md does not have the line of docker-compose.yml that makes .env"
    if not compose["kept"]:
        yield "the line that makes .env overwrites one that is there, and with it the keys of the data"
    if compose["mode"] != 0o600:
        yield f"the line that makes .env leaves it readable for others ({compose['mode']:o})"
    for name in compose["optional"]:
        if name != "COMPOSE_PROFILES":
            yield f"{name} may be missing: it has a default or is not used"
    for name, value in compose["secrets"].items():
        if len(value) < 32:
            yield f"{name} is made of fewer than 32 characters"


def processes_of(services: dict, house: House) -> dict[str, Process]:
    """Ours; what the image runs without a command is `cleave`."""
    ours = {name: service for name, service in services.items() if "build" in service}
    return {
        name: Process(name, service.get("command") or ["cleave"], service["environment"])
        for name, service in ours.items()
    }


def of_profile(rendered: dict, compose: dict, house: House):
    services = rendered["services"]
    processes = processes_of(services, house)
    addresses = {(name, int(process.environment.get("CLEAVE_PORT", 0))) for name, process in processes.items()}
    published = [name for name, service in services.items() if service.get("ports")]
    edge = "gateway" if "gateway" in processes else "cleave"
    if published != [edge]:
        yield f"{published} are reachable from outside instead of {edge}"
    for name in set(published) & set(processes):
        if any(port["target"] != processes[name].port(house) for port in services[name]["ports"]):
            yield f"{name}: the published port is not the one on which it listens"
    yield from disagreeing(list(processes.values()))
    if len({services[name]["image"] for name in processes}) != 1:
        yield "processes of ours run from different images"
    for name, service in services.items():
        ours = name in processes
        yield from (f"{name}: {finding}" for finding in of_container(service, ours, compose, rendered))
        for path in (volume["source"] for volume in service.get("volumes", []) if volume["type"] == "bind"):
            if not any(path.endswith(f"/{known}") for known in compose["files"]):
                yield f"{name}: mounts {path}, which is not there"
    gateway = services.get("gateway")
    for name, process in processes.items():
        yield from of_process(process, house)
        yield from unreachable(process, house, addresses)
        yield from of_servers(process, services, compose["makes_databases"])
        yield from (f"{name}: {finding}" for finding in of_directory(services[name], house))
        if gateway and process.serves and name != "gateway":
            yield from untrusting(process, address_of(gateway))
    if gateway:
        yield from of_network(rendered["networks"]["inside"], address_of(gateway))


def of_container(service: dict, ours: bool, compose: dict, rendered: dict):
    if "no-new-privileges:true" not in service.get("security_opt", []) or service.get("privileged"):
        yield "may gain rights"
    if not re.search(r":[\w.-]+$", service["image"]) or service["image"].endswith(":latest"):
        yield f"the image {service['image']} is not pinned"
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            yield "listens on more than 127.0.0.1 by default"
    job = service.get("restart") == "no"
    if not job and not service.get("healthcheck", {}).get("test"):
        yield "nobody notices when it is not well"
    for network in service["networks"]:
        if not rendered["networks"][network].get("internal") and not service.get("ports"):
            yield f"is in the network {network} without a port to offer"
    for name, value in service["environment"].items():
        for secret in re.findall(r"://[^:/]+:([^@]+)@", value) or ([value] if is_secret(name) else []):
            if secret not in compose["secrets"].values():
                yield f"{name} holds a secret that does not come from .env"
    for needed, how in service.get("depends_on", {}).items():
        other = rendered["services"].get(needed, {})
        wanted = "service_completed_successfully" if other.get("restart") == "no" else "service_healthy"
        if not other or how["condition"] != wanted:
            yield f"does not wait until {needed} is done or well"
    if not ours:
        return
    if not service.get("read_only"):
        yield "may write its own files"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities that it does not use"
    if service.get("user"):
        yield "runs as another user than the image says"
    drain = DRAIN_SECONDS + seconds(service["environment"].get("CLEAVE_DRAIN_DELAY", "0s"))
    if seconds(service.get("stop_grace_period", "10s")) <= drain:
        yield f"is killed before the {drain:.0f} s are over in which it drains"
    asks = "" if job else " ".join(service.get("healthcheck", {}).get("test", []))
    if not job and ("/$$CLEAVE_PORT" not in asks or "GET /health/ready " not in asks):
        yield "its health check does not ask the port that it serves for /health/ready"
    if not job and "migrate" not in service.get("depends_on", {}) and database_of(service):
        yield "does not wait for the migrations"


def of_directory(service: dict, house: House):
    """The one place that may be written has to be the data directory, and the image's user's."""
    options = dict(entry.split(":", 1) for entry in service.get("tmpfs", []))
    if f"uid={house.user}" not in options.get(house.data_dir, "").split(","):
        yield f"cannot write to its data directory {house.data_dir}"


def of_servers(process: Process, services: dict, makes_databases: str):
    """Logins that the servers beside it do not know."""
    for name, value in process.environment.items():
        url = urlsplit(value)
        if url.scheme == "postgres" and url.hostname == "postgres":
            made = re.search(rf'^make_database {re.escape(url.path[1:])} "\$(\w+)"$', makes_databases, re.MULTILINE)
            known = made and services["postgres"]["environment"].get(made[1]) == url.password
            if not known or url.username != url.path[1:]:
                yield f"{process.name}: {name}: .config/make-databases.sh does not make that database or login"
        if url.scheme == "amqp" and url.hostname == "rabbitmq":
            broker = services["rabbitmq"]["environment"]
            login = broker.get("RABBITMQ_DEFAULT_USER"), broker.get("RABBITMQ_DEFAULT_PASS")
            if login != (url.username, url.password):
                yield f"{process.name}: {name}: the broker does not know that login"


def of_network(inside: dict, gateway: ipaddress.IPv4Address):
    given = inside["ipam"]["config"][0]
    if gateway not in ipaddress.ip_network(given["subnet"]):
        yield f"the gateway's address {gateway} is not in the network {given['subnet']}"
    if gateway in ipaddress.ip_network(given.get("ip_range", given["subnet"])):
        yield f"another container may be given the gateway's address {gateway}"


def address_of(gateway: dict) -> ipaddress.IPv4Address:
    return ipaddress.ip_address((gateway["networks"]["inside"] or {}).get("ipv4_address", "0.0.0.0"))


def database_of(service: dict) -> list[str]:
    return [name for name in service["environment"] if name.endswith("DATABASE_URL")]


def is_secret(name: str) -> bool:
    return bool(re.search(r"(SECRET|PASSWORD|PASS|TOKEN)$", name))
