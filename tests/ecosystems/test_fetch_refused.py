"""A registry that cannot be reached is one line for a person."""

from __future__ import annotations

import json


def test_an_unreachable_registry_is_named_without_a_fault(tree):
    url = "http://127.0.0.1:9/six/-/six-1.0.0.tgz"
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"six": "1"}},
            "node_modules/six": {"version": "1.0.0", "resolved": url, "integrity": "sha512-" + "A" * 86 + "=="},
        },
    }
    tree.write("package-lock.json", json.dumps(lock))
    tree.write("BUILD.toml", '[workspace]\n[packages.p]\necosystem = "npm"\npackage_lock = "package-lock.json"\n')
    result = tree.run("image", "//:p")
    text = str(result)
    assert "fault of stackbuild" not in text, text
    assert "six 1.0.0: cannot fetch" in text, text


def test_a_password_for_all_hosts_goes_to_none(tmp_path, monkeypatch):
    from stackbuild.ecosystems.fetch import authorization

    netrc = tmp_path / "netrc"
    netrc.write_text("machine example.org login me password one\ndefault login me password all\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert authorization("https://example.org/x") and not authorization("https://example.com/x")
