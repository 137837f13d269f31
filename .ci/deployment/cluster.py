"""Each overlay as kubectl renders it. Rule: every document keeps the schemas of Kubernetes, every name that is used is
there, and no pod may do more than it needs."""

import base64
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

from process import DRAIN_SECONDS, House, Process, disagreeing, findings as of_process, seconds, unreachable

# The oldest that has everything that is used, and the newest that is known.
VERSIONS = ["1.30", "1.37"]
ALLOWED_OUTSIDE = {"Namespace"}
# What every pod of ours carries.
OURS = {"matchLabels": {"app.kubernetes.io/part-of": "cleave"}}


def read(house: House, program: str) -> dict[str, list[dict]]:
    """The documents of each overlay, with secrets that the documented line made."""
    example = (house.root / "k8s/base/secrets.env.example").read_text()
    line = next(text[1:].strip() for text in example.splitlines() if text.startswith("#   ("))
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        left_out = shutil.ignore_patterns("secrets.env")
        shutil.copytree(house.root / "k8s", place / "k8s", ignore=left_out)
        subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=place, check=True)
        return {
            overlay.name: list(yaml.safe_load_all(render(program, overlay)))
            for overlay in sorted((place / "k8s/overlays").iterdir())
        }


def render(program: str, overlay: Path) -> str:
    command = [program, "kustomize", str(overlay)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"k8s/overlays/{overlay.name} does not render: {done.stderr.strip()}")
    return done.stdout


def findings(overlays: dict[str, list[dict]], house: House):
    if sorted(overlays) != ["monolith", "split"]:
        yield f"k8s/overlays: {sorted(overlays)} instead of monolith and split"
    tracked = subprocess.run(["git", "ls-files", "*secrets.env"], cwd=house.root, capture_output=True, text=True)
    if tracked.stdout:
        yield f"{tracked.stdout.strip()} is in git"
    images = {container["image"] for documents in overlays.values() for _, container in containers(documents)}
    if len(images) != 1:
        yield f"k8s: the overlays run {sorted(images)} instead of one image"
    for name, documents in overlays.items():
        for finding in of_overlay(documents, house):
            yield f"k8s/overlays/{name}: {finding}"
    wanted = {"cleave", "migrate", *house.domains}
    found = {owner["metadata"]["name"] for owner, _ in containers(overlays.get("split", []))}
    if found != wanted:
        yield f"k8s/overlays/split: starts {sorted(found)} instead of {sorted(wanted)}"


def containers(documents: list[dict]):
    """Each container with the document that it is of."""
    for document in documents:
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        yield from ((document, container) for container in pod.get("containers", []))


def of_overlay(documents: list[dict], house: House):
    for document in documents:
        yield from of_document(document)
    named = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    if len(named) != len(documents):
        yield "two documents of one kind have one name"
    processes = []
    for owner, container in containers(documents):
        name = owner["metadata"]["name"]
        environment = {}
        yield from (f"{name}: {finding}" for finding in fill(environment, container, named))
        yield from (f"{name}: {finding}" for finding in of_pod(owner, container, environment, house))
        process = Process(name, container["command"], environment)
        processes.append(process)
        if process.serves and [port["containerPort"] for port in container["ports"]] != [process.port(house)]:
            yield f"{name}: listens on {process.port(house)} and says otherwise"
    yield from of_services(documents, named)
    yield from of_processes(processes, documents, house)


def processes_of(documents: list[dict]) -> list[Process]:
    """What the containers run, once nothing is missing."""
    named = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    processes = []
    for owner, container in containers(documents):
        environment = {}
        for finding in fill(environment, container, named):
            raise ValueError(finding)
        processes.append(Process(owner["metadata"]["name"], container["command"], environment))
    return processes


def of_document(document: dict):
    # Most documents are checked many times, once with each seeded mistake in another.
    yield from of_text(json.dumps(document))


@functools.cache
def of_text(text: str) -> list[str]:
    return list(of_schema(json.loads(text)))


def of_schema(document: dict):
    where = f"{document['kind']} {document['metadata']['name']}"
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = "/".join(str(part) for part in error.path)
            yield f"{where}: {path}: {error.message.splitlines()[0][:200]} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{where}: {error.message}"
    if document["kind"] not in ALLOWED_OUTSIDE and document["metadata"].get("namespace") != "cleave":
        yield f"{where}: is not in the namespace cleave"


def fill(environment: dict, container: dict, named: dict):
    """The variables of a container; what cannot be found is a finding."""
    for source in container.get("envFrom", []):
        reference = source["configMapRef"]["name"]
        if ("ConfigMap", reference) not in named:
            yield f"there is no ConfigMap {reference}"
        environment |= named.get(("ConfigMap", reference), {}).get("data", {})
    for variable in container.get("env", []):
        environment[variable["name"]] = variable.get("value", "")
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            if variable["name"].endswith(("SECRET", "PASSWORD", "TOKEN", "DATABASE_URL", "BUS")):
                yield f"{variable['name']} stands in the document instead of in the secret"
            continue
        data = named.get(("Secret", reference["name"]), {}).get("data", {})
        if reference["key"] not in data:
            yield f"there is no {reference['key']} in the secret {reference['name']}"
        environment[variable["name"]] = base64.b64decode(data.get(reference["key"], "")).decode()


def of_pod(owner: dict, container: dict, environment: dict, house: House):
    pod = owner["spec"]["template"]["spec"]
    rights = pod.get("securityContext", {}) | container.get("securityContext", {})
    wanted = {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for name, value in wanted.items():
        if rights.get(name) != value:
            yield f"{name} has to be {value}"
    if not rights.get("runAsUser"):
        yield "runs as root, or as whoever the image says"
    if pod.get("automountServiceAccountToken") is not False:
        yield "gets a token for the cluster that it does not use"
    if pod.get("enableServiceLinks") is not False:
        yield "gets CLEAVE_PORT from the service of that name: enableServiceLinks has to be false"
    resources = container.get("resources", {})
    if not resources.get("requests", {}).get("cpu") or not resources.get("limits", {}).get("memory"):
        yield "has no bounds: requests.cpu and limits.memory"
    if container["image"].rpartition(":")[2] in {"latest", container["image"]}:
        yield f"the image {container['image']} is not pinned"
    if house.data_dir not in [mount["mountPath"] for mount in container.get("volumeMounts", [])]:
        yield f"cannot write to its data directory {house.data_dir}"
    if owner["kind"] != "Deployment":
        if pod.get("restartPolicy") != "Never":
            yield "restartPolicy has to be Never: a new pod leaves the log of the one that failed"
        return
    for probe, path in [("startup", "live"), ("liveness", "live"), ("readiness", "ready")]:
        if container.get(f"{probe}Probe", {}).get("httpGet") != {"path": f"/health/{path}", "port": "http"}:
            yield f"its {probe} probe has to ask /health/{path}"
    drain = DRAIN_SECONDS + seconds(environment.get("CLEAVE_DRAIN_DELAY", "0s"))
    if environment.get("CLEAVE_DRAIN_DELAY") != "3s":
        yield "CLEAVE_DRAIN_DELAY has to be 3s: requests come until every node knows that the pod stops"
    if pod.get("terminationGracePeriodSeconds", 30) <= drain:
        yield f"is killed before the {drain:.0f} s are over in which it drains"
    if owner["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
        yield "an update takes a pod away before the next is ready"


def of_services(documents: list[dict], named: dict):
    def pods(selector: dict):
        """Whatever runs the pods that a selector finds, with their container."""
        for owner, container in containers(documents):
            if selector.items() <= owner["spec"]["template"]["metadata"]["labels"].items():
                yield owner["metadata"]["name"], container

    for document in documents:
        kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
        if kind == "Service":
            offered = {port["name"] for _, container in pods(spec["selector"]) for port in container.get("ports", [])}
            missing = {port["targetPort"] for port in spec["ports"]} - offered
            if missing:
                yield f"Service {name}: no pod offers {sorted(missing)}"
        if kind in {"Service", "PodDisruptionBudget", "Deployment"}:
            selector = spec["selector"].get("matchLabels", {}) if kind != "Service" else spec["selector"]
            found = [owner for owner, _ in pods(selector)]
            if found != [name]:
                yield f"{kind} {name}: selects the pods of {found}"
        if kind == "PodDisruptionBudget" and spec.get("maxUnavailable", 0) == 0:
            yield f"PodDisruptionBudget {name}: no node can ever be emptied"
        if kind == "NetworkPolicy" and (spec["policyTypes"] != ["Ingress"] or callers(spec) != [OURS]):
            yield f"NetworkPolicy {name}: lets others in than our own pods"
        if kind == "Ingress":
            public = named[("ConfigMap", next(n for k, n in named if k == "ConfigMap"))]["data"]["CLEAVE_PUBLIC_URL"]
            for rule in spec["rules"]:
                certified = [host for entry in spec.get("tls", []) for host in entry["hosts"]]
                if public != f"https://{rule['host']}" or rule["host"] not in certified:
                    yield f"Ingress {name}: {rule['host']} is not the host of CLEAVE_PUBLIC_URL, with TLS"
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    # The services behind the gateway answer /internal, which the gateway never hands on.
                    if service["name"] != "cleave" or (path["path"], path["pathType"]) != ("/", "Prefix"):
                        yield f"Ingress {name}: has to lead to cleave and nowhere else"
                    ports = named.get(("Service", service["name"]), {}).get("spec", {}).get("ports", [])
                    if service["port"]["name"] not in {port["name"] for port in ports}:
                        yield f"Ingress {name}: there is no service {service['name']} with that port"


def callers(policy: dict) -> list:
    return [who.get("podSelector", who) for rule in policy["ingress"] for who in rule.get("from", [{}])]


def of_processes(processes: list[Process], documents: list[dict], house: House):
    services = [document for document in documents if document["kind"] == "Service"]
    addresses = {(one["metadata"]["name"], port["port"]) for one in services for port in one["spec"]["ports"]}
    yield from disagreeing(processes)
    split = any(process.domains(house)[1] for process in processes)
    policies = [one["spec"] for one in documents if one["kind"] == "NetworkPolicy"]
    guarded = {name for spec in policies for name in spec["podSelector"]["matchExpressions"][0]["values"]}
    for process in processes:
        yield from of_process(process, house)
        yield from unreachable(process, house, addresses)
        if not split or not process.serves or process.domains(house)[1]:
            continue
        if not process.environment.get("CLEAVE_TRUSTED_PROXIES"):
            yield f"{process.name}: CLEAVE_TRUSTED_PROXIES has to hold the network of the gateway's pods"
        if process.name not in guarded:
            yield f"{process.name}: any pod may reach it and say in X-Forwarded-For what it likes"
