"""What one process is told, wherever it runs. Rule: what the binary would refuse, and what would let it serve with
more than it needs, is found before anything is deployed."""

import ipaddress
import re
import tomllib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

GATEWAY_BINARY = "cleave"
# The time in which requests under way may finish.
DRAIN_SECONDS = 15


@dataclass
class House:
    """What the tree says: the settings there are, the binaries with what each serves, and the image."""

    settings: set[str]
    binaries: dict[str, list[str]]
    packages: dict[str, str]
    # Where each binary listens unless it is told otherwise.
    ports: dict[str, int]
    # What the Dockerfile says of the data directory and of the user.
    data_dir: str
    user: str
    root: Path

    @classmethod
    def read(cls, root: Path) -> "House":
        example = (root / ".env.example").read_text()
        settings = set(re.findall(r"^(CLEAVE_[A-Z_]+)=", example, re.MULTILINE))
        dockerfile = (root / "Dockerfile").read_text()
        data_dir = re.search(r"\bCLEAVE_DATA_DIR=(\S+)", dockerfile)
        user = re.search(r"^USER (\d+)", dockerfile, re.MULTILINE)
        defaults = tomllib.loads((root / "shared/runtime/src/defaults.toml").read_text())
        ports = {GATEWAY_BINARY: defaults["port"]}
        binaries, packages, domains = {}, {}, []
        for manifest in sorted(root.glob("domains/*/Cargo.toml")):
            domains.append(manifest.parent.name)
            crate = tomllib.loads(manifest.read_text())
            binaries |= {binary["name"]: [manifest.parent.name] for binary in crate.get("bin", [])}
            packages |= {binary["name"]: crate["package"]["name"] for binary in crate.get("bin", [])}
            port = re.search(r"\.port\((\d+)\)", (manifest.parent / "src/module.rs").read_text())
            ports |= {binary["name"]: int(port[1]) for binary in crate.get("bin", [])}
        crate = tomllib.loads((root / "app/Cargo.toml").read_text())
        binaries |= {binary["name"]: domains for binary in crate["bin"]}
        packages |= {binary["name"]: crate["package"]["name"] for binary in crate["bin"]}
        image = data_dir[1] if data_dir else "", user[1] if user else ""
        return cls(settings, binaries, packages, ports, *image, root)

    @property
    def domains(self) -> list[str]:
        return self.binaries[GATEWAY_BINARY]


@dataclass
class Process:
    """A binary of ours, its environment and the name under which others reach it."""

    name: str
    command: list[str]
    environment: dict[str, str]

    @property
    def serves(self) -> bool:
        return len(self.command) == 1

    def port(self, house: House) -> int:
        """Where it listens."""
        return int(self.environment.get("CLEAVE_PORT") or house.ports.get(self.command[0], 0))

    def domains(self, house: House) -> tuple[list[str], dict[str, list[str]]]:
        """Mounted domains, and the targets of remote ones."""
        given = [entry for entry in self.environment.get("CLEAVE_DOMAINS", "").split(",") if entry]
        if not given:
            return house.binaries.get(self.command[0], []), {}
        remote = dict(entry.split("=", 1) for entry in given if "=" in entry)
        return [entry for entry in given if "=" not in entry], {name: to.split("|") for name, to in remote.items()}


def findings(process: Process, house: House):
    """What is wrong with the environment of one process."""
    env, where = process.environment, process.name
    mounted, remote = process.domains(house)
    if process.command[0] not in house.binaries:
        yield f"{where}: {process.command[0]} is no binary of the image"
    for name in sorted(name for name in env if name.startswith("CLEAVE_") and name not in house.settings):
        yield f"{where}: {name} is no setting (see .env.example); the start is refused"
    for name in sorted(name for name, value in env.items() if name.startswith("CLEAVE_") and "@random@" in value):
        yield f"{where}: {name} is a placeholder"
    if "CLEAVE_PUBLIC_URL" not in env:
        yield f"{where}: CLEAVE_PUBLIC_URL is missing; the tokens of one process would be foreign to another"
    for domain in mounted:
        if f"CLEAVE_{domain.upper()}_DATABASE_URL" not in env and "CLEAVE_DATABASE_URL" not in env:
            yield f"{where}: no database for the domain {domain}"
    if not process.serves:
        if process.command != [GATEWAY_BINARY, "migrate", "up"]:
            yield f"{where}: runs {' '.join(process.command)} instead of {GATEWAY_BINARY} migrate up"
        return
    if env.get("CLEAVE_HOST", "0.0.0.0") != "0.0.0.0":
        yield f"{where}: listens on {env['CLEAVE_HOST']}, where nobody else reaches it"
    needed = {
        "CLEAVE_KEYS_SECRET": "user" in mounted,
        "CLEAVE_ADMIN_PASSWORD": "user" in mounted,
        "CLEAVE_SEAL_SECRET": bool({"user", "notification"} & set(mounted)),
        "CLEAVE_INTERNAL_TOKEN": bool(remote) or len(mounted) < len(house.domains),
        "CLEAVE_USER_URL": "user" not in mounted and "user" not in remote,
    }
    for name, needs in needed.items():
        if needs and not env.get(name):
            yield f"{where}: {name} is missing"
        if not needs and env.get(name):
            yield f"{where}: {name} is given and not needed here"
    for domain in house.domains:
        if domain not in mounted and env.get(f"CLEAVE_{domain.upper()}_DATABASE_URL"):
            yield f"{where}: may reach the database of {domain}, which it does not serve"
    if (remote or len(mounted) < len(house.domains)) and not env.get("CLEAVE_BUS", "").startswith("amqp"):
        yield f"{where}: a domain is elsewhere, and the bus is in-process"


def unreachable(process: Process, house: House, addresses: set[tuple[str, int]]):
    """URLs of other processes that name none of `addresses`."""
    _, remote = process.domains(house)
    urls = [url for targets in remote.values() for url in targets]
    urls += [process.environment[name] for name in ["CLEAVE_USER_URL"] if process.environment.get(name)]
    for url in urls:
        parts = urlsplit(url)
        if (parts.hostname, parts.port or 80) not in addresses:
            yield f"{process.name}: nothing answers at {url}"


def untrusting(process: Process, gateway):
    """Whether a service disbelieves the gateway, which alone knows who calls."""
    trusted = [entry for entry in process.environment.get("CLEAVE_TRUSTED_PROXIES", "").split(",") if entry]
    if not any(gateway in ipaddress.ip_network(entry) for entry in trusted):
        yield f"{process.name}: CLEAVE_TRUSTED_PROXIES does not hold the gateway's address {gateway}"


def disagreeing(processes: list[Process]):
    """Settings that have to be the same wherever they are given, and secrets that have to be no other's."""
    given = {}
    for process in processes:
        for name, value in process.environment.items():
            given.setdefault(name, set()).add(value)
    secret = [name for name in given if name.endswith(("SECRET", "TOKEN", "PASSWORD", "DATABASE_URL", "BUS"))]
    for name in ["CLEAVE_PUBLIC_URL", *secret]:
        if len(given.get(name, [])) > 1:
            yield f"{name} differs between processes"
    for name, other in combinations(sorted(secret), 2):
        if (given[name] & given[other]) - {""}:
            yield f"{name} and {other} are the same"


def seconds(text: str) -> float:
    """Of a duration such as `3s`, `500ms` or `1m30s`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600}
    parts = re.findall(r"([\d.]+)\s*(ms|min|s|m|h)", text)
    if not parts:
        raise ValueError(f"{text} is no duration")
    return sum(float(number) * units[unit] for number, unit in parts)
