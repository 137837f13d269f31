"""The Dockerfile. Rule: pinned, locked, every binary of the tree, and a final stage that runs as a number and holds
nothing but what it needs."""

import re
import tomllib

from process import House


def read(house: House) -> dict[str, str]:
    return {
        "dockerfile": (house.root / "Dockerfile").read_text(),
        "ignored": (house.root / ".dockerignore").read_text(),
        "toolchain": (house.root / "rust-toolchain.toml").read_text(),
        "workspace": (house.root / "Cargo.toml").read_text(),
    }


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction with its arguments, comments gone and lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def findings(files: dict[str, str], house: House):
    parsed = instructions(files["dockerfile"])
    stages = [arguments.split() for word, arguments in parsed if word == "FROM"]
    for base, *_ in stages:
        if not re.search(r":(?!latest$)[\w.-]+$|@sha256:[0-9a-f]{64}$", base):
            yield f"Dockerfile: {base} is not pinned to a version"
    channel = tomllib.loads(files["toolchain"])["toolchain"]["channel"]
    if not any(base.startswith(f"rust:{channel}-") for base, *_ in stages):
        yield f"Dockerfile: the build stage is not rust:{channel}, which rust-toolchain.toml names"

    start = max(at for at, (word, _) in enumerate(parsed) if word == "FROM")
    building, final = parsed[:start], parsed[start:]
    build = next((arguments for word, arguments in building if word == "RUN" and "cargo build" in arguments), "")
    for flag in ["--release", "--locked"]:
        if flag not in build.split():
            yield f"Dockerfile: cargo build without {flag}"
    for binary in house.binaries:
        if f"target/release/{binary}" not in build.split():
            yield f"Dockerfile: {binary} is not put into the image"
        if not re.search(rf"--package[ =]{re.escape(house.packages[binary])}\b", build):
            yield f"Dockerfile: the package {house.packages[binary]} of {binary} is not built"
    if "--mount=type=cache" not in build:
        yield "Dockerfile: dependencies are compiled anew at each build"

    users = [arguments for word, arguments in final if word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        yield "Dockerfile: the last USER has to be a number other than 0"
    yield from of_final(final, stages, house)
    for word, arguments in final:
        if word in {"RUN", "ADD"}:
            yield f"Dockerfile: {word} in the final stage; copy what it needs from the build stage"
        if word in {"ENV", "ARG"} and re.search(r"SECRET|PASSWORD|TOKEN", arguments):
            yield f"Dockerfile: a secret in {word} can be read by whoever has the image"

    ignored = [line for line in files["ignored"].splitlines() if line and not line.startswith("#")]
    if ignored[:1] != ["*"]:
        yield ".dockerignore: has to begin with `*`, so that nothing goes in but what is named"
    members = {member.split("/")[0] for member in tomllib.loads(files["workspace"])["workspace"]["members"]}
    for name in sorted(members | {"Cargo.toml", "Cargo.lock"}):
        if f"!{name}" not in ignored:
            yield f".dockerignore: {name} is missing, and the workspace does not build without it"
    for name in ["**/target", "**/data", "**/.env"]:
        if name not in ignored:
            yield f".dockerignore: {name} would go into the build"


def variables(final: list[tuple[str, str]]) -> dict[str, str]:
    """What the image sets."""
    return dict(entry.split("=", 1) for word, arguments in final if word == "ENV" for entry in arguments.split())


def of_final(final: list[tuple[str, str]], stages: list[list[str]], house: House):
    """Whether what the last stage holds can run, be reached and write."""
    suites = {suite for base, *_ in stages for suite in re.findall(r"trixie|bookworm|bullseye|alpine", base)}
    if len(suites) != 1:
        yield f"Dockerfile: what is built on one of {sorted(suites)} does not run on the other"
    set_here = variables(final)
    for name in sorted(set(set_here) - house.settings):
        yield f"Dockerfile: {name} is no setting (see .env.example); the start is refused"
    if set_here.get("CLEAVE_HOST") != "0.0.0.0":
        yield "Dockerfile: without CLEAVE_HOST=0.0.0.0 nobody outside the container reaches the process"
    copied = {arguments.split()[-1]: arguments for word, arguments in final if word == "COPY"}
    user = next((arguments for word, arguments in final if word == "USER"), "")
    if f"--chown={user} " not in copied.get(set_here.get("CLEAVE_DATA_DIR"), ""):
        yield f"Dockerfile: the user {user} cannot write to CLEAVE_DATA_DIR"
    for place in ["/usr/local/bin/", "/etc/ssl/certs/ca-certificates.crt"]:
        if place not in copied:
            yield f"Dockerfile: nothing is copied to {place}"
    command = next((arguments for word, arguments in final if word == "CMD"), "")
    if command not in [f'["{binary}"]' for binary in house.binaries]:
        yield f"Dockerfile: CMD {command} is no binary of the image; as a list, so that it hears the signals itself"
