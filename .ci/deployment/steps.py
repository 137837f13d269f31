"""The steps of the README's "Split a domain off", made of the processes of docker-compose.yml. Rule: each step changes
settings and nothing else."""

from dataclasses import replace

from process import House, Process


def steps(monolith: list[Process], split: list[Process], house: House) -> dict[str, list[Process]]:
    """What runs after each step, for every domain."""
    jobs = [process for process in monolith if not process.serves]
    services = {process.name: process for process in split}
    whole = next(process for process in monolith if process.serves)
    shared = {name: services["gateway"].environment[name] for name in ["CLEAVE_BUS", "CLEAVE_INTERNAL_TOKEN"]}
    broker = replace(whole, environment=whole.environment | shared)
    found = {"the events on a broker": [*jobs, broker]}
    for domain in house.domains:
        service = asking(services[domain], whole.name)
        found[f"{domain} beside"] = [*jobs, broker, service]
        found[f"{domain} elsewhere"] = [*jobs, without(broker, services["gateway"], domain, house), service]
    return found


def asking(service: Process, whole: str) -> Process:
    """Tokens are checked against the keys of whoever serves the user domain."""
    if "CLEAVE_USER_URL" not in service.environment:
        return service
    return replace(service, environment=service.environment | {"CLEAVE_USER_URL": f"http://{whole}:8000"})


def without(whole: Process, gateway: Process, domain: str, house: House) -> Process:
    """Forwards that domain, and keeps nothing that only the domain needs."""
    targets = gateway.domains(house)[1][domain]
    listed = [f"{one}={'|'.join(targets)}" if one == domain else one for one in house.domains]
    needless = {f"CLEAVE_{domain.upper()}_DATABASE_URL"}
    if domain == "user":
        needless |= {"CLEAVE_KEYS_SECRET", "CLEAVE_ADMIN_PASSWORD"}
    kept = {name: value for name, value in whole.environment.items() if name not in needless}
    return replace(whole, environment=kept | {"CLEAVE_DOMAINS": ",".join(listed)})
