"""What check finds in the tree of an image, in its files and in its table, and what it lets be."""

import tarfile

import pytest

from .making import STATIC, found, line, rules, write

MIB = b"0123456789abcdef" * 65536
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


def other(fill: bytes) -> bytes:
    return fill * (1 << 20)


MERGED = {"/usr/lib/libc.so.6": "", "/lib": "-> usr/lib", "/etc/a": "", "/srv/data/x": "", "/srv/data": "/"}


def test_a_folder_over_the_link_of_a_merged_base(tree):
    write(tree, {"/lib": "/", "/lib/mine": "x"}, base=MERGED)
    assert rules(tree) == [("clobbered-folder", "/lib")]


def test_a_file_written_below_a_link(tree):
    write(tree, {"/lib/mine": "x"}, base=MERGED)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert (finding["rule"], finding["path"], finding["target"]) == ("written-through-link", "/lib", "//:l0")
    assert finding["file"] == "BUILD.toml" and finding["line"] == line(tree, "[files.l0]")


def test_writing_where_the_link_leads(tree):
    write(tree, {"/usr/lib/mine": "x"}, base=MERGED)
    assert rules(tree) == []


@pytest.mark.parametrize("value", ["a file", "-> /etc"])
def test_something_else_in_the_place_of_a_folder(tree, value):
    write(tree, {"/srv/data": value}, base=MERGED)
    assert rules(tree) == [("clobbered-folder", "/srv/data")]


def test_a_folder_that_was_deleted_first(tree):
    write(tree, {"/srv/data": None}, {"/srv/data": "a file"}, base=MERGED)
    assert rules(tree) == []


def test_a_folder_written_again_and_a_link_moved_on(tree):
    write(tree, {"/srv": "/", "/srv/data": "/", "/lib": "-> usr/lib"}, base=MERGED)
    assert rules(tree) == []


def test_what_a_base_does_within_itself(tree):
    write(tree, {"/x": ""}, base={"/a": "-> nowhere", "/b": (KEY, 0o666), "/tmp": "/"})
    assert rules(tree) == []


def test_links_that_lead_nowhere(tree):
    write(tree, {"/a": "-> /nowhere", "/b/c": "-> ../nothing", "/d": "-> a"})
    assert rules(tree) == [("dangling-link", "/a"), ("dangling-link", "/b/c"), ("dangling-link", "/d")]


def test_links_that_lead_somewhere_when_it_runs(tree):
    links = {
        "/a": "-> /proc/self/mounts",
        "/etc/mtab": "-> ../nowhere",
        "/var/lock": "-> /run/lock",
        "/usr/share/doc/x": "-> ../y",
        "/data/current": "-> /state/current",
        "/folder": "-> etc",
        "/root": "-> /",
    }
    write(tree, links, image='volumes = ["/state"]')
    assert rules(tree) == []


def test_bytes_that_an_upper_layer_hides(tree):
    write(tree, {"/a": MIB, "/b": ""}, {"/a": other(b"2")})
    assert rules(tree) == [("shadowed", "/a")]
    write(tree, {"/a": MIB}, {"/a": None})
    assert rules(tree) == [("shadowed", "/a")]
    write(tree, {"/f/a": MIB, "/f/b": MIB[1:]}, {"/f": None})
    [finding] = [item for item in found(tree) if item["rule"] == "shadowed"]
    assert finding["path"] == "/f/a" and finding["message"] == "2.0 MiB in 2 files, the largest this one of layers below are hidden"


def test_a_few_bytes_more_or_less(tree):
    write(tree, {"/a": MIB[:-1]}, {"/a": "x"})
    assert rules(tree) == []


def test_the_same_contents_in_two_layers(tree):
    write(tree, {"/a": MIB}, {"/b": MIB})
    assert rules(tree) == [("duplicate", "/b")]


def test_contents_in_one_layer_or_small_or_almost_the_same(tree):
    write(tree, {"/a": MIB, "/b": MIB}, {"/c": MIB[:100000]}, {"/d": MIB[:100000]}, {"/e": MIB[:-1] + b"x"})
    assert rules(tree) == []


def test_a_whiteout_of_nothing(tree):
    write(tree, {"/a": "x"}, {"/a": None, "/b": None})
    assert rules(tree) == [("whiteout-of-nothing", "/b")]


def test_a_whiteout_of_a_folder_that_no_layer_declares(tree):
    write(tree, {"/f/a": "x"}, {"/f": None})
    assert rules(tree) == []


SECRETS = {
    "/root/.ssh/id_ed25519": KEY,
    "/srv/tls.key": "-----BEGIN PRIVATE KEY-----\nx\n",
    "/srv/both.pem": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\nx\n",
    "/app/.env": "DEBUG=1\nDB_PASSWORD=hunter2\n",
    "/app/.env.production": "export API_KEY='abc'\n",
    "/root/.netrc": "machine example.org login me password hunter2\n",
    "/root/.npmrc": "//registry.example.org/:_authToken=npm_abc\n",
    "/root/.pypirc": "[pypi]\nusername = __token__\npassword = pypi-abc\n",
    "/root/.git-credentials": "https://me:hunter2@example.org\n",
    "/root/.aws/credentials": "[default]\naws_secret_access_key = abc\n",
    "/root/.docker/config.json": '{"auths": {"example.org": {"auth": "bWU6"}}}',
    "/root/.kube/config": "users:\n- user:\n    token: abc\n",
}
HARMLESS = {
    "/root/.ssh/id_ed25519.pub": "ssh-ed25519 AAAA me\n",
    "/root/.ssh/id_rsa": "see the wiki\n",
    "/srv/ca.pem": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
    "/srv/i18n.key": "title\n",
    "/app/.env": "DEBUG=1\nDB_PASSWORD=\nTOKEN=$OTHER\nAPI_KEY=<yours>\n",
    "/app/.env.example": "DB_PASSWORD=hunter2\n",
    "/root/.npmrc": "registry=https://registry.example.org/\n//x/:_authToken=${NPM_TOKEN}\n",
    "/root/.pypirc": "[pypi]\nusername = __token__\n",
    "/root/.netrc": "machine example.org login me\n",
    "/root/.aws/credentials": "[default]\nregion = x\n",
    "/root/.docker/config.json": '{"auths": {"example.org": {}}, "credsStore": "pass"}',
    "/root/.kube/config": "users: []\n",
    "/srv/.docker/config.json": "no JSON",
}


def test_files_that_hold_credentials(tree):
    write(tree, SECRETS)
    assert rules(tree) == [("secret-file", path) for path in sorted(SECRETS)]


def test_files_that_are_only_called_so(tree):
    write(tree, HARMLESS)
    assert rules(tree) == []


def test_a_credential_is_not_shown(tree):
    write(tree, SECRETS, image='env = { TOKEN = "hunter2" }')
    for format in ("text", "json", "sarif"):
        _, out, err = tree.run("check", "//:img", "--progress", "none", "--format", format)
        assert "hunter2" not in out + err and "npm_abc" not in out


def test_a_credential_that_is_deleted_above(tree):
    write(tree, {"/app/.env": "TOKEN=abc\n"}, {"/app/.env": None})
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert (finding["rule"], finding["target"], finding["message"]) == (
        "secret-deleted", "//:l0", "holds a password, token or key; //:l1 only hides it")
    write(tree, {"/app/.env": "TOKEN=abc\n"}, {"/app/.env": "TOKEN=\n"})
    assert rules(tree) == [("secret-deleted", "/app/.env")]
    write(tree, {"/app/.env": "TOKEN=\n"}, {"/app/.env": None})
    assert rules(tree) == []


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "DB_PASSWORD", "CLIENT_SECRET", "api_key", "AWS_SECRET_ACCESS_KEY"])
def test_variables_that_hold_credentials(tree, name):
    write(tree, {"/a": ""}, image=f'env = {{ {name} = "abc" }}')
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert finding["rule"] == "secret-env" and finding["line"] == line(tree, name)


@pytest.mark.parametrize(
    "pair",
    ['TOKEN_FILE = "x"', 'PASSWORD = ""', 'DB_PASSWORD = "/run/secrets/db"', 'TOKEN_TTL = "5"', 'MAX_TOKEN = "512"', 'USE_TOKEN = "true"', 'GPG_KEY = "A035C8C1"', 'TOKENIZER = "x"'],
)
def test_variables_that_do_not(tree, pair):
    write(tree, {"/a": ""}, image=f"env = {{ {pair} }}")
    assert rules(tree) == []


def test_a_repository(tree):
    write(tree, {"/a": ""}, more='[archive.l0x]\nsrc = "a.tar"\n')
    tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text().replace('":l0"', '":l0x"'))
    for names, expected in (
        (["app/.git/HEAD", "app/.git/objects/a"], [("git-folder", "/app/.git")]),
        (["app/.gitignore", "app/git/HEAD", "app/x.git/HEAD", "app/.git"], []),
    ):
        with tarfile.open(tree.root / "a.tar", "w") as tar:
            for name in names:
                tar.addfile(tarfile.TarInfo(name))
        assert rules(tree) == expected


def test_setuid_and_setgid(tree):
    write(tree, {"/bin/a": (STATIC, 0o4755), "/bin/b": (STATIC, 0o2755)})
    assert rules(tree) == [("setuid", "/bin/a"), ("setuid", "/bin/b")]
    write(tree, {"/bin/a": (STATIC, 0o4644), "/bin/b": (STATIC, 0o1755)}, base={"/bin/c": (STATIC, 0o4755)})
    assert rules(tree) == []


def with_dir(tree, mode):
    write(tree, {"/d": "/"})
    text = (tree.root / "BUILD.toml").read_text().replace('dirs = ["/d"]', f'dirs = ["/d"]\ndir_mode = "{mode}"')
    tree.write("BUILD.toml", text)
    return rules(tree)


def test_what_everybody_may_write(tree):
    write(tree, {"/a": ("", 0o666), "/b": ("", 0o664)})
    assert rules(tree) == [("world-writable", "/a")]
    assert with_dir(tree, "0777") == [("world-writable", "/d")]
    assert with_dir(tree, "1777") == []


@pytest.mark.parametrize(("number", "rule"), [(99, []), (100, ["many-layers"]), (125, ["many-layers"]), (126, ["too-many-layers"])])
def test_more_layers_than_runtimes_take(tree, number, rule):
    write(tree, {"/a": "x"}, image="")
    text = (tree.root / "BUILD.toml").read_text().replace('[":l0"]', "[" + '":l0", ' * number + "]")
    tree.write("BUILD.toml", text)
    assert [name for name, _ in rules(tree)] == rule


BASE_BYTES = {"/big": bytes(range(256)) * 4096}


@pytest.mark.parametrize(
    ("budget", "over"),
    [
        ('size = "1 GB"', None),
        ("size = 10", "size"),
        ("layers = 2", None),
        ("layers = 1", "layers"),
        ('new_bytes = "1 KiB"', None),
        ("new_bytes = 10", "new_bytes"),
        ('size = "1 KiB"', "size"),
    ],
)
def test_budgets(tree, budget, over):
    write(tree, {"/a": "x"}, base=BASE_BYTES, image=f"[image.img.budget]\n{budget}\n")
    findings = [item for item in found(tree) if item["level"] == "error"]
    assert [item["message"].split()[0] for item in findings] == ([over] if over else [])
    if over:
        assert findings[0]["rule"] == "budget" and findings[0]["line"] == line(tree, budget)


@pytest.mark.parametrize("size", ["12 parsecs", "-1", "1e9", ""])
def test_a_budget_that_is_no_size(tree, size):
    write(tree, {"/a": "x"}, image=f'budget = {{ size = "{size}" }}')
    status, _, err = tree.run("check", "//:img", "--progress", "none")
    assert status == 2 and err.startswith(f"BUILD.toml:{line(tree, 'budget')}:19: budget.size: '{size}' is not a size; write")


SETUID = {"/usr/bin/sudo": (STATIC, 0o4755), "/usr/bin/other": (STATIC, 0o4755)}


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("setuid", []),
        ("setuid:/usr/bin/sudo", ["/usr/bin/other"]),
        ("setuid:usr/bin/*", []),
        ("setuid:/usr/**", []),
        ("setuid:/bin/sudo", ["/usr/bin/other", "/usr/bin/sudo"]),
        ("world-writable", ["/usr/bin/other", "/usr/bin/sudo"]),
    ],
)
def test_what_is_allowed_for_a_reason(tree, key, left):
    write(tree, SETUID, image=f'user = "1"\n[image.img.allow]\n"{key}" = "it is needed"\n')
    items = found(tree)
    assert [item["path"] for item in items if item["rule"] == "setuid" and not item["allowed"]] == left
    assert {item["allowed"] for item in items if item["allowed"]} <= {"it is needed"}
    unused = [item["message"] for item in items if item["rule"] == "unused-allowance"]
    assert unused == ([f"nothing breaks '{key}'"] if len(left) == 2 else [])


def test_what_is_allowed_fails_nothing(tree):
    write(tree, {"/app/.env": "TOKEN=abc"}, image='allow = { secret-file = "a test\'s" }')
    status, out, err = tree.run("check", "//:img", "--progress", "none")
    assert (status, out) == (0, "") and "1 allowed" in err


@pytest.mark.parametrize(
    ("allow", "said"),
    [
        ('{ setuidd = "x" }', ":11: there is no rule 'setuidd'; did you mean 'setuid'?"),
        ('{ setuid = " " }', "the reason is empty"),
        ('{ "setuid:" = "x" }', "'setuid:' should be a rule, or a rule and a path"),
        ('{ "setuid:[" = "x" }', ""),
        ('{ "Set Uid" = "x" }', "'Set Uid' should be a rule"),
    ],
)
def test_allowances_that_are_wrong(tree, allow, said):
    write(tree, {"/a": "x"}, image=f"allow = {allow}")
    status, _, err = tree.run("check", "//:img", "--progress", "none")
    assert (status == 2 and err.startswith(f"BUILD.toml:{line(tree, 'allow')}:") and said in err) if said else status == 0


def test_an_allowance_of_an_image_below_holds_for_its_layers(tree):
    write(tree, SETUID, image='allow = { setuid = "sudo" }', more='[image.top]\nbase = ":img"\nlayers = [":l"]\n[files.l]\nsrcs = ["s"]\nmode = "4755"\n')
    tree.write("s", STATIC)
    _, out, _ = tree.run("check", "//:top", "--progress", "none")
    assert "/s: has mode 4755" in out and out.count("\n") == 1


def test_neither_budget_nor_allowance_builds_anything_again(tree):
    write(tree, {"/a": "x"})
    before = tree.image("//:img")["digest"]
    write(tree, {"/a": "x"}, image='budget = { layers = 9 }\nallow = { root = "x" }')
    assert tree.image("//:img")["digest"] == before and set(tree.statuses("//:img").values()) == {"reused"}
