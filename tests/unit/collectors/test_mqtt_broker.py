"""Collectors as processes of their own, in front of a real broker.

They are killed at random moments: nothing that the broker took may be missing.
"""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from broker import Broker, Listening, Platform, StartBroker, wait_until

from lrtzc_pipelines.cli import app
from lrtzc_pipelines.collectors.spool import CURRENT, REFUSED, sealed_files
from lrtzc_pipelines.parsers.uplinks import parse_uplinks

DEVICE = "70b3d57ed0000a01"
TOPIC = f"application/1/device/{DEVICE}/event/up"
SPARE_TOPIC = f"v3/lrtzc@ttn/devices/{DEVICE}/up"
MakePlatform = Callable[..., Platform]


def uplink(n: int) -> bytes:
    return json.dumps(
        {
            "deduplicationId": f"uplink-{n}",
            "time": "2026-01-02T03:04:05Z",
            "deviceInfo": {"devEui": DEVICE},
            "fCnt": n,
            "object": {"temperature": 20},
            "rxInfo": [],
        }
    ).encode()


@contextmanager
def publisher(broker: Broker, **options: Any) -> Iterator[mqtt.Client]:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    if "user" in options:
        client.username_pw_set(options["user"], options["password"])
    if "ca" in options:
        client.tls_set(str(options["ca"]))
    client.connect("localhost", broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def publish(client: mqtt.Client, payload: bytes, topic: str = TOPIC) -> None:
    """Returns once the broker says that it has the message."""
    client.publish(topic, payload, qos=1).wait_for_publish(20)


def written(place: Platform) -> list[str]:
    """Ids of the uplinks in the spool, repeats included, in the order they came."""
    files = [sealed.path for sealed in sealed_files(place.spool)]
    current = place.spool / CURRENT
    whole = [path.read_bytes() for path in [*files, current] if path.exists()]
    # The last line may be half written at this moment.
    bodies = [body[: body.rfind(b"\n") + 1] for body in whole]
    return [
        name for body in bodies for name in parse_uplinks(body, "x")["deduplication_id"]
    ]


def ended(listening: Listening, seconds: float = 10.0) -> int:
    return listening.process.wait(seconds)


def test_messages_are_written_and_a_signal_ends_it_cleanly(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    listening = place.listen()
    listening.wait_for("connected")
    with publisher(broker) as client:
        for n in range(50):
            publish(client, uplink(n))
    wait_until(lambda: len(written(place)) == 50)
    started = time.monotonic()
    listening.process.send_signal(signal.SIGTERM)
    assert ended(listening) == 0
    assert time.monotonic() - started < 5
    assert "50 messages written, 0 kept apart" in listening.said
    assert written(place) == [f"uplink-{n}" for n in range(50)]


def test_what_was_acknowledged_does_not_come_again(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    listening = place.listen()
    listening.wait_for("connected")
    with publisher(broker) as client:
        for n in range(30):
            publish(client, uplink(n))
        wait_until(lambda: len(written(place)) == 30)
        listening.process.send_signal(signal.SIGTERM)
        assert ended(listening) == 0
        # Published while nobody listens: the broker keeps it for the session.
        publish(client, uplink(30))
    again = place.listen()
    again.wait_for("connected")
    wait_until(lambda: len(written(place)) >= 31)
    again.process.send_signal(signal.SIGTERM)
    assert ended(again) == 0
    assert written(place) == [f"uplink-{n}" for n in range(31)]


def test_no_message_is_lost_when_the_collector_is_killed_at_random_moments(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    first = place.listen()
    first.wait_for("connected")
    taken: list[int] = []
    over = threading.Event()

    def publish_on() -> None:
        with publisher(broker) as client:
            for n in itertools.count():
                if over.is_set():
                    return
                publish(client, uplink(n))
                taken.append(n)

    thread = threading.Thread(target=publish_on)
    thread.start()
    moments = random.Random(2040)
    kills = 6
    try:
        for _ in range(kills):
            listening = place.started[-1]
            listening.wait_for("connected")
            time.sleep(moments.uniform(0, 0.4))
            listening.process.kill()
            assert ended(listening) == -signal.SIGKILL
            place.listen()
    finally:
        over.set()
        thread.join()
    assert len(taken) > 100
    expected = {f"uplink-{n}" for n in taken}
    wait_until(lambda: set(written(place)) >= expected)
    last = place.started[-1]
    last.process.send_signal(signal.SIGTERM)
    assert ended(last) == 0
    assert set(written(place)) == expected


def test_a_broker_that_is_away_is_waited_for(
    start_broker: StartBroker, platform: MakePlatform, tmp_path: Path
) -> None:
    keeps = ("persistence true", f"persistence_location {tmp_path}/")
    broker = start_broker(*keeps)
    place = platform(broker.url)
    listening = place.listen()
    listening.wait_for("connected")
    broker.process.terminate()
    broker.process.wait()
    listening.wait_for("connection lost")
    again = start_broker(*keeps, port=broker.port)
    wait_until(lambda: listening.said.count(": connected") == 2)
    with publisher(again) as client:
        publish(client, uplink(1))
    wait_until(lambda: written(place) == ["uplink-1"])
    assert "forgot our session" not in listening.said


def test_a_broker_that_forgot_the_session_is_told(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    listening = platform(broker.url).listen()
    listening.wait_for("connected")
    broker.process.kill()
    broker.process.wait()
    start_broker(port=broker.port)
    listening.wait_for("forgot our session")


def test_what_is_too_large_or_no_uplink_is_kept_apart_and_the_rest_goes_on(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    listening = place.listen()
    listening.wait_for("connected")
    with publisher(broker) as client:
        for payload in (
            b"",
            b"\xff\xfe",
            b"not JSON",
            b'{"temperature": 20}',
            b"[" * 50_000,
            b"x" * 70_000,
            uplink(1),
        ):
            publish(client, payload)
        publish(client, uplink(2), SPARE_TOPIC)
    wait_until(lambda: len(written(place)) == 2)
    listening.process.send_signal(signal.SIGTERM)
    assert ended(listening) == 0
    assert "2 messages written, 6 kept apart" in listening.said
    reasons = {
        json.loads(path.read_text())["reason"]
        for path in (place.spool / REFUSED).iterdir()
    }
    assert "70000 bytes, more than 64 kB" in reasons
    assert len(list((place.spool / REFUSED).iterdir())) == 6


def test_other_topics_are_not_listened_to(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    listening = place.listen()
    listening.wait_for("connected")
    with publisher(broker) as client:
        publish(client, uplink(1), f"application/1/device/{DEVICE}/event/join")
        publish(client, uplink(2), TOPIC)
    wait_until(lambda: written(place) == ["uplink-2"])
    assert listening.process.poll() is None


def test_a_second_collector_of_the_same_name_is_refused(
    start_broker: StartBroker, platform: MakePlatform
) -> None:
    broker = start_broker()
    place = platform(broker.url)
    place.listen().wait_for("connected")
    second = place.listen()
    assert ended(second, 30) == 75
    assert "already running" in second.said


def passwords(folder: Path, password: str) -> list[str]:
    import hashlib
    from base64 import b64encode

    salt = b"sel-invente!"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    path = folder / "passwords"
    entry = f"$7$101${b64encode(salt).decode()}${b64encode(digest).decode()}"
    path.write_text(f"capteurs:{entry}\n")
    path.chmod(0o600)
    return ["allow_anonymous false", f"password_file {path}"]


def test_user_and_password_let_it_in(
    start_broker: StartBroker, platform: MakePlatform, tmp_path: Path
) -> None:
    broker = start_broker(*passwords(tmp_path, "s3cret:x"))
    place = platform(broker.url, key="capteurs:s3cret:x")
    place.listen().wait_for("connected")
    with publisher(broker, user="capteurs", password="s3cret:x") as client:
        publish(client, uplink(1))
    wait_until(lambda: written(place) == ["uplink-1"])


def test_a_wrong_password_ends_it_and_is_not_shown(
    start_broker: StartBroker, platform: MakePlatform, tmp_path: Path
) -> None:
    broker = start_broker(*passwords(tmp_path, "right"))
    listening = platform(broker.url, key="capteurs:wr0ng").listen()
    assert ended(listening, 30) == 2
    assert "LRTZC_SECRET__LORAWAN_BROKER" in listening.said
    assert "wr0ng" not in listening.said


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key, for a host name."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert} "
        f"-subj /CN={name} -addext subjectAltName=DNS:{name}"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl that makes certificates")
    return cert, key


def test_a_broker_is_spoken_to_over_tls(
    start_broker: StartBroker, platform: MakePlatform, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path, "localhost")
    broker = start_broker(f"certfile {cert}", f"keyfile {key}", scheme="mqtts")
    place = platform(broker.url, SSL_CERT_FILE=str(cert))
    place.listen().wait_for("connected")
    with publisher(broker, ca=cert) as client:
        publish(client, uplink(1))
    wait_until(lambda: written(place) == ["uplink-1"])


def test_a_certificate_that_nobody_vouches_for_ends_it(
    start_broker: StartBroker, platform: MakePlatform, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path, "localhost")
    broker = start_broker(f"certfile {cert}", f"keyfile {key}", scheme="mqtts")
    listening = platform(broker.url).listen()
    assert ended(listening, 30) == 2
    assert "certificate" in listening.said


def test_a_broker_that_is_not_there_is_no_reason_to_end(
    platform: MakePlatform,
) -> None:
    listening = platform("mqtt://127.0.0.1:1").listen()
    listening.wait_for("no connection")
    listening.process.send_signal(signal.SIGTERM)
    assert ended(listening) == 0


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("https://broker.example/", "", "not an mqtt(s) address"),
        ("mqtt://broker.example", "user:word", "not sent without TLS"),
    ],
)
def test_an_address_that_cannot_serve_is_refused(
    platform: MakePlatform, url: str, key: str, said: str
) -> None:
    listening = platform(url, key=key).listen()
    assert ended(listening, 30) == 2
    assert said in listening.said


def test_an_unknown_collector_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lrtzc", "listen", "nothing"])
    assert app.main() == 2
    assert "unknown collector: nothing (known: lorawan)" in capsys.readouterr().err
