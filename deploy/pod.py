#!/usr/bin/env python3
"""Holds a rendered pod to what deploy/README.md promises, and lets certbound read what is mounted into it.

    pod.py RENDERED PLAIN CERTBOUND

RENDERED is what `kubectl kustomize` prints, PLAIN the file for reading, CERTBOUND the program.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import yaml


def by_name(path):
    """The objects of a file by kind and name. An empty list says as much as none."""
    objects = [trimmed(found) for found in yaml.safe_load_all(pathlib.Path(path).read_text())]
    return {(found["kind"], found["metadata"]["name"]): found for found in objects}


def trimmed(node):
    if isinstance(node, dict):
        return {key: trimmed(value) for key, value in node.items() if value != []}
    return [trimmed(child) for child in node] if isinstance(node, list) else node


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def hold(objects):
    """The promises that schemas do not know of."""
    pod = objects["Deployment", "bank-api"]["spec"]["template"]["spec"]
    config = tomllib.loads(objects["ConfigMap", "certbound"]["data"]["proxy.toml"])
    (certbound,), (api,) = pod["initContainers"], pod["containers"]

    assert certbound["restartPolicy"] == "Always", "certbound is no sidecar"
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= certbound.keys(), "a probe is missing"
    assert "lifecycle" not in certbound, "certbound has to serve for as long as the API does"
    wait = api["lifecycle"]["preStop"]["sleep"]["seconds"] + seconds(config["listen"]["drain_timeout"])
    assert pod["terminationGracePeriodSeconds"] >= wait + 20, f"{wait} s are gone before the API has had 20 s to end"

    for container in (certbound, api):
        context = container["securityContext"]
        restricted = context["runAsNonRoot"] and not context["allowPrivilegeEscalation"]
        restricted = restricted and context["capabilities"]["drop"] == ["ALL"]
        assert restricted and context["seccompProfile"]["type"] == "RuntimeDefault", f"{container['name']} may do too much"
    assert certbound["securityContext"]["readOnlyRootFilesystem"], "certbound writes nowhere"
    assert all("subPath" not in mount for mount in certbound["volumeMounts"]), "what is mounted by subPath never changes"

    assert config["backend"]["address"].startswith("127.0.0.1:") and config["backend"].get("require_loopback", True)
    assert "ports" not in api and {"name": "SERVER_ADDRESS", "value": "127.0.0.1"} in api["env"], "the API is exposed"
    ports = {port["name"]: port["containerPort"] for port in certbound["ports"]}
    assert config["listen"]["address"].endswith(f":{ports['certbound']}")
    service = objects["Service", "bank-api"]["spec"]["ports"]
    assert [port["targetPort"] for port in service] == ["certbound"], "the service leads past certbound"
    policy = objects["NetworkPolicy", "certbound"]["spec"]
    let_in = [(rule["from"], rule["ports"]) for rule in policy["ingress"]]
    assert [port["port"] for _, to in let_in for port in to] == [ports["certbound"], ports["admin"]]
    labels = objects["Deployment", "bank-api"]["spec"]["template"]["metadata"]["labels"]
    for selector in (policy["podSelector"], objects["PodMonitor", "certbound"]["spec"]["selector"]):
        assert selector["matchLabels"].items() <= labels.items(), f"{selector} does not find the pod"


def read_by_certbound(objects, program):
    """Lays out the mounts as the kubelet does, and runs `check` with the container's own arguments."""
    pod = objects["Deployment", "bank-api"]["spec"]["template"]["spec"]
    (certbound,) = pod["initContainers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    with tempfile.TemporaryDirectory() as root:
        minted = mint(pathlib.Path(root))
        for mount in certbound["volumeMounts"]:
            volume = volumes[mount["name"]]
            name = volume["configMap"]["name"] if "configMap" in volume else volume["secret"]["secretName"]
            files = objects["ConfigMap", name]["data"] if ("ConfigMap", name) in objects else minted[name]
            lay_out(pathlib.Path(root + mount["mountPath"]), files)
        run, option, file = certbound["args"]
        assert (run, option) == ("run", "--config")
        output = subprocess.run([program, "check", option, root + file], capture_output=True, text=True, check=False)
        assert (output.returncode, output.stderr) == (0, ""), output.stderr


def lay_out(folder, files):
    """A mounted ConfigMap or Secret: each file is a link through `..data`, which is swapped when something changes."""
    version = folder / "..2026_11_22_07_00_00.1"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name, text in files.items():
        (version / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")


def mint(folder):
    """What the operator brings: an authority, and a certificate for the listener."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "60"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *new_key, "-keyout", "tls.key", "-out", "tls.crt", "-subj", "/CN=bank-api.bank.svc",
            "-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=DNS:bank-api.bank.svc", "-addext", "extendedKeyUsage=serverAuth")
    read = {name: (folder / name).read_text() for name in ("ca.crt", "tls.crt", "tls.key")}
    return {"certbound-tls": read, "client-authorities": {"authorities.pem": read["ca.crt"]}}


def main():
    rendered, plain, program = sys.argv[1:]
    objects, for_reading = by_name(rendered), by_name(plain)
    for key in sorted(objects.keys() | for_reading.keys()):
        assert objects.get(key) == for_reading.get(key), f"{plain} is not what the example renders: {key}"
    hold(objects)
    read_by_certbound(objects, program)


main()
