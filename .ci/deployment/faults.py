"""Mistakes, each under words of the finding that it has to raise. Rule: a check that has never failed is not trusted,
so the check makes them all, at every run, and fails when one passes."""

import base64
from copy import deepcopy


def replace(key: str, old: str, new: str):
    """A mistake in one of the texts of the image."""

    def make(files: dict):
        assert old in files[key], f"{key} has no {old!r} any more: correct faults.py"
        files[key] = files[key].replace(old, new)

    return make


IMAGE = {
    "debian:latest is not pinned": replace("dockerfile", "FROM debian:trixie-slim", "FROM debian:latest"),
    "the build stage is not rust:2.": replace("toolchain", 'channel = "1.', 'channel = "2.'),
    "the last USER has to be a number": replace("dockerfile", "USER 65532:65532", "USER root"),
    "cleave-task is not put into the image": replace("dockerfile", "target/release/cleave-task", "target/release/cleave"),
    "the package task of cleave-task is not built": replace("dockerfile", "--package task ", ""),
    "cargo build without --locked": replace("dockerfile", " --locked", ""),
    "dependencies are compiled anew": replace("dockerfile", "--mount=type=cache", "--mount=type=tmpfs"),
    "RUN in the final stage": replace("dockerfile", 'CMD ["cleave"]', "RUN apt-get update"),
    "a secret in ENV can be read": replace("dockerfile", "ENV CLEAVE_HOST", "ENV CLEAVE_KEYS_SECRET=x CLEAVE_HOST"),
    "CLEAVE_HOSTS is no setting": replace("dockerfile", "CLEAVE_HOST=", "CLEAVE_HOSTS="),
    "without CLEAVE_HOST=0.0.0.0": replace("dockerfile", "CLEAVE_HOST=0.0.0.0", "CLEAVE_HOST=127.0.0.1"),
    "cannot write to CLEAVE_DATA_DIR": replace("dockerfile", "--chown=65532:65532 ", ""),
    "nothing is copied to /etc/ssl": replace("dockerfile", "ca-certificates.crt\n", "other.crt\n"),
    "does not run on the other": replace("dockerfile", "FROM debian:trixie", "FROM debian:bookworm"),
    "CMD cleave is no binary": replace("dockerfile", 'CMD ["cleave"]', "CMD cleave"),
    "has to begin with `*`": replace("ignored", "\n*\n", "\n"),
    "migrations is missing": replace("ignored", "!migrations\n", ""),
    "**/data would go into the build": replace("ignored", "**/data\n", ""),
}


def service(name: str, change, profile: str = "split"):
    """A mistake in one service of a profile."""
    return lambda compose: change(compose["profiles"][profile]["services"][name])


def variable(name: str, setting: str, value, profile: str = "split"):
    def change(one: dict):
        one["environment"].pop(setting, None)
        if value is not None:
            one["environment"][setting] = value

    return service(name, change, profile)


def put(**values):
    return lambda one: one.update(values)


def drop(name: str):
    return lambda one: one.pop(name)


def publish_user(services: dict):
    services["user"]["ports"] = services["gateway"].pop("ports")


def crossed(compose: dict):
    services = compose["profiles"]["split"]["services"]
    url = services["user"]["environment"]["CLEAVE_USER_DATABASE_URL"]
    services["task"]["environment"]["CLEAVE_TASK_DATABASE_URL"] = url


COMPOSE = {
    "POSTGRES_PASSWORD may be missing": lambda compose: compose["optional"].append("POSTGRES_PASSWORD"),
    "overwrites one that is there": lambda compose: compose.update(kept=False),
    "leaves it readable for others": lambda compose: compose.update(mode=0o644),
    "README.md does not have the line": lambda compose: compose.update(readme=""),
    "CLEAVE_KEYS_SECRET is made of fewer": lambda compose: compose["secrets"].update(CLEAVE_KEYS_SECRET="short"),
    "starts ['gateway', 'migrate', 'postgres', 'rabbitmq', 'task', 'user']": lambda compose: compose["profiles"]["split"]["services"].pop("notification"),
    "starts ['cleave', 'migrate', 'postgres', 'user']": lambda compose: compose["profiles"][""]["services"].update(user={}),
    "['user'] are reachable from outside instead of gateway": lambda compose: publish_user(compose["profiles"]["split"]["services"]),
    "cleave: the published port is not the one": service("cleave", lambda one: one["ports"][0].update(target=8001), "monolith"),
    "task: cannot write to its data directory": service("task", drop("tmpfs")),
    "user: cannot write to its data directory": service("user", put(tmpfs=["/var/lib/cleave:mode=0700"])),
    "migrate: runs cleave migrate status": service("migrate", put(command=["cleave", "migrate", "status"])),
    "task: CLEAVE_TASK_DATABASE_URL: .config/make-databases.sh does not make": lambda compose: compose.update(
        makes_databases=compose["makes_databases"].replace("make_database cleave_task ", "make_database cleave_tasks ")
    ),
    "user: CLEAVE_USER_DATABASE_URL: .config/make-databases.sh does not make": variable("postgres", "USER_DB_PASSWORD", None),
    "task: CLEAVE_BUS: the broker does not know": variable("rabbitmq", "RABBITMQ_DEFAULT_USER", "other"),
    "task: listens on 127.0.0.1": variable("task", "CLEAVE_HOST", "127.0.0.1"),
    "CLEAVE_TASK_DATABASE_URL and CLEAVE_USER_DATABASE_URL are the same": crossed,
    "['gateway', 'postgres'] are reachable from outside": service("postgres", put(ports=[{"host_ip": "127.0.0.1", "target": 5432}])),
    "cleave: listens on more than 127.0.0.1": service("cleave", lambda one: one["ports"][0].pop("host_ip"), "monolith"),
    "task: is in the network outside": service("task", put(networks={"inside": None, "outside": None})),
    "user: may write its own files": service("user", put(read_only=False)),
    "user: keeps capabilities": service("user", drop("cap_drop")),
    "rabbitmq: may gain rights": service("rabbitmq", drop("security_opt")),
    "user: runs as another user": service("user", put(user="0")),
    "the image postgres:latest is not pinned": service("postgres", put(image="postgres:latest")),
    "run from different images": service("task", put(image="cleave:old")),
    "rabbitmq: nobody notices": service("rabbitmq", drop("healthcheck")),
    "user: its health check does not ask the port": service(
        "user", lambda one: one["healthcheck"]["test"].append(one["healthcheck"]["test"].pop().replace("ready", "live"))
    ),
    "task: its health check does not ask the port": service("task", lambda one: one["healthcheck"].update(test=["CMD", "true"])),
    "gateway: is killed before the 15 s are over": service("gateway", put(stop_grace_period="10s")),
    "task: does not wait for the migrations": service("task", lambda one: one["depends_on"].pop("migrate")),
    "task: does not wait until user is done or well": service(
        "task", lambda one: one["depends_on"]["user"].update(condition="service_started")
    ),
    "mounts /place/.config/other.sh": service(
        "postgres", lambda one: one["volumes"].append({"type": "bind", "source": "/place/.config/other.sh"})
    ),
    "CLEAVE_TASK_URL is no setting": variable("task", "CLEAVE_TASK_URL", "x"),
    "POSTGRES_PASSWORD holds a secret": variable("postgres", "POSTGRES_PASSWORD", "postgres"),
    "CLEAVE_TASK_DATABASE_URL holds a secret": variable("task", "CLEAVE_TASK_DATABASE_URL", "postgres://a:b@postgres/c"),
    "user: CLEAVE_KEYS_SECRET is missing": variable("user", "CLEAVE_KEYS_SECRET", None),
    "task: CLEAVE_INTERNAL_TOKEN is missing": variable("task", "CLEAVE_INTERNAL_TOKEN", None),
    "task: CLEAVE_USER_URL is missing": variable("task", "CLEAVE_USER_URL", None),
    "notification: CLEAVE_SEAL_SECRET is missing": variable("notification", "CLEAVE_SEAL_SECRET", None),
    "no database for the domain task": variable("task", "CLEAVE_TASK_DATABASE_URL", None),
    "gateway: a domain is elsewhere, and the bus is in-process": variable("gateway", "CLEAVE_BUS", None),
    "task: CLEAVE_TRUSTED_PROXIES does not hold the gateway's": variable("task", "CLEAVE_TRUSTED_PROXIES", "172.30.83.11"),
    "nothing answers at http://task:8003": variable("gateway", "CLEAVE_DOMAINS", "user=http://user:8001,task=http://task:8003"),
    "CLEAVE_PUBLIC_URL differs between": variable("task", "CLEAVE_PUBLIC_URL", "http://127.0.0.1:8002"),
    "another container may be given the gateway's address": lambda compose: compose["profiles"]["split"]["networks"]["inside"]["ipam"][
        "config"
    ][0].pop("ip_range"),
    "the gateway's address 0.0.0.0 is not in the network": service("gateway", lambda one: one["networks"].update(inside=None)),
}


def given(process: str, setting: str):
    """A secret given to a process that has no use for it."""

    def make(compose: dict):
        secrets = compose["secrets"]
        compose["profiles"]["split"]["services"][process]["environment"][setting] = secrets[setting]

    return make


COMPOSE |= {
    "task: CLEAVE_KEYS_SECRET is given and not needed": given("task", "CLEAVE_KEYS_SECRET"),
    "gateway: CLEAVE_SEAL_SECRET is given and not needed": given("gateway", "CLEAVE_SEAL_SECRET"),
    "notification: CLEAVE_ADMIN_PASSWORD is given and not needed": given("notification", "CLEAVE_ADMIN_PASSWORD"),
}


def document(kind: str, name: str, change, overlay: str = "split"):
    """A mistake in one document; generated names begin with `name`."""

    def make(overlays: dict):
        change(
            next(
                one
                for one in overlays[overlay]
                if one["kind"] == kind and one["metadata"]["name"].rpartition("-")[0 if "Map" in kind else 2] == name
            )
        )

    return make


def pod(change, name: str = "task"):
    return document("Deployment", name, lambda one: change(one["spec"]["template"]["spec"]))


def container(change, name: str = "task"):
    return pod(lambda spec: change(spec["containers"][0]), name)


def setting(name: str, value, of: str = "task"):
    def change(one: dict):
        one["env"] = [entry for entry in one["env"] if entry["name"] != name]
        if value is not None:
            one["env"].append({"name": name, "value": value})

    return container(change, of)


def emptied(overlays: dict):
    secret = next(one for one in overlays["split"] if one["kind"] == "Secret")
    secret["data"]["CLEAVE_KEYS_SECRET"] = base64.b64encode(b"").decode()


CLUSTER = {
    "'imagePullPolicies' was unexpected": container(put(imagePullPolicies="Always")),
    "'two' is not of type 'integer'": document("Deployment", "task", lambda one: one["spec"].update(replicas="two")),
    "kind Deployment with api version apps/v1beta1": document("Deployment", "task", put(apiVersion="apps/v1beta1")),
    "Service task: is not in the namespace cleave": document("Service", "task", lambda one: one["metadata"].update(namespace="default")),
    "['split'] instead of monolith and split": lambda overlays: overlays.pop("monolith"),
    "starts ['cleave', 'migrate', 'notification', 'user']": lambda overlays: overlays["split"].remove(
        next(one for one in overlays["split"] if one["kind"] == "Deployment" and one["metadata"]["name"] == "task")
    ),
    "the overlays run ['registry.example.org/cleave:0.0.9'": container(put(image="registry.example.org/cleave:0.0.9")),
    "cleave:latest is not pinned": container(put(image="registry.example.org/cleave:latest")),
    "task: runAsNonRoot has to be True": pod(lambda spec: spec["securityContext"].update(runAsNonRoot=False)),
    "task: runs as root": pod(lambda spec: spec["securityContext"].update(runAsUser=0)),
    "task: readOnlyRootFilesystem has to be True": container(lambda one: one["securityContext"].update(readOnlyRootFilesystem=False)),
    "task: capabilities has to be": container(lambda one: one["securityContext"].pop("capabilities")),
    "task: has no bounds": container(drop("resources")),
    "task: gets a token for the cluster": pod(drop("automountServiceAccountToken")),
    "task: gets CLEAVE_PORT from the service": pod(drop("enableServiceLinks")),
    "its readiness probe has to ask /health/ready": container(drop("readinessProbe")),
    "its liveness probe has to ask /health/live": container(
        lambda one: one["livenessProbe"]["httpGet"].update(path="/health/ready")
    ),
    "task: is killed before the 18 s are over": pod(put(terminationGracePeriodSeconds=18)),
    "CLEAVE_DRAIN_DELAY has to be 3s": setting("CLEAVE_DRAIN_DELAY", "0s"),
    "task: an update takes a pod away": document(
        "Deployment", "task", lambda one: one["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)
    ),
    "Service task: no pod offers": document("Service", "task", lambda one: one["spec"]["selector"].update(other="x")),
    "PodDisruptionBudget task: selects the pods of []": document(
        "PodDisruptionBudget", "task", lambda one: one["spec"]["selector"]["matchLabels"].update(other="x")
    ),
    "PodDisruptionBudget task: no node": document("PodDisruptionBudget", "task", lambda one: one["spec"].update(maxUnavailable=0)),
    "Deployment task: selects the pods of ['user']": document(
        "Deployment", "task", lambda one: one["spec"]["selector"].update(matchLabels={"app.kubernetes.io/name": "user"})
    ),
    "Service task: selects the pods of ['cleave', 'notification', 'task', 'user', 'migrate']": document(
        "Service", "task", lambda one: one["spec"].update(selector={"app.kubernetes.io/part-of": "cleave"})
    ),
    "task: listens on 8002 and says otherwise": container(lambda one: one["ports"][0].update(containerPort=8003)),
    "task: listens on 9000 and says otherwise": setting("CLEAVE_PORT", "9000"),
    "task: cannot write to its data directory": container(drop("volumeMounts")),
    "migrate: restartPolicy has to be Never": document(
        "Job", "migrate", lambda one: one["spec"]["template"]["spec"].update(restartPolicy="OnFailure")
    ),
    "migrate: runs cleave migrate up x": document(
        "Job", "migrate", lambda one: one["spec"]["template"]["spec"]["containers"][0]["command"].append("x")
    ),
    "NetworkPolicy services: lets others in": document("NetworkPolicy", "services", lambda one: one["spec"]["ingress"][0].pop("from")),
    "Ingress cleave: has to lead to cleave": document(
        "Ingress", "cleave", lambda one: one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(name="user")
    ),
    "with TLS": document("Ingress", "cleave", lambda one: one["spec"].pop("tls")),
    "CLEAVE_KEYS_SECRET and CLEAVE_SEAL_SECRET are the same": container(
        lambda one: next(entry for entry in one["env"] if entry["name"] == "CLEAVE_KEYS_SECRET")["valueFrom"]["secretKeyRef"].update(
            key="CLEAVE_SEAL_SECRET"
        ),
        "user",
    ),
    "there is no service x with that port": document(
        "Ingress", "cleave", lambda one: one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(name="x")
    ),
    "x.example.org is not the host of CLEAVE_PUBLIC_URL": document("Ingress", "cleave", lambda one: one["spec"]["rules"][0].update(host="x.example.org")),
    "there is no ConfigMap x": container(lambda one: one["envFrom"][0]["configMapRef"].update(name="x")),
    "there is no x in the secret": container(lambda one: one["env"][0]["valueFrom"]["secretKeyRef"].update(key="x")),
    "user: CLEAVE_KEYS_SECRET is missing": emptied,
    "CLEAVE_BUS stands in the document": setting("CLEAVE_BUS", "amqp://cleave:cleave@rabbitmq/%2f"),
    "CLEAVE_TASK_URL is no setting": setting("CLEAVE_TASK_URL", "x"),
    "task: CLEAVE_USER_URL is missing": setting("CLEAVE_USER_URL", None),
    "nothing answers at http://user:8002": setting("CLEAVE_USER_URL", "http://user:8002"),
    "cleave: a domain is elsewhere, and the bus is in-process": setting("CLEAVE_BUS", None, "cleave"),
    "no database for the domain task": setting("CLEAVE_TASK_DATABASE_URL", None),
    "CLEAVE_TRUSTED_PROXIES has to hold the network": setting("CLEAVE_TRUSTED_PROXIES", ""),
    "task: any pod may reach it": document(
        "NetworkPolicy",
        "services",
        lambda one: one["spec"]["podSelector"]["matchExpressions"][0]["values"].remove("task"),
    ),
}


def unnoticed(faults: dict, good, check) -> list[str]:
    """Findings that `check` does not raise when their mistake is made in `good`."""
    missed = []
    for finding, make in faults.items():
        bad = deepcopy(good)
        make(bad)
        if not any(finding in raised for raised in check(bad)):
            missed.append(finding)
    return missed
