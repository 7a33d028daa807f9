"""The attacks. Each is one function that returns whether AnonChat withstood it, and a sentence about what was measured.

An attack has limits on its time and on what it sends. It talks only to a node of its own, so that no attack disturbs
another. `run.py` runs the attacks.
"""

import http.client
import os
import re
import secrets
import socket
import stat
import struct
import subprocess
import threading
import time
import urllib.request

from client import HEAVY, PASSWORD, Person, Socket, address, in_parallel, letter, letters, token

ATTACKS = []
HERE = os.path.dirname(os.path.abspath(__file__))


def attack(settings=None):
    """Registers an attack that needs a node with these settings."""

    def register(function):
        ATTACKS.append((function, settings or {}))
        return function

    return register


def speak(people, code, text, seconds=None, enough=None):
    """All people send `text` as fast as they may, for `seconds` or until `enough` were accepted. Returns the number
    accepted.
    """
    taken, until = [0], time.time() + (seconds or 60)

    def talk(number):
        while time.time() < until and (enough is None or taken[0] < enough):
            status, answer, _ = people[number].say(code, text)
            if status == 200:
                taken[0] += 1
            else:
                time.sleep(min(0.2, (answer or {}).get("retry_after_ms", 200) / 1000))

    in_parallel(talk, len(people))
    return taken[0]


def crowd(node, code, count):
    """Creates up to `count` guests of one client and lets them join a room."""
    people = []
    for number in range(count):
        guest = Person(node)
        if guest.join(code, f"g{number}")[0] == 200:
            people.append(guest)
    return people


@attack()
def one_client_cannot_fill_the_disk(node):
    """A hundred guests of one address write as much as they can into one preserved room."""
    owner = Person(node)
    code = owner.create(preserve=True)["room"]["code"]
    people = [owner, *crowd(node, code, 100)]
    first = speak(people, code, HEAVY, seconds=25) * len(HEAVY.encode())
    later = speak(people, code, HEAVY, seconds=10) * len(HEAVY.encode())
    return later < 4_000_000, f"{first / 1e6:.0f} MB were taken in 25 s, {later / 1e6:.1f} MB in the 10 s after"


@attack()
def ephemeral_rooms_do_not_fill_the_memory(node):
    """An account creates ephemeral rooms, fills each with a thousand messages of the maximum size, and holds no
    connection.
    """
    account = Person(node)
    account.register(address("eve"))
    sizes = []
    for _ in range(4):
        code = account.create()["room"]["code"]
        speak([account, *crowd(node, code, 20)], code, HEAVY, enough=1000)
        sizes.append(node.memory())
    a_room = (sizes[-1] - sizes[0]) / 3
    return a_room < 8, f"{a_room:.0f} MiB more for each room, at {sizes[-1]} MiB"


@attack()
def sockets_that_never_read_are_closed(node):
    """One guest opens sockets, requests megabytes on each, reads nothing, and keeps answering pings."""
    owner = Person(node)
    code = owner.create(preserve=True)["room"]["code"]
    speak([owner, *crowd(node, code, 13)], code, HEAVY, enough=320)
    snapshot = owner.room(code)
    before, held = node.memory(), []
    for _ in range(60):
        reader = owner.socket(receive_buffer=4096)
        if reader.status != 101:
            continue
        try:
            reader.send({"subscribe": {"code": code, "epoch": snapshot["epoch"], "after": snapshot["head"] - 245}})
        except OSError:
            pass
        held.append(reader)
    grown = node.memory() - before
    until = time.time() + 75
    while time.time() < until and node.open_connections([one.connection for one in held]):
        time.sleep(5)
        for one in held:
            try:
                one.pong()
            except OSError:
                pass
    left = node.open_connections([one.connection for one in held])
    return grown < 60 and left == 0, f"{grown} MiB for 60 sockets, {left} open after 75 s"


@attack()
def empty_fragments_stop_nobody(node):
    """One socket sends a message that consists of endless empty fragments, as fast as it can."""
    eve = Person(node)
    eve.create()
    flood, closed = eve.socket(), threading.Event()
    empty = b"\x00\x80\x00\x00\x00\x00" * 20000

    def send():
        try:
            flood.connection.sendall(Socket.frame(1, b"", fin=False))
            until = time.time() + 12
            while time.time() < until:
                flood.connection.sendall(empty)
        except OSError:
            closed.set()

    sender = threading.Thread(target=send)
    sender.start()
    slowest = 0
    for _ in range(20):
        start = time.time()
        Person(node, "127.0.0.9").ask("GET", "/healthz")
        slowest = max(slowest, time.time() - start)
        time.sleep(0.1)
    sender.join()
    return closed.is_set() and slowest < 1, f"closed: {closed.is_set()}; /healthz took {slowest * 1000:.0f} ms at most"


@attack()
def half_requests_are_not_held(node):
    """Requests whose headers or bodies never end."""
    held = []
    for number in range(200):
        connection = socket.create_connection(("127.0.0.1", node.port))
        if number % 2:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
        else:
            connection.sendall(
                b"POST /api/rooms/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
        held.append(connection)
    until = time.time() + 40
    while time.time() < until and node.open_connections(held):
        time.sleep(1)
    left = node.open_connections(held)
    return left == 0, f"{left} of 200 open after {40 - max(0, until - time.time()):.0f} s"


@attack()
def one_client_does_not_take_every_connection(node):
    """One address opens as many connections as it gets. Then another client sends a request."""
    held = []
    try:
        for _ in range(3000):
            connection = socket.create_connection(("127.0.0.1", node.port), timeout=3)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
            held.append(connection)
    except OSError:
        pass
    start = time.time()
    status = Person(node, "127.0.0.9").ask("GET", "/healthz", timeout=10)[0]
    took = time.time() - start
    opened = node.open_connections(held)
    for connection in held:
        connection.close()
    return status == 200 and took < 2, f"{opened} were held; another client was answered {status} after {took * 1000:.0f} ms"


@attack()
def a_guest_has_few_sockets(node):
    """One guest opens a hundred sockets."""
    eve = Person(node)
    eve.create()
    sockets = [one for one in (eve.socket() for _ in range(100)) if one.status == 101]
    until = time.time() + 20
    while time.time() < until and node.open_connections([one.connection for one in sockets]) > 10:
        time.sleep(0.5)
    left = node.open_connections([one.connection for one in sockets])
    return left <= 10, f"{left} are open after {20 - max(0, until - time.time()):.0f} s"


@attack()
def renames_are_metered_like_messages(node):
    """An owner renames a room as fast as the store accepts it."""
    eve = Person(node)
    code = eve.create(preserve=True)["room"]["code"]
    until, taken = time.time() + 5, [0]

    def rename(number):
        count = 0
        while time.time() < until:
            count += 1
            name = f"x{number}-{count}"
            taken[0] += eve.ask("PUT", "/api/rooms/name", {"code": code, "name": name})[0] == 204

    in_parallel(rename, 8)
    return taken[0] <= 20 + 5 * 6, f"{taken[0]} renames in 5 s"


@attack()
def settings_are_metered(node):
    """An account changes its preferences, and mutes and preserves a room, as fast as the store accepts it."""
    eve = Person(node)
    eve.register(address("eve"))
    code = eve.create()["room"]["code"]
    taken = {}
    for what, path, body in (
        ("preferences", "/api/users/preferences", lambda n: {"show_read": n % 2 == 0}),
        ("mute", "/api/rooms/mute", lambda n: {"code": code, "muted": n % 2 == 0}),
        ("preserve", "/api/rooms/preserve", lambda n: {"code": code, "preserve": n % 2 == 0}),
    ):
        # A change to the present value succeeds without changing anything, so only real changes are counted.
        last, taken[what] = None, 0
        for number in range(300):
            if eve.ask("PUT", path, body(number))[0] < 300:
                taken[what] += last != number % 2
                last = number % 2
    return max(taken.values()) < 60, f"changes of 300 tries each: {taken}"


@attack()
def a_message_does_not_make_pages_dear(node):
    """Messages are crafted to make the search for links in them expensive."""
    eve = Person(node)
    times = []
    for text in ("word " * 799, "a._" * 1333):
        code = eve.create(preserve=True)["room"]["code"]
        while speak([eve], code, text, enough=32, seconds=20) < 32:
            pass
        cost = []
        for _ in range(7):
            start = node.cpu()
            for _ in range(5):
                eve.ask("GET", f"/rooms/{code}", headers={"Accept": "text/html"})
            cost.append(node.cpu() - start)
        times.append(sorted(cost)[3] / 5 * 1000)
        eve.ask("POST", "/api/rooms/leave", {"code": code})
    return times[1] < 4 * max(times[0], 2), f"{times[0]:.0f} ms of CPU for plain words, {times[1]:.0f} ms for the others"


@attack()
def codes_are_not_guessed_from_many_clients(node):
    """Forty clients request login codes for one account, and each then guesses codes."""
    victim = address("victim")
    Person(node).register(victim, "Victim")
    asked = [0]

    def guess(number):
        eve = Person(node, f"127.0.3.{number + 2}")
        for _ in range(3):
            if eve.ask("POST", "/api/auth/code", {"email": victim})[0] == 204:
                asked[0] += 1
            for _ in range(5):
                eve.ask("POST", "/api/auth/login-code", {"email": victim, "code": f"{secrets.randbelow(10**6):06}"})

    in_parallel(guess, 40)
    time.sleep(1)
    sent = sum("code" in subject.lower() for _, subject, _ in letters(node, victim))
    return sent <= 15, f"{asked[0]} codes were asked for, {sent} were sent"


@attack()
def nobody_voids_a_link_for_a_new_password(node):
    """Strangers request new passwords for an address after its owner did."""
    ada = address("ada")
    Person(node).register(ada, "Ada")
    letter(node, ada, 1)
    home = Person(node, "127.0.0.2")
    home.ask("POST", "/api/auth/forgot-password", {"email": ada})
    link = token(letter(node, ada, 2))
    for number in range(20):
        Person(node, f"127.0.6.{number + 1}").ask("POST", "/api/auth/forgot-password", {"email": ada})
    time.sleep(1)
    status, answer, _ = home.ask(
        "POST", "/api/auth/reset-password", {"token": link, "new_password": "seven orange bottles"}
    )
    return status == 204, f"the reader’s link: {status} {(answer or {}).get('code', '')}"


@attack()
def who_confirms_an_address_ends_a_strangers_access(node):
    """A stranger registers Ada's address. Ada confirms the newest of two mails that look the same."""
    ada_mail = address("ada")
    ada, eve = Person(node, "127.0.0.2"), Person(node, "127.0.0.66")
    ada.register(ada_mail, "Ada", "seven orange bottles")
    letter(node, ada_mail, 1)
    eve.register(ada_mail, "Ada")
    ada.ask("POST", "/api/auth/verify", {"token": token(letter(node, ada_mail, 2))})
    session = eve.ask("GET", "/api/users/me")[0]
    password = Person(node, "127.0.0.67").log_in(ada_mail)[0]
    return session == 401 and password == 401, f"the stranger’s session: {session}, password: {password}"


@attack()
def a_link_does_not_hang_a_strangers_guest_on_a_person(node):
    """Eve, a guest, writes messages and has the link that keeps her room mailed to herself. She gives it to Victim, who
    logs in with it.
    """
    eve_mail, victim_mail = address("eve"), address("victim")
    Person(node, "127.0.0.2").register(victim_mail, "Victim")
    eve = Person(node, "127.0.0.66")
    code = eve.create(preserve=True, nickname="Victim")["room"]["code"]
    eve.say(code, "I did it, and I am proud of it.")
    eve.ask("POST", "/api/rooms/keep", {"code": code, "email": eve_mail})
    link = token(letter(node, eve_mail, 1))
    victim = Person(node, "127.0.0.2")
    form = {"email": victim_mail, "password": PASSWORD, "keep": link, "next": "/dashboard"}
    victim.ask("POST", "/api/ui/log_in", form=form, headers={"Accept": "text/html"})
    in_room = victim.ask("GET", f"/api/rooms/{code}")[0]
    data = victim.ask("GET", "/api/users/me/data")[1]
    said = [message for message in data["messages"] if "proud" in str(message)]
    return in_room != 200 and not said, f"the room answers the victim {in_room}, who said {len(said)} of Eve’s messages"


@attack({"GUEST_GRACE_SECONDS": "2"})
def a_place_in_a_room_for_two_is_kept(node):
    """Bob loses the network. Eve, who overheard the code, tries to take his place and read the messages."""
    ada, bob, eve = Person(node), Person(node, "127.0.0.2"), Person(node, "127.0.0.66")
    code = ada.create("p2p", True, "Ada")["room"]["code"]
    bob.join(code, "Bob")
    watching, leaving = ada.socket(), bob.socket()
    for one in (watching, leaving):
        one.send({"subscribe": {"code": code}})
        one.until("snapshot")
    ada.say(code, "only for Bob")
    leaving.close()
    got_in, until = False, time.time() + 8
    while time.time() < until and not got_in:
        watching.receive(0.5)
        got_in = eve.join(code, "Eve")[0] == 200
    back = bob.join(code, "Bob")[0]
    return not got_in and back == 200, f"Eve got in: {got_in}; Bob comes back: {back}"


@attack({"PUBLIC_URL": "https://chat.example"})
def only_the_public_address_opens_sockets(node):
    """Pages of other origins open sockets, among them the same host without TLS."""
    eve = Person(node)
    eve.ask("POST", "/api/rooms/create", {"type": "group"}, headers={"Host": "chat.example"})
    cookie, statuses = eve.cookie(), {}
    origins = ("http://chat.example", "http://chat.example:80", "https://chat.example:8443", "https://chat.example.evil", "null")
    for origin in origins:
        statuses[origin] = Socket(node, cookie, origin=origin, host="chat.example").status
    own = Socket(node, cookie, origin="https://chat.example", host="chat.example").status
    strict = eve.ask("GET", "/", headers={"Host": "chat.example"})[2].get("strict-transport-security", "")
    held = set(statuses.values()) == {403} and own == 101 and "max-age" in strict
    return held, f"own origin {own}, others {statuses}, HSTS {strict!r}"


@attack()
def one_mailbox_is_not_flooded(node):
    """Ten clients request mails to one mailbox, also with tags and with other spellings of its host."""
    mallory = address("mallory")
    Person(node).register(mallory, "Ada")
    local, host = mallory.split("@")
    spellings = (mallory, f"{local}@\uff45xample.org", f"{local}@EXAMPLE.org", f"{local}+a@example.org", f"{local}+b@example.org")

    def ask(number):
        eve = Person(node, f"127.0.1.{number + 2}")
        for spelling in spellings:
            for _ in range(3):
                eve.ask("POST", "/api/auth/forgot-password", {"email": spelling})
                Person(node, eve.source).register(spelling, "Pay 50 to DE89 3704 0044 0532")

    in_parallel(ask, 10)
    time.sleep(4)
    mine = [text for to, _, text in letters(node) if to.split("@")[0].split("+")[0] == local]
    orders = sum("DE89" in text for text in mine)
    return len(mine) <= 25 and not orders, f"{len(mine)} mails came, {orders} with the name that is a payment order"


@attack({"PROXY_HOPS": "1"})
def one_network_does_not_guess_room_codes(node):
    """A /48 network of IPv6 tries room codes, each from another /64."""
    answers = {}
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for number in range(1500):
        code = "".join(secrets.choice(alphabet) for _ in range(6))
        headers = {"X-Forwarded-For": f"2001:db8:7:{number:x}::1"}
        status = Person(node).ask("POST", "/api/rooms/join", {"code": code}, headers=headers)[0]
        answers[status] = answers.get(status, 0) + 1
    return answers.get(404, 0) <= 700, f"answers: {answers} (404 is a code that was judged)"


@attack({"PROXY_HOPS": "1"})
def people_behind_a_proxy_that_writes_ports_are_told_apart(node):
    """Behind a proxy, one client guesses codes. The others can still join, however the proxy writes their address."""
    for number in range(15):
        headers = {"X-Forwarded-For": f"203.0.113.7:{1111 + number}"}
        Person(node).ask("POST", "/api/rooms/join", {"code": f"0000{number:02}"}, headers=headers)
    code = Person(node).ask(
        "POST", "/api/rooms/create", {"type": "group"}, headers={"X-Forwarded-For": "198.51.100.1:5"}
    )[1]["room"]["code"]
    answers = {}
    for forwarded in ("198.51.100.9:2222", "[2001:db8::1]:443", "[2001:db8::2]", "198.51.100.10", "2001:db8::3"):
        answers[forwarded] = Person(node).ask(
            "POST", "/api/rooms/join", {"code": code}, headers={"X-Forwarded-For": forwarded}
        )[0]
    return set(answers.values()) == {200}, str(answers)


@attack()
def cheap_questions_do_not_pull_floods(node):
    """One socket requests all missed events again and again, and reads the answers."""
    eve = Person(node)
    code = eve.create(preserve=True)["room"]["code"]
    speak([eve, *crowd(node, code, 13)], code, HEAVY, enough=300)
    snapshot = eve.room(code)
    reader = eve.socket()
    question = {"subscribe": {"code": code, "epoch": snapshot["epoch"], "after": max(0, snapshot["head"] - 249)}}
    got, until = [0], time.time() + 10

    def read():
        reader.connection.settimeout(1)
        while time.time() < until:
            try:
                piece = reader.connection.recv(1 << 20)
            except TimeoutError:
                continue
            except OSError:
                return
            if not piece:
                return
            got[0] += len(piece)

    reading = threading.Thread(target=read)
    reading.start()
    while time.time() < until:
        try:
            reader.send(question)
        except OSError:
            break
        time.sleep(0.02)
    reading.join()
    return got[0] < 60e6, f"{got[0] / 1e6:.0f} MB in 10 s"


@attack()
def http2_in_clear_holds_nothing(node):
    """HTTP/2 without TLS (by prior knowledge), which would allow streams with closed windows."""
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=5)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
    try:
        answer = connection.recv(64)
    except OSError:
        answer = b""
    is_http2 = len(answer) >= 9 and answer[3] == 4
    streams = None
    if is_http2:
        for start in range(9, 9 + int.from_bytes(answer[:3], "big"), 6):
            name, value = struct.unpack(">HI", answer[start : start + 6])
            streams = value if name == 3 else streams
    held = not is_http2 or (streams is not None and streams <= 32)
    return held, f"HTTP/2 is {'on' if is_http2 else 'off'}, streams: {streams}"


@attack()
def a_removed_account_sees_nothing_more(node):
    """An account with the list and the room open is removed, and the owner continues to write."""
    owner, other = Person(node, "127.0.0.2"), Person(node, "127.0.0.3")
    owner.register(address("owner"))
    other.register(address("other"))
    leaks = 0
    for number in range(8):
        code = owner.create(preserve=number % 2 == 0)["room"]["code"]
        member = other.join(code, "Other")[1]["you"]["member_id"]
        watching, following = other.socket(), other.socket()
        watching.send({"watch": {}})
        watching.until("rooms", 3)
        following.send({"subscribe": {"code": code}})
        following.until("snapshot", 3)
        assert owner.ask("POST", "/api/rooms/kick", {"code": code, "member_id": member})[0] == 204
        for _ in range(4):
            owner.say(code, "after the removal")
            time.sleep(0.03)
        until = time.time() + 1
        while time.time() < until:
            leaks += "after the removal" in str(watching.receive(max(0.05, until - time.time())))
        while frame := following.receive(0.1):
            leaks += "after the removal" in str(frame)
        watching.close()
        following.close()
    return leaks == 0, f"{leaks} frames with words that were said after the removal"


@attack()
def a_page_of_another_site_takes_no_quota(node):
    """Images on another site point at the address that confirms mail addresses. Then the visitor opens a real link."""
    visitor = Person(node, "127.0.0.77")
    for number in range(40):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
        visitor.ask("GET", f"/auth/verify?token=x{number}", headers=headers)
    status = visitor.ask("POST", "/api/auth/verify", {"token": "x"})[0]
    return status == 400, f"the visitor’s own try is answered {status}"


@attack({"LOG": "trace"})
def no_log_has_a_room_code(node):
    """A node that logs everything gets requests for a room over every path."""
    eve = Person(node)
    code = eve.create()["room"]["code"]
    eve.ask("GET", f"/rooms/{code}")
    eve.ask("GET", f"/api/rooms/{code}")
    eve.ask("GET", f"/api/chats/history?code={code}")
    eve.ask("GET", "/rooms/ZQZQZQ")
    eve.ask("POST", "/rooms/ZQZQZQ", {}, headers={"Sec-Fetch-Site": "cross-site"})
    follower = eve.socket()
    follower.send({"subscribe": {"code": code}})
    follower.until("snapshot")
    eve.join("ZQZQZQ")
    log = node.log()
    found = [word for word in (code, "ZQZQZQ") if word in log]
    return not found and log, f"{len(log)} characters of log, found: {len(found)} codes"


@attack({"SMTP_URL": "smtp://127.0.0.1:9"})
def the_files_of_a_node_are_its_own(node):
    """Checks the modes of the data folder and of everything in it, also when mails leave by SMTP."""
    Person(node).create(preserve=True)
    wide = []
    for folder, _, files in os.walk(node.folder):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            # The log that this test writes for the node is in the same folder.
            if path != node.log_path and stat.S_IMODE(os.stat(path).st_mode) & 0o077:
                wide.append(os.path.basename(path))
    return not wide, f"readable by others: {wide}"


@attack()
def names_are_seen_and_told_apart(node):
    """Nicknames without visible characters, and nicknames that look like another."""
    taken = []
    for text in (
        "\u115f", "\u1160", "\uffa0", "\u3164", "\u034f", "\u180e", "\u200c", "\u2800", "\U000e0041", "\u00ad", "\ufeff",
        "\u200b", "\u0300", "\u2063", "\ufe0f", "\u17b4", "\U0001d173", "\u061c", "\u200d\u200d", "\u2066\u2069",
    ):
        eve = Person(node, f"127.0.8.{secrets.randbelow(200) + 2}")
        if eve.ask("POST", "/api/rooms/create", {"type": "group", "nickname": text})[0] == 201:
            taken.append(ascii(text))
    others = []
    for text in ("Ada\u200c", "Ada\u061c", "A\u034fda", "Ada\U000e0041", "Ada\u00ad", "Ada\u200b", "Ad\u2060a"):
        eve = Person(node, f"127.0.9.{secrets.randbelow(200) + 2}")
        status, body, _ = eve.ask("POST", "/api/rooms/create", {"type": "group", "nickname": text})
        if status == 201 and body["you"]["nickname"] != "Ada":
            others.append(ascii(text))
    return not taken and not others, f"names of nothing that were taken: {taken}; other Adas: {others}"


@attack()
def unread_answers_hold_no_memory(node):
    """History is requested four hundred times, and nobody reads the answers."""
    eve = Person(node)
    code = eve.create(preserve=True)["room"]["code"]
    speak([eve, *crowd(node, code, 5)], code, HEAVY, enough=50)
    before, held = node.memory(), []
    request = f"GET /api/chats/history?code={code} HTTP/1.1\r\nHost: x\r\nCookie: {eve.cookie()}\r\n\r\n".encode()
    for _ in range(400):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", node.port))
        connection.sendall(request)
        held.append(connection)
    time.sleep(5)
    grown = node.memory() - before
    for connection in held:
        connection.close()
    return grown < 120, f"{grown} MiB for 400 answers of 800 KB"


def schemathesis(node, cookie="", without=None):
    """Sends what the description of the API allows, and what it forbids, to every operation. Returns whether every
    answer was as described.
    """
    command = [os.environ["ANONCHAT_SCHEMATHESIS"], "--config-file", os.path.join(HERE, "schemathesis.toml"), "run"]
    command += [f"http://127.0.0.1:{node.port}/api/openapi.json", "--checks", "all", "--max-examples", "40"]
    command += ["--workers", "1", "--no-color", "--max-time", "60"]
    command += ["--header", f"Cookie: {cookie}"] if cookie else []
    command += ["--exclude-path-regex", without] if without else []
    ran = subprocess.run(command, cwd=node.folder, capture_output=True, text=True, timeout=300, check=False)
    cases = re.search(r"^\s+(\d+ generated.*)$", ran.stdout, re.MULTILINE)
    failures = re.findall(r"❌ (ST\d+ .*)|^__+ (\S+ \S+) __+$", ran.stdout, re.MULTILINE)
    found = ", ".join("".join(failure) for failure in failures)
    return ran.returncode == 0, f"{cases and cases.group(1)} {found or ran.stderr[-500:]}".strip()


@attack({"RATE_LIMITS": "off"})
def schema_as_nobody(node):
    """Requests of somebody without a session."""
    return schemathesis(node)


@attack({"RATE_LIMITS": "off"})
def schema_as_a_guest(node):
    """Requests of a guest who owns a room, but not the one that ends the guest."""
    guest = Person(node)
    guest.create()
    return schemathesis(node, guest.cookie(), "^/api/users/me$")


@attack({"RATE_LIMITS": "off"})
def schema_as_an_account(node):
    """Requests of an account, but not those that end its session."""
    account = Person(node)
    account.register(address("eve"))
    return schemathesis(node, account.cookie(), "^/api/auth/(logout|refresh|sessions)")
