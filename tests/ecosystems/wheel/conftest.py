"""A workspace that installs wheels of its own tree, by a lock of PEP 751, so that nobody looks at them before."""

import hashlib

import pytest


@pytest.fixture
def python(tree):
    """`python(wheel, …)` writes wheels, a lock that names them, and a target //:p of it in an image //:i.

    A wheel is bytes, of hello 1.0, or (name, bytes).
    """

    def write(*wheels: bytes | tuple[str, bytes], fields: str = ""):
        lock = ['lock-version = "1.0"', 'created-by = "test"']
        for item in wheels:
            name, data = ("hello", item) if isinstance(item, bytes) else item
            file = f"{name}-1.0-py3-none-any.whl"
            tree.write(f"wheels/{file}", data)
            digest = hashlib.sha256(data).hexdigest()
            lock += ["[[packages]]", f'name = "{name}"', 'version = "1.0"', "[[packages.wheels]]"]
            lock += [f'name = "{file}"', f'path = "wheels/{file}"', f'hashes = {{ sha256 = "{digest}" }}']
        tree.write("pylock.toml", "\n".join(lock) + "\n")
        tree.write(
            "BUILD.toml",
            f'[workspace]\n[packages.p]\necosystem = "wheel"\npylock = "pylock.toml"\n{fields}\n[image.i]\nlayers = [":p"]\n',
        )
        return tree

    return write
