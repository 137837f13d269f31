"""Checks Dockerfile, docker-compose.yml and k8s/; called by .ci/check-deployment with the programs it unpacked and,
when they are to be run, the directory of the binaries."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import cluster
import compose
import faults
import image
import run
from process import House
from steps import steps


def main(kubectl: str, docker_compose: str, built: str = "") -> int:
    house = House.read(Path(__file__).resolve().parents[2])
    subjects = {
        "image": (image.read(house), image.findings, faults.IMAGE),
        "compose": (compose.read(house, docker_compose), compose.findings, faults.COMPOSE),
        "cluster": (cluster.read(house, kubectl), cluster.findings, faults.CLUSTER),
    }
    wrong = []
    for name, (good, findings, seeded) in subjects.items():
        found = list(findings(good, house))
        # On top of other findings a seeded mistake would always seem found.
        if not found:
            missed = faults.unnoticed(seeded, good, lambda bad: findings(bad, house))
            found = [f"{name}: the mistake is not noticed that has to raise: {finding}" for finding in missed]
        wrong += found
        print(f"{name}: {len(found)} findings, {len(seeded)} seeded mistakes")
    for finding in wrong:
        print(f"error: {finding}", file=sys.stderr)
    ran = 0
    if built and not wrong:
        ran = runs(house, subjects["compose"][0], subjects["cluster"][0], Path(built))
    print(f"deployment: {len(subjects) + ran if not wrong else 0} passed, {len(wrong)} failed")
    return bool(wrong)


def runs(house: House, composed: dict, overlays: dict, built: Path) -> int:
    """How many installations were walked through; none where a server is missing."""
    missing = run.missing_server()
    if missing:
        if missing in os.environ.get("CLEAVE_TEST_REQUIRE", "").split(","):
            raise SystemExit(f"error: the binaries cannot be run as they would be deployed: no {missing} answers")
        print(f"not run: the binaries as they would be deployed: no {missing} answers")
        return 0
    profiles = {name: composed["profiles"][name]["services"] for name in compose.PROFILES}
    health = profiles["monolith"]["cleave"]["healthcheck"]["test"][-1].replace("$$", "$")
    composed = {name: list(compose.processes_of(services, house).values()) for name, services in profiles.items()}
    installations = {
        "the profiles": composed,
        "the steps of a split": steps(composed["monolith"], composed["split"], house),
        "the overlays": {name: cluster.processes_of(documents) for name, documents in overlays.items()},
    }
    for what, installation in installations.items():
        with ExitStack() as stack:
            servers = run.Servers(house, stack)
            directory = run.Image(house, built, stack)
            places = [
                run.Running(f"{what}: {where}", processes, house, directory, servers, health)
                for where, processes in installation.items()
            ]
            # And back.
            run.walk([*places, places[0]])
        print(f"walked through {what}: {', '.join(installation)}, and back")
    return len(installations)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
