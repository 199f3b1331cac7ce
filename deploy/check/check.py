"""Checks what no compiler checks: the manifests of deploy/spinkube and the workflows of .github.

`.ci/manifests` runs it with everything that it needs. Prints one line for each check; exit status 1 if one fails.
"""

import argparse
import copy
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

# The oldest Kubernetes that the manifests are for, and the newest whose schemas are here.
KUBERNETES = ("1.30", kubernetes_validate.latest_version())
APP_LABEL = "core.spinkube.dev/app-name"
# The operator's Service and container listen on this port.
PORT = 80
GUIDE = "docs/deploy.md"


class Wrong(Exception):
    """What is wrong, as a sentence."""


def ensure(condition, message):
    if not condition:
        raise Wrong(message)


def run(command, root):
    result = subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    said = (result.stdout + result.stderr).strip()
    ensure(result.returncode == 0, f"{Path(command[0]).name} {command[1]} fails:\n{said}")
    return result.stdout


class Project:
    """What the manifests must agree with."""

    def __init__(self, root):
        self.root = root
        manifest = tomllib.loads((root / "spin.toml").read_text())
        self.name = manifest["application"]["name"]
        self.version = manifest["application"]["version"]
        self.variables = manifest["variables"]
        self.stores = manifest["component"][self.name].get("key_value_stores", [])
        package = tomllib.loads((root / "Cargo.toml").read_text())["package"]
        ensure(
            package["version"] == self.version,
            f"Cargo.toml has version {package['version']} and spin.toml {self.version}",
        )
        service = (root / "src/service/mod.rs").read_text()
        self.token_path = re.search(r'TOKEN_PATH: &str = "(.+)"', service)[1]
        self.health_path = re.search(r'HEALTH_PATH: &str = "(.+)"', service)[1]
        self.webhook_path = re.search(r'WEBHOOK_PATH: &str = "(.+)"', service)[1]


def kind(objects, name):
    return [each for each in objects if each["kind"] == name]


def one(objects, name):
    found = kind(objects, name)
    ensure(len(found) == 1, f"{len(found)} objects of kind {name} where one is wanted")
    return found[0]


# The schemas.


def closed(schema):
    """The schema, with unknown fields rejected, as `kubectl apply` does with its strict validation."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and isinstance(schema["properties"], dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    return result


def definition(path):
    """The schema of a SpinApp in a CustomResourceDefinition."""
    document = yaml.safe_load(path.read_text())
    (version,) = [each for each in document["spec"]["versions"] if each["name"] == "v1alpha1"]
    schema = closed(version["schema"]["openAPIV3Schema"])
    # The definition leaves this to Kubernetes.
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def check_schema(item, spin_app):
    """Checks one object; returns its kind if that has no schema here."""
    where = f"{item['kind']} {item['metadata']['name']}"
    if item["apiVersion"] == "core.spinkube.dev/v1alpha1" and item["kind"] == "SpinApp":
        if spin_app is None:
            return "SpinApp"
        errors = list(jsonschema.Draft202012Validator(spin_app).iter_errors(item))
        ensure(not errors, f"{where}: " + "; ".join(f"{each.json_path}: {each.message}" for each in errors))
    elif item["apiVersion"] == "keda.sh/v1alpha1" and item["kind"] == "ScaledObject":
        return "ScaledObject"
    else:
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                raise Wrong(f"{where}, Kubernetes {version}: {error.message}") from error
            except kubernetes_validate.SchemaNotFoundError as error:
                raise Wrong(f"{where}: Kubernetes {version} has no {item['apiVersion']} {item['kind']}") from error
    return None


# The rules that no schema knows.


def check_variables(project, objects, secret):
    app = one(objects, "SpinApp")
    maps = {each["metadata"]["name"]: each.get("data") or {} for each in kind(objects, "ConfigMap")}
    bound = [each["name"] for each in app["spec"]["variables"]]
    ensure(len(bound) == len(set(bound)), "a variable is bound twice")
    declared = set(project.variables)
    ensure(set(bound) <= declared, f"not in spin.toml: {', '.join(sorted(set(bound) - declared))}")
    ensure(declared <= set(bound), f"not in the SpinApp: {', '.join(sorted(declared - set(bound)))}")
    used = set()
    for variable in app["spec"]["variables"]:
        name, source = variable["name"], variable.get("valueFrom", {})
        declaration = project.variables[name]
        if declaration.get("secret"):
            ensure("secretKeyRef" in source, f"{name} is a secret and does not come from one")
        if "secretKeyRef" in source:
            reference, keys = source["secretKeyRef"], secret
        else:
            ensure("configMapKeyRef" in source, f"{name} comes from neither a Secret nor a ConfigMap")
            reference, keys = source["configMapKeyRef"], maps
        optional = reference.get("optional", False)
        if declaration.get("required"):
            ensure(not optional, f"{name} is required, and its reference optional")
        ensure(reference["name"] in keys, f"{name}: no {reference['name']} is there")
        there = reference["key"] in keys[reference["name"]]
        ensure(there or optional, f"{name}: {reference['name']} has no {reference['key']}")
        used.add((reference["name"], reference["key"]))
    for owner, keys in [*maps.items(), *secret.items()]:
        for key in keys:
            ensure((owner, key) in used, f"{owner} has {key}, which no variable takes")


def check_app(project, objects):
    app = one(objects, "SpinApp")
    ensure(app["metadata"]["name"] == project.name, f"the SpinApp is not named {project.name}")
    repository, _, tag = app["spec"]["image"].rpartition(":")
    ensure(
        re.fullmatch(rf"ghcr\.io/[a-z0-9-]+/{project.name}", repository) and tag == project.version,
        f"the image {app['spec']['image']} is not the release's, ghcr.io/…/{project.name}:{project.version}",
    )
    checks = app["spec"]["checks"]
    ensure(checks["readiness"]["httpGet"]["path"] == project.health_path, "readiness does not ask the service")
    ensure(
        checks["liveness"]["httpGet"]["path"] == "/.well-known/spin/health",
        "liveness asks what a restart cannot repair",
    )
    resources = app["spec"]["resources"]
    ensure({"cpu", "memory"} <= set(resources["requests"]), "a request of cpu and memory is missing")
    ensure("memory" in resources["limits"], "the limit of memory is missing")


def check_scaling(project, objects):
    """What decides how many pods there are; returns the least number."""
    app = one(objects, "SpinApp")
    scalers = kind(objects, "HorizontalPodAutoscaler") + kind(objects, "ScaledObject")
    replicas = app["spec"].get("replicas")
    if not app["spec"].get("enableAutoscaling"):
        ensure(replicas is not None and replicas >= 1, "the SpinApp has no replicas")
        ensure(not scalers, "something scales a SpinApp without enableAutoscaling")
        return replicas
    ensure(replicas is None, "the operator rejects replicas beside enableAutoscaling")
    ensure(len(scalers) == 1, f"{len(scalers)} objects scale the SpinApp where one is wanted")
    spec = scalers[0]["spec"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": project.name}
    ensure(spec["scaleTargetRef"] == target, "the scaler does not name the SpinApp's Deployment")
    if scalers[0]["kind"] == "ScaledObject":
        known = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers"}
        ensure(set(spec) <= known, f"unknown to this check: {', '.join(sorted(set(spec) - known))}")
        least, most = spec["minReplicaCount"], spec["maxReplicaCount"]
        for trigger in spec["triggers"]:
            values = trigger["metadata"].values()
            ensure(all(isinstance(value, str) for value in values), "KEDA takes strings in a trigger's metadata")
            ensure(trigger["type"] in ("cpu", "cron"), f"the trigger {trigger['type']} is unknown to this check")
    else:
        least, most = spec["minReplicas"], spec["maxReplicas"]
    ensure(1 <= least <= most, f"from {least} to {most} pods")
    return least


def stores(objects):
    """The key-value stores outside the pods, by name."""
    configured = one(objects, "SpinApp")["spec"].get("runtimeConfig", {}).get("keyValueStores", [])
    return {each["name"]: each for each in configured}


def check_stores(project, objects):
    granted = project.stores
    for name, store in stores(objects).items():
        ensure(name in granted, f"the component has no store {name}")
        ensure(store["type"] == "redis", f"the store type {store['type']} is unknown to this check")
        (option,) = store["options"]
        ensure(option["name"] == "url", f"Redis has no option {option['name']}")
        ensure("secretKeyRef" in option.get("valueFrom", {}), "the address of Redis has its password, and comes from no Secret")


def check_egress(objects, egress):
    if not stores(objects):
        ensure(egress == [], "the NetworkPolicy lets something out")
        return
    ports = []
    for rule in egress:
        ensure(rule.get("to"), "the NetworkPolicy lets out to everywhere")
        ports += [(each["protocol"], each["port"]) for each in rule["ports"]]
    ensure(ports == [("TCP", 6379), ("UDP", 53), ("TCP", 53)], "the NetworkPolicy lets out to others than Redis and DNS")


def check_network(project, objects):
    label = {APP_LABEL: project.name}
    spec = one(objects, "NetworkPolicy")["spec"]
    ensure(spec["podSelector"] == {"matchLabels": label}, "the NetworkPolicy does not select the SpinApp's pods")
    ensure(set(spec["policyTypes"]) == {"Ingress", "Egress"}, "the NetworkPolicy does not rule both directions")
    check_egress(objects, spec.get("egress"))
    ports = [port for rule in spec["ingress"] for port in rule["ports"]]
    ensure(ports == [{"protocol": "TCP", "port": PORT}], f"the NetworkPolicy lets in at other ports than {PORT}")

    least = check_scaling(project, objects)
    for budget in kind(objects, "PodDisruptionBudget"):
        selector = budget["spec"]["selector"]
        ensure(selector == {"matchLabels": label}, "the PodDisruptionBudget does not select the SpinApp's pods")
        ensure(budget["spec"]["minAvailable"] < least, "the PodDisruptionBudget lets no pod go")

    for ingress in kind(objects, "Ingress"):
        hosts = {host for tls in ingress["spec"]["tls"] for host in tls["hosts"]}
        for rule in ingress["spec"]["rules"]:
            ensure(rule["host"] in hosts, f"the Ingress serves {rule['host']} without TLS")
            for path in rule["http"]["paths"]:
                open_paths = [project.token_path, *([project.webhook_path] if stores(objects) else [])]
                ensure(path["path"] in open_paths, f"the Ingress opens {path['path']}")
                service = {"name": project.name, "port": {"number": PORT}}
                ensure(path["backend"]["service"] == service, "the Ingress does not lead to the SpinApp's Service")


def check_objects(project, objects, secret, spin_app):
    """Everything about one overlay; returns the kinds that have no schema here."""
    without = {check_schema(item, spin_app) for item in objects} - {None}
    check_variables(project, objects, secret)
    check_app(project, objects)
    check_stores(project, objects)
    check_network(project, objects)
    return without


# Each check is seen to fail: a change, and a part of what is said about it.


def at(objects, name):
    return one(objects, name)["spec"]


def drop(objects, name):
    objects.remove(one(objects, name))


def reference(objects, name, source):
    (variable,) = [each for each in at(objects, "SpinApp")["variables"] if each["name"] == name]
    return variable["valueFrom"][source]


def breakages(spin_app):
    """For overlays by name: those of `autoscale-hpa`, which has every kind but one, and then those of the others."""
    yield from (("autoscale-hpa", *each) for each in breakages_with_hpa(spin_app))
    keda = "autoscale-keda"
    yield keda, lambda o: drop(o, "ScaledObject"), "0 objects scale"
    yield keda, lambda o: at(o, "ScaledObject")["scaleTargetRef"].update(name="jaas"), "does not name"
    yield keda, lambda o: at(o, "ScaledObject").update(minReplicaCount=11), "from 11 to 10"
    yield keda, lambda o: at(o, "ScaledObject").update(maxReplicas=3), "unknown to this check: maxReplicas"
    yield keda, lambda o: at(o, "ScaledObject")["triggers"][0]["metadata"].update(value=70), "strings"
    yield keda, lambda o: at(o, "ScaledObject")["triggers"][0].update(type="cpus"), "the trigger cpus"
    redis = "redis"

    def store(objects):
        return at(objects, "SpinApp")["runtimeConfig"]["keyValueStores"][0]

    yield redis, lambda o: store(o).update(name="other"), "the component has no store other"
    yield redis, lambda o: store(o).update(type="rediss"), "the store type rediss"
    yield redis, lambda o: store(o)["options"][0].update(name="address"), "no option address"
    yield redis, lambda o: store(o)["options"][0].update(value="redis://x", valueFrom={}), "comes from no Secret"
    yield redis, lambda o: at(o, "SpinApp").pop("runtimeConfig"), "lets something out"
    yield redis, lambda o: at(o, "NetworkPolicy")["egress"][0].pop("to"), "lets out to everywhere"
    yield redis, lambda o: at(o, "NetworkPolicy")["egress"].append({"to": [{}], "ports": [{"protocol": "TCP", "port": 443}]}), "others than Redis"
    yield redis, lambda o: at(o, "Ingress")["rules"][0]["http"]["paths"][1].update(path="/healthz"), "opens /healthz"
    yield "minimal", lambda o: at(o, "SpinApp").pop("replicas"), "has no replicas"
    yield "minimal", lambda o: at(o, "SpinApp").update(enableAutoscaling=True), "rejects replicas"
    yield "minimal", lambda o: drop(o, "NetworkPolicy"), "0 objects of kind NetworkPolicy"


def breakages_with_hpa(spin_app):
    yield lambda o: at(o, "SpinApp")["variables"].append({"name": "jaas_appid", "value": "x"}), "not in spin.toml: jaas_appid"
    yield lambda o: at(o, "SpinApp")["variables"].pop(), "not in the SpinApp"
    yield lambda o: at(o, "SpinApp")["variables"].append(at(o, "SpinApp")["variables"][0]), "bound twice"
    yield lambda o: at(o, "SpinApp")["variables"][2].update(value="x", valueFrom={}), "jaas_private_key is a secret"
    yield lambda o: reference(o, "jaas_app_id", "secretKeyRef").update(key="app_id"), "has no app_id"
    yield lambda o: reference(o, "jaas_app_id", "secretKeyRef").update(name="other"), "no other is there"
    yield lambda o: reference(o, "jaas_app_id", "secretKeyRef").update(optional=True), "its reference optional"
    yield lambda o: reference(o, "allowed_origins", "configMapKeyRef").update(name="jaas-jwt"), "no jaas-jwt is there"
    yield lambda o: one(o, "ConfigMap")["data"].update(alowed_rooms="x"), "has alowed_rooms, which no variable takes"
    yield lambda o: one(o, "ConfigMap")["data"].update(allowed_rooms=1), "ConfigMap"
    yield lambda o: at(o, "SpinApp").update(image="ghcr.io/a/jaas-jwt:latest"), "is not the release's"
    yield lambda o: at(o, "SpinApp").update(image="jaas-jwt"), "is not the release's"
    yield lambda o: at(o, "SpinApp")["checks"]["readiness"]["httpGet"].update(path="/health"), "readiness does not ask"
    yield lambda o: at(o, "SpinApp")["checks"]["liveness"]["httpGet"].update(path="/healthz"), "a restart cannot repair"
    yield lambda o: at(o, "SpinApp")["resources"]["requests"].pop("cpu"), "a request of cpu"
    yield lambda o: at(o, "SpinApp")["resources"]["limits"].pop("memory"), "the limit of memory"
    yield lambda o: at(o, "SpinApp").update(replicas=2), "rejects replicas"
    yield lambda o: at(o, "SpinApp").update(enableAutoscaling=False), "has no replicas"
    yield lambda o: drop(o, "HorizontalPodAutoscaler"), "0 objects scale"
    yield lambda o: at(o, "HorizontalPodAutoscaler")["scaleTargetRef"].update(name="jaas"), "does not name"
    yield lambda o: at(o, "HorizontalPodAutoscaler").update(minReplicas=11), "from 11 to 10"
    yield lambda o: at(o, "HorizontalPodAutoscaler").update(maxReplica=3), "HorizontalPodAutoscaler"
    yield lambda o: at(o, "NetworkPolicy")["podSelector"].update(matchLabels={"app": "jaas-jwt"}), "does not select"
    yield lambda o: at(o, "NetworkPolicy").update(policyTypes=["Ingress"]), "both directions"
    yield lambda o: at(o, "NetworkPolicy").update(egress=[{}]), "lets something out"
    yield lambda o: at(o, "NetworkPolicy")["ingress"][0]["ports"][0].update(port=8080), "at other ports"
    yield lambda o: at(o, "PodDisruptionBudget")["selector"]["matchLabels"].clear(), "does not select"
    yield lambda o: at(o, "PodDisruptionBudget").update(minAvailable=2), "lets no pod go"
    yield lambda o: at(o, "Ingress")["rules"][0].update(host="other.example.org"), "without TLS"
    yield lambda o: at(o, "Ingress")["rules"][0]["http"]["paths"][0].update(path="/"), "opens /"
    yield lambda o: at(o, "Ingress")["rules"][0]["http"]["paths"][0]["backend"]["service"].update(name="x"), "Service"
    yield lambda o: at(o, "Ingress")["rules"][0]["http"]["paths"][0].pop("pathType"), "pathType"
    if spin_app is not None:
        yield lambda o: at(o, "SpinApp")["checks"]["readiness"].update(timeout=5), "timeout"
        yield lambda o: at(o, "SpinApp").update(replicas="2"), "replicas"
        yield lambda o: reference(o, "jaas_app_id", "secretKeyRef").pop("key"), "key"
        yield lambda o: at(o, "SpinApp")["resources"]["requests"].update(memory="64 MB"), "memory"


def check_breakages(project, rendered, secret, spin_app):
    count = 0
    for overlay, change, expected in breakages(spin_app):
        broken = copy.deepcopy(rendered[f"deploy/spinkube/overlays/{overlay}"])
        change(broken)
        count += 1
        try:
            check_objects(project, broken, secret, spin_app)
        except Wrong as error:
            ensure(expected in str(error), f"breakage {count} says {error} and not {expected}")
        else:
            raise Wrong(f"breakage {count}, {expected}, is not found")
    return count


# The Secret, the workflows.


def secret_of_guide(project, kubectl):
    """The Secret that the guide's lines make, by its name and keys; its key file may hold anything."""
    text = (project.root / GUIDE).read_text()
    lines = [line for line in text.splitlines() if line.startswith("kubectl create secret generic ")]
    ensure(lines, f"{GUIDE} makes no Secret")
    found = []
    for line in lines:
        command = shlex.split(line.partition(" --dry-run")[0])
        command = [re.sub(r"=[^=]*\.pem$", f"={project.root / 'LICENSE'}", part) for part in command]
        printed = run([kubectl, *command[1:], "--dry-run=client", "--output=json"], project.root)
        made = json.loads(printed)
        for version in KUBERNETES:
            kubernetes_validate.validate(made, version, strict=True)
        found.append({made["metadata"]["name"]: set(made["data"])})
    ensure(all(each == found[0] for each in found), f"{GUIDE} makes Secrets that differ: {found}")
    return found[0]


def check_workflows(project, tools):
    folder = project.root / ".github/workflows"
    files = sorted(str(path.relative_to(project.root)) for path in folder.glob("*.yml"))
    # As a module: its script would name the folder in which it was installed, and projects are moved.
    run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files], project.root)
    run([tools / "zizmor", "--offline", "--no-progress", *files], project.root)
    for file in files:
        workflow = yaml.safe_load((project.root / file).read_text())
        allowed = workflow.get("permissions") in ({}, {"contents": "read"})
        ensure(allowed, f"{file}: what a job may do more than read is for that job to say")
        for name, job in workflow["jobs"].items():
            ensure("timeout-minutes" in job, f"{file}: the job {name} has no timeout-minutes")
    release = (folder / "release.yml").read_text()
    ensure(f"/{project.name}" in release, f"release.yml pushes no image {project.name}")
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the project's folder")
    parser.add_argument("--crd", type=Path, help="SpinKube's definition of a SpinApp")
    arguments = parser.parse_args()
    tools = Path(sys.executable).parent
    kubectl = tools / "kubectl"

    project = Project(arguments.root.resolve())
    spin_app = definition(arguments.crd) if arguments.crd else None
    secret = secret_of_guide(project, kubectl)
    without = set()
    rendered = {}
    for file in sorted((project.root / "deploy").rglob("kustomization.yaml")):
        folder = str(file.parent.relative_to(project.root))
        printed = run([kubectl, "kustomize", folder], project.root)
        rendered[folder] = objects = [each for each in yaml.safe_load_all(printed) if each]
        without |= check_objects(project, objects, secret, spin_app)
        print(f"{folder}: {', '.join(each['kind'] for each in objects)}: ok")
    print(f"{check_breakages(project, rendered, secret, spin_app)} breakages: each is found")
    print(f"{', '.join(check_workflows(project, tools))}: ok")
    print(f"Kubernetes {' and '.join(KUBERNETES)}")
    if without:
        print(f"skipped: no schema of {' and '.join(sorted(without))} here; checked by the rules of check.py alone")


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"error: {error}")
