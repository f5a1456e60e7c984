"""The deployment files name only what there is: commands, options, settings, ports, paths and roles; what can run here, runs."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from custody.cli import main
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.web.app import UPLOAD_BYTES_MAX, create_app
from custody.web.serving import GRACE_S
from custody.web.surroundings import Surroundings
from tests import postgres

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
HOME = "/usr/local/lib/custody"
"""Where the files put custody; on this machine it lies elsewhere."""
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.suffix in {".service", ".timer"})
SETTING = re.compile(r"\bCUSTODY_[A-Z_]+\b")
OF_FILES = frozenset({"CUSTODY_NAME", "CUSTODY_SERVER"})
"""Read by the proxy's own file, from its own environment."""


def texts():
    found = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DEPLOY.rglob("*")) if path.is_file()}
    assert len(found) >= 12
    return found


def check_command(words):
    """That `custody …` is a command with these options and so many arguments; as click itself reads it."""
    command, context = main, click.Context(main)
    words = list(words)
    while isinstance(command, click.Group):
        name = words.pop(0)
        assert name in command.commands, f"custody has no command “{name}”"
        command = command.commands[name]
        context = click.Context(command, parent=context)
    command.make_parser(context).parse_args(words)
    return command


def settings_of_the_code():
    return {name for path in (ROOT / "custody").rglob("*.py") for name in SETTING.findall(path.read_text(encoding="utf-8"))}


# ── what every file names ──


@pytest.mark.parametrize("name", sorted(texts()))
def test_every_setting_that_is_named_is_one(name):
    known = settings_of_the_code() | OF_FILES
    assert {setting for setting in SETTING.findall(texts()[name]) if setting not in known} == set()


def test_settings_for_tests_are_named_nowhere():
    assert [name for name, text in texts().items() if re.search("CUSTODY_WEAK_SECRETS|CUSTODY_INSECURE_COOKIES", text)] == []


def test_settings_that_only_a_server_reads_are_explained():
    assert {"CUSTODY_PROXIES", "CUSTODY_METRICS_TOKEN", "CUSTODY_WANTS_STANDBY"} <= set(SETTING.findall(texts()["deploy/README.md"]))


def test_every_command_in_the_readme_is_one():
    """Behind `custody`, and behind `run … server` of the containers."""
    lines = re.findall(r"(?:\bcustody |\bserver )((?:db|account|ledger|serve)\b[^\n`>“”…()]*)", texts()["deploy/README.md"])
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line.split("#")[0].split("&&")[0])
        check_command([word for word in words if word.isascii()][:3] if words[0] != "serve" else ["serve"])


def test_every_file_that_the_readme_names_is_there():
    named = re.findall(r"`((?:systemd|scripts|docker|caddy)/[\w./@-]*)`", texts()["deploy/README.md"])
    assert len(named) >= 7
    assert [name for name in named if not (DEPLOY / name).exists()] == []


def test_addresses_that_machines_ask_are_routes(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'custody.db'}")
    upgrade(store)
    rules = {rule.rule for rule in create_app(store, None).url_map.iter_rules()}
    store.close()
    asked = {each for text in texts().values() for each in re.findall(r"(?<![\w/])/(?:healthz|readyz|metrics)\b", text)}
    assert asked == {"/healthz", "/readyz", "/metrics"}
    assert asked <= rules
    assert "health_uri /readyz" in texts()["deploy/caddy/Caddyfile"]


# ── systemd ──


def unit(path):
    read = configparser.RawConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    read.optionxform = str
    read.read_string(path.read_text(encoding="utf-8"))
    return read


def commands_of(path):
    service = unit(path)
    return [shlex.split(service["Service"]["ExecStart"])] if service.has_section("Service") else []


def test_units_are_all_there():
    assert [path.name for path in UNITS] == [
        "custody-checkpoint.service",
        "custody-checkpoint.timer",
        "custody-fault@.service",
        "custody-verify.service",
        "custody-verify.timer",
        "custody.service",
    ]


def test_server_unit_runs_a_command_that_is_one_and_waits_longer_than_requests_may_take():
    (words,) = commands_of(DEPLOY / "systemd/custody.service")
    assert words[0] == f"{HOME}/bin/custody"
    check_command(words[1:])
    service = unit(DEPLOY / "systemd/custody.service")["Service"]
    assert int(service["TimeoutStopSec"]) > GRACE_S
    # SIGTERM to all of them at once would be a second order to workers that the first was passed on to.
    assert service["KillMode"] == "mixed"
    assert words[words.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("name", ["verify", "checkpoint"])
def test_timer_names_its_service_and_the_service_its_script_and_its_alarm(name):
    timer = unit(DEPLOY / f"systemd/custody-{name}.timer")
    service = DEPLOY / f"systemd/{timer['Timer']['Unit']}"
    (words,) = commands_of(service)
    script = DEPLOY / Path(words[0]).relative_to(f"{HOME}/deploy")
    assert os.access(script, os.X_OK)
    assert words[1:] == ["/var/lib/custody/checkpoints"]
    alarm = unit(service)["Unit"]["OnFailure"]
    assert (DEPLOY / "systemd" / alarm.replace("%N", "")).is_file()
    assert unit(service)["Service"]["Environment"].startswith(f"PATH={HOME}/bin:")


def test_settings_file_of_the_units_is_read_as_it_stands():
    lines = [line for line in texts()["deploy/systemd/custody.env"].splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    from custody.config import Config

    assert Config.from_environment(given).key_dir == Path("/var/lib/custody/keys")
    assert len(Surroundings.from_environment(given).proxies) == 2
    assert {unit(path)["Service"].get("EnvironmentFile") for path in UNITS if commands_of(path)} == {"/etc/custody/custody.env", None}


def test_systemd_itself_finds_no_fault(tmp_path):
    """Where its tool is: with the programs of this machine in the place of those that would be installed."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        assert all(unit(path).sections() for path in UNITS)  # they are read, at least
        return
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(f"{HOME}/deploy", str(DEPLOY)).replace(f"{HOME}/bin/custody", sys.executable)
        (tmp_path / path.name).write_text(text.replace("/usr/bin/logger", sys.executable), encoding="utf-8")
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    names = [str(tmp_path / path.name) for path in UNITS if "@" not in path.name]
    done = subprocess.run([tool, "verify", "--man=no", *names], env=environment, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "custody" in line]
    assert (done.returncode, said) == (0, [])


# ── what the timers run ──


@pytest.fixture
def place(tmp_path):
    """A new record, and the environment in which the timers would prove it."""
    url = f"sqlite:///{tmp_path / 'custody.db'}"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "custody").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m custody.cli "$@"\n', encoding="utf-8")
    (programs / "custody").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTODY_")}
    environment |= {"CUSTODY_DATABASE_URL": url, "CUSTODY_KEY_DIR": str(tmp_path / "keys"), "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    store = open_store(url)
    upgrade(store)
    store.close()

    def run(script, *arguments):
        command = ["/bin/sh", str(DEPLOY / "scripts" / script), *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_checkpoint_is_written_and_the_record_proved_against_it(place, tmp_path):
    folder = tmp_path / "checkpoints"
    alone = place("verify", folder)
    assert (alone.returncode, "no checkpoint lies in" in alone.stderr) == (1, True)
    assert place("checkpoint", folder).returncode == 0
    (written,) = folder.iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z\.checkpoint", written.name)
    proved = place("verify", folder)
    assert (proved.returncode, "the record proves itself" in proved.stdout) == (0, True), proved.stderr
    # The newest one counts, and one that nobody signed is a failure.
    (folder / "99991231T235959Z.checkpoint").write_text(written.read_text().replace("\n0\n", "\n7\n"), encoding="utf-8")
    assert place("verify", folder).returncode != 0


# ── containers ──


def instructions():
    """The Dockerfile's instructions, in order, with their lines joined."""
    text = texts()["deploy/docker/Dockerfile"].replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_image_is_built_from_files_that_are_there_and_sent(tmp_path):
    sent = {line.removeprefix("!") for line in texts()["deploy/docker/Dockerfile.dockerignore"].splitlines() if line.startswith("!")}
    copied = [word for name, rest in instructions() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]]
    assert set(copied) == sent
    for name in copied:
        place = ROOT / name
        assert place.exists(), name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, tmp_path / name)
    # What is copied is enough to build custody from.
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert built.returncode == 0, built.stderr
    assert list((tmp_path / "dist").glob("custody-*.whl"))


def test_image_runs_the_server_as_nobody_special():
    said = dict(instructions()[-9:])
    assert said["USER"] == "custody"
    entry, command = yaml.safe_load(said["ENTRYPOINT"]), yaml.safe_load(said["CMD"])
    assert entry == ["custody"]
    check_command(command)
    assert command[command.index("--port") + 1] == said["EXPOSE"]
    assert f"127.0.0.1:{said['EXPOSE']}/readyz" in said["HEALTHCHECK"]
    asks = yaml.safe_load(said["HEALTHCHECK"].partition("CMD ")[2])
    compile(asks[2], "healthcheck", "exec")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(texts()["deploy/docker/compose.yaml"])


def test_composed_services_name_what_there_is(compose):
    here = DEPLOY / "docker"
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (here / source).is_file(), f"{name}: {volume}"
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert set(service.get("networks", ())) <= set(compose["networks"])
        for other, wanted in service.get("depends_on", {}).items():
            ends = compose["services"][other].get("restart") == "no"
            assert wanted["condition"] == ("service_completed_successfully" if ends else "service_healthy")
    build = compose["services"]["tables"]["build"]
    assert (here / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_composed_commands_are_commands(compose):
    server, tables = compose["services"]["server"], compose["services"]["tables"]
    check_command(server["command"])
    assert re.search(r"exec custody (.*)$", tables["entrypoint"][2])[1] == "db upgrade"
    assert 'exec custody "$$@"' in server["entrypoint"][2]
    assert int(server["stop_grace_period"].removesuffix("s")) > GRACE_S
    for service in (server, tables):
        script = service["entrypoint"][2].replace("$$", "$")
        assert subprocess.run(["/bin/sh", "-n", "-c", script], check=False).returncode == 0


def test_password_reaches_the_server_and_its_signals_too(compose, tmp_path):
    """The line that the container starts with, run here: custody takes the shell's place, with the password and all arguments."""
    (tmp_path / "server_password").write_text("from a file\n", encoding="utf-8")
    (tmp_path / "custody").write_text('#!/bin/sh\necho "$$ [$PGPASSWORD] $*"\n', encoding="utf-8")
    (tmp_path / "custody").chmod(0o755)
    shell, options, line, name = compose["services"]["server"]["entrypoint"]
    line = line.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    started = subprocess.Popen(
        [shell, options, line, name, "ledger", "verify"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, stdout=subprocess.PIPE, text=True
    )
    said, _ = started.communicate(timeout=10)
    assert said == f"{started.pid} [from a file] ledger verify\n"


def test_only_the_proxy_is_reached_from_outside_and_only_it_is_believed(compose):
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    address = services["proxy"]["networks"]["front"]["ipv4_address"]
    given = services["server"]["environment"] | {"CUSTODY_METRICS_TOKEN": ""}
    (believed,) = Surroundings.from_environment(given).proxies
    assert str(believed) == f"{address}/32"
    from ipaddress import ip_address, ip_network

    (net,) = compose["networks"]["front"]["ipam"]["config"]
    assert ip_address(address) in ip_network(net["subnet"])
    assert ip_address(address) not in ip_network(net["ip_range"])
    assert ip_network(net["ip_range"]).subnet_of(ip_network(net["subnet"]))
    host, port = services["proxy"]["environment"]["CUSTODY_SERVER"].split(":")
    assert (host in services, port) == (True, services["server"]["command"][services["server"]["command"].index("--port") + 1])
    assert compose["networks"]["back"]["internal"] is True


def test_owners_password_is_given_to_no_server(compose):
    services = compose["services"]
    assert services["server"]["secrets"] == ["server_password"]
    assert "CUSTODY_DATABASE_OWNER_URL" not in services["server"]["environment"]
    assert services["tables"]["secrets"] == ["owner_password"]


@pytest.mark.postgresql
def test_roles_are_made_as_the_container_makes_them_and_the_server_may_only_add(compose, tmp_path):
    """`roles.sh` by psql on a new cluster, then the two commands of the compose file, and what `custody db check` says."""
    from click.testing import CliRunner

    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for role in ("owner", "server"):
        (secrets / f"{role}_password").write_text(f'the {role}\'s "own"\n', encoding="utf-8")
    with postgres.running() as server:
        found = postgres.binaries()
        path = f"{found}:{os.environ['PATH']}"
        environment = {"PATH": path, "PGHOST": str(server.folder), "POSTGRES_USER": postgres.ACCOUNT, "SECRETS": str(secrets)}
        made = subprocess.run(["/bin/sh", str(DEPLOY / "docker/roles.sh")], env=environment, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        urls = {
            name: f"{compose['services']['tables']['environment'][name].replace('@db/', '@/')}?host={server.folder}"
            for name in ("CUSTODY_DATABASE_URL", "CUSTODY_DATABASE_OWNER_URL")
        }
        upgraded = CliRunner(env=urls | {"CUSTODY_KEY_DIR": str(tmp_path)}).invoke(main, ["db", "upgrade"])
        assert upgraded.exit_code == 0, upgraded.output
        checked = CliRunner(env=urls | {"CUSTODY_KEY_DIR": str(tmp_path)}).invoke(main, ["db", "check"])
        assert "custody may add, and change nothing" in checked.output
        # The tests' own server never waits for its disk, and that alone is wrong with it.
        assert re.findall(r"(?m)^WRONG +(\S+)", checked.output) == ["fsync"]


# ── the proxy ──


def test_proxy_passes_on_to_the_server_and_never_the_counts():
    text = texts()["deploy/caddy/Caddyfile"]
    assert text.count("{") == text.count("}")
    port = commands_of(DEPLOY / "systemd/custody.service")[0]
    assert f"reverse_proxy {{$CUSTODY_SERVER:127.0.0.1:{port[port.index('--port') + 1]}}}" in text
    assert "tls internal" in text
    assert re.search(r"@inside path /metrics /metrics/\*\n\s*respond @inside 404", text)
    # A file that custody would take reaches it.
    assert int(re.search(r"max_size (\d+)MB", text)[1]) * 1_000_000 > UPLOAD_BYTES_MAX * 0.98


def test_shell_files_are_read_by_a_shell():
    for path in (DEPLOY / "scripts/verify", DEPLOY / "scripts/checkpoint", DEPLOY / "docker/roles.sh"):
        assert subprocess.run(["/bin/sh", "-n", str(path)], check=False).returncode == 0
        assert os.access(path, os.X_OK), path
