"""OpenBao: the port's contract on the real server, who may do what, and what goes wrong."""

import base64
import http.server
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.vault_contracts import KEY, KeyHolderContract
from laennec.core.errors import (
    AlreadyExistsError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
    LaennecError,
    SettingsError,
)
from laennec.vault.openbao import OpenBaoKeys
from laennec.vault.openbao_api import Api, AppRole, Server, Token
from parts import free_port
from parts.openbao import HUB_POLICY, OPERATOR_POLICY, OpenBao, openbao
from parts.softhsm import SoftHsm

_BESIDE_AN_HSM = """
import json, pathlib, sys
from laennec.vault.openbao import OpenBaoKeys
from laennec.vault.openbao_api import Api, Server, Token
from laennec.vault.pkcs11 import Pkcs11Keys
from laennec.vault.pkcs11_token import Token as Hsm

secrets, module, label, name = sys.argv[1:]
address, ca_file, token, pin = json.loads(pathlib.Path(secrets).read_text())
api = Api(Server(address, pathlib.Path(ca_file)), Token(lambda: token))
keys = OpenBaoKeys.create(api, mount="transit", key=name)
wrapped = keys.wrap(bytes(32), purpose="test")
hsm = Hsm(pathlib.Path(module), label=label, read_pin=lambda: pin)
Pkcs11Keys.create(hsm, label=name)
assert keys.unwrap(wrapped, purpose="test") == bytes(32)
print("opened")
"""


def new_name() -> str:
    return f"hub-{uuid.uuid4().hex[:12]}"


def api(bao: OpenBao, token: str = "") -> Api:
    server = Server(bao.address, bao.ca_file)
    return Api(server, Token(lambda: token or bao.token), sleep=lambda _: None)


def holder(bao: OpenBao, name: str, token: str = "") -> OpenBaoKeys:
    return OpenBaoKeys(api(bao, token), mount="transit", key=name)


@pytest.fixture
def name() -> str:
    return new_name()


@pytest.fixture
def keys(bao: OpenBao, name: str) -> OpenBaoKeys:
    return OpenBaoKeys.create(api(bao), mount="transit", key=name)


class TestOpenBaoKeys(KeyHolderContract):
    @pytest.fixture
    def keys(self, bao: OpenBao, name: str) -> OpenBaoKeys:
        return OpenBaoKeys.create(api(bao), mount="transit", key=name)

    @pytest.fixture
    def other_keys(self, bao: OpenBao) -> OpenBaoKeys:
        return OpenBaoKeys.create(api(bao), mount="transit", key=new_name())

    @pytest.fixture
    def again(self, bao: OpenBao, name: str, keys: OpenBaoKeys) -> OpenBaoKeys:
        return holder(bao, name)


def test_the_server_itself_has_no_older_version_after_forget(
    bao: OpenBao, name: str, keys: OpenBaoKeys
) -> None:
    wrapped = keys.wrap(KEY, purpose="a")
    keys.rotate()
    keys.forget()
    facts = bao.ask("GET", f"transit/keys/{name}")["data"]
    assert (list(facts["keys"]), facts["min_available_version"]) == (["2"], 2)
    with pytest.raises(Exception, match="400"):
        bao.ask("POST", f"transit/keys/{name}/config", {"min_decryption_version": 1})
    with pytest.raises(IntegrityError):
        keys.unwrap(wrapped, purpose="a")


def test_the_key_cannot_be_read_out_of_the_server(bao: OpenBao, name: str) -> None:
    OpenBaoKeys.create(api(bao), mount="transit", key=name)
    facts = bao.ask("GET", f"transit/keys/{name}")["data"]
    assert facts["type"] == "aes256-gcm96"
    assert not facts["exportable"]
    for path in (f"transit/export/encryption-key/{name}", f"transit/backup/{name}"):
        with pytest.raises(Exception, match=r"40\d|500"):
            bao.ask("GET", path)


def test_wrapping_never_makes_a_key(bao: OpenBao, name: str, keys: OpenBaoKeys) -> None:
    """The server would make one for whoever may, and a destroyed warehouse would look alive."""
    keys.destroy()
    with pytest.raises(KeyDestroyedError):
        keys.wrap(KEY, purpose="a")
    assert keys.versions() == ()


def test_a_key_made_anew_opens_nothing_of_the_old(bao: OpenBao, name: str) -> None:
    keys = OpenBaoKeys.create(api(bao), mount="transit", key=name)
    wrapped = keys.wrap(KEY, purpose="a")
    keys.destroy()
    again = OpenBaoKeys.create(api(bao), mount="transit", key=name)
    with pytest.raises(IntegrityError):
        again.unwrap(wrapped, purpose="a")


def test_an_existing_key_is_never_taken(bao: OpenBao, name: str, keys: OpenBaoKeys) -> None:
    with pytest.raises(AlreadyExistsError, match=name):
        OpenBaoKeys.create(api(bao), mount="transit", key=name)


@pytest.mark.parametrize(
    "kind",
    [{"exportable": True}, {"allow_plaintext_backup": True}, {"derived": True},
     {"type": "chacha20-poly1305"}],
)  # fmt: skip
def test_a_key_that_could_leave_is_refused(
    bao: OpenBao, name: str, kind: dict[str, object]
) -> None:
    bao.ask("POST", f"transit/keys/{name}", {"type": "aes256-gcm96", **kind})
    with pytest.raises(KeyHolderError, match="not of the kind"):
        holder(bao, name).wrap(KEY, purpose="a")


def test_a_soft_deleted_key_is_not_called_destroyed(bao: OpenBao, name: str) -> None:
    OpenBaoKeys.create(api(bao), mount="transit", key=name)
    bao.ask("DELETE", f"transit/keys/{name}/soft-delete")
    with pytest.raises(KeyHolderError) as refused:
        holder(bao, name).versions()
    assert not isinstance(refused.value, KeyDestroyedError)


def test_a_policy_that_may_only_unwrap(bao: OpenBao, name: str, keys: OpenBaoKeys) -> None:
    wrapped = keys.wrap(KEY, purpose="a")
    bao.policy(name, f'path "transit/decrypt/{name}" {{ capabilities = ["update"] }}')
    reader = holder(bao, name, bao.token_with(name))
    assert reader.unwrap(wrapped, purpose="a") == KEY
    for change in (lambda: reader.wrap(KEY, purpose="a"), reader.rotate, reader.forget,
                   reader.destroy):  # fmt: skip
        with pytest.raises(KeyHolderError, match="does not let this client"):
            change()


def test_the_documentation_has_the_policies_that_are_tested() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "hold-keys.md"
    for text in (HUB_POLICY, OPERATOR_POLICY):
        shown = text.format(mount="transit", key="laennec").strip()
        assert shown in page.read_text(encoding="utf-8")


def test_the_policies_of_the_documentation(bao: OpenBao) -> None:
    """The hub's policy allows its daily work and no change of keys; the operator's allows both."""
    name = new_name()
    key = f"{name}-warehouse"
    for role, text in (("hub", HUB_POLICY), ("operator", OPERATOR_POLICY)):
        bao.policy(f"{name}-{role}", text.format(mount="transit", key=name))
    operator = api(bao, bao.token_with(f"{name}-operator"))
    keys = OpenBaoKeys.create(operator, mount="transit", key=key)
    hub = holder(bao, key, bao.token_with(f"{name}-hub"))
    wrapped = hub.wrap(KEY, purpose="a")
    for change in (hub.rotate, hub.forget, hub.destroy):
        with pytest.raises(KeyHolderError, match="does not let this client"):
            change()
    keys.rotate()
    assert hub.unwrap(wrapped, purpose="a") == KEY
    keys.forget()
    with pytest.raises(KeyHolderError, match="does not let this client"):
        OpenBaoKeys.create(operator, mount="transit", key=new_name())
    keys.destroy()
    with pytest.raises(KeyDestroyedError):
        hub.wrap(KEY, purpose="a")


class TestSignIn:
    def test_an_expired_token_of_a_role_is_renewed(self, bao: OpenBao, name: str) -> None:
        OpenBaoKeys.create(api(bao), mount="transit", key=name)
        bao.policy(name, HUB_POLICY.format(mount="transit", key=name).replace("-*", "*"))
        role, secret = bao.role(name, name)
        reads: list[str] = []

        def read() -> str:
            reads.append(secret)
            return secret

        server = Api(Server(bao.address, bao.ca_file), AppRole(role, read))
        keys = OpenBaoKeys(server, mount="transit", key=name)
        wrapped = keys.wrap(KEY, purpose="a")
        accessors = bao.ask("LIST", "auth/token/accessors")["data"]["keys"]
        for accessor in accessors:
            found = bao.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor})
            if name in found["data"]["policies"]:
                bao.ask("POST", "auth/token/revoke-accessor", {"accessor": accessor})
        assert keys.unwrap(wrapped, purpose="a") == KEY
        assert len(reads) == 2

    def test_a_wrong_secret_id(self, bao: OpenBao, name: str) -> None:
        role, _ = bao.role(name)
        server = Api(Server(bao.address, bao.ca_file), AppRole(role, lambda: "wrong-secret"))
        with pytest.raises(KeyHolderError, match="does not accept this AppRole") as refused:
            OpenBaoKeys(server, mount="transit", key=name).versions()
        assert "wrong-secret" not in repr(refused.value.args)

    def test_a_revoked_token(self, bao: OpenBao, name: str) -> None:
        token = bao.token_with("default")
        bao.ask("POST", "auth/token/revoke", {"token": token})
        with pytest.raises(KeyHolderError, match="does not accept the token") as refused:
            holder(bao, name, token).versions()
        assert token not in repr(refused.value.args)


class TestWhatGoesWrong:
    def test_a_wrong_mount(self, bao: OpenBao, name: str) -> None:
        keys = OpenBaoKeys(api(bao), mount="elsewhere", key=name)
        for ask in (keys.versions, lambda: keys.unwrap(bytes(3) + b"\1" + KEY, purpose="a"),
                    lambda: keys.wrap(KEY, purpose="a"), keys.rotate):  # fmt: skip
            with pytest.raises(KeyHolderError, match="no transit engine at elsewhere"):
                ask()

    def test_a_missing_key(self, bao: OpenBao, name: str) -> None:
        with pytest.raises(KeyDestroyedError, match="or never there"):
            holder(bao, name).unwrap(bytes(3) + b"\1" + KEY, purpose="a")

    def test_an_address_without_tls(self) -> None:
        with pytest.raises(SettingsError, match="without TLS"):
            Api(Server("http://127.0.0.1:1"), Token(lambda: "x"))

    def test_a_certificate_of_somebody_else(self, bao: OpenBao, name: str) -> None:
        server = Api(Server(bao.address), Token(lambda: "secret-token"))
        with pytest.raises(KeyHolderError, match="not one to trust") as refused:
            OpenBaoKeys(server, mount="transit", key=name).versions()
        assert "secret-token" not in repr(refused.value.args)

    def test_an_hsm_in_the_same_process_does_not_break_the_line(
        self, bao: OpenBao, hsm: SoftHsm, name: str, tmp_path: Path
    ) -> None:
        # SoftHSM leaves an error in OpenSSL's queue when it is loaded, which a process does once.
        secrets = tmp_path / "secrets.json"
        secrets.touch(mode=0o600)
        secrets.write_text(json.dumps([bao.address, str(bao.ca_file), bao.token, hsm.pin]))
        parts = [secrets, hsm.module, hsm.label, name]
        said = subprocess.run(
            [sys.executable, "-c", _BESIDE_AN_HSM, *map(str, parts)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (said.stdout, said.returncode) == ("opened\n", 0), said.stderr[-500:]

    def test_a_file_of_certificates_that_is_not_there(self, bao: OpenBao, tmp_path: Path) -> None:
        server = Api(Server(bao.address, tmp_path / "absent"), Token(lambda: "x"))
        with pytest.raises(SettingsError, match="ca_file"):
            OpenBaoKeys(server, mount="transit", key="x").versions()

    def test_nobody_there_is_asked_four_times(self, name: str) -> None:
        pauses: list[float] = []
        server = Server(f"http://127.0.0.1:{free_port()}", insecure_http=True)
        keys = OpenBaoKeys(
            Api(server, Token(lambda: "secret-token"), sleep=pauses.append),
            mount="transit", key=name,
        )  # fmt: skip
        with pytest.raises(KeyHolderError, match="does not answer") as refused:
            keys.versions()
        assert pauses == [0.1, 0.4, 1.6]
        assert "secret-token" not in repr(refused.value.args)

    def test_a_sealed_server(self, tmp_path: Path) -> None:
        with openbao(tmp_path / "bao") as server:
            keys = OpenBaoKeys.create(api(server), mount="transit", key="hub")
            wrapped = keys.wrap(KEY, purpose="a")
            server.ask("PUT", "sys/seal")
            with pytest.raises(KeyHolderError, match="sealed"):
                keys.unwrap(wrapped, purpose="a")
            server.ask("POST", "sys/unseal", {"key": server.unseal_key})
            assert keys.unwrap(wrapped, purpose="a") == KEY


_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from laennec.vault.openbao import OpenBaoKeys
from laennec.vault.openbao_api import Api, Server, Token
address, ca_file, name = sys.argv[1:]
token = sys.stdin.read()
keys = OpenBaoKeys(Api(Server(address, Path(ca_file)), Token(lambda: token)), mount="transit",
                   key=name)
for _ in range(5):
    keys.rotate()
    print(keys.wrap(bytes(32), purpose="a").hex())
"""


def test_rotations_of_several_processes(bao: OpenBao, name: str, keys: OpenBaoKeys) -> None:
    command = [sys.executable, "-c", _ANOTHER_PROCESS, bao.address, str(bao.ca_file), name]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(bao.token)[0] for process in running]
    wrapped = [bytes.fromhex(line) for output in outputs for line in output.split()]
    assert len(wrapped) == 10
    assert all(keys.unwrap(one, purpose="a") == bytes(32) for one in wrapped)
    assert keys.versions() == tuple(range(1, 12))


@pytest.fixture
def redirecting() -> Iterator[str]:
    """A server that sends whoever asks to another one, as a stolen address could."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_redirect_does_not_take_the_token_along(redirecting: str) -> None:
    server = Api(Server(redirecting, insecure_http=True), Token(lambda: "x"), sleep=lambda _: None)
    with pytest.raises(KeyHolderError, match="another kind"):
        OpenBaoKeys(server, mount="transit", key="x").versions()


def test_nothing_shows_a_secret(bao: OpenBao, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither token nor secret id nor key is in a text, an error or a log, at any level."""
    role, secret = bao.role(name)
    caplog.set_level(0)
    shown: list[str] = []
    for sign_in in (Token(lambda: bao.token), AppRole(role, lambda: secret)):
        client = Api(Server(bao.address, bao.ca_file), sign_in)
        keys = OpenBaoKeys(client, mount="transit", key=name)
        shown += [repr(client), repr(keys), str(vars(sign_in))]
        for ask in (keys.versions, lambda keys=keys: keys.wrap(KEY, purpose="a")):
            try:
                ask()
            except LaennecError as error:
                shown += [repr(error.args), str(error)]
    everything = "\n".join((*shown, caplog.text))
    for hidden in (bao.token, secret, KEY.hex(), base64.b64encode(KEY).decode()):
        assert hidden not in everything
