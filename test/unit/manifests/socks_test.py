"""zoe-socks of the gateway's image, with names and ways that come late."""
import asyncio, contextlib, errno, importlib.machinery, importlib.util, io, os, pathlib, socket, struct, tempfile, time, unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "manifests/images/gateway/files/usr/local/bin/zoe-socks"
YESCRYPT = "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$Tg4ZRR7tz/WRlmYbADZh9OJYakPewgSPQqW55EXAJ14"  # of "secret"


def load():
    loader = importlib.machinery.SourceFileLoader("zoe_socks", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("zoe_socks", loader))
    loader.exec_module(module)
    module.PATIENCE, module.PAUSE = 1.0, 0.02
    return module


class SocksTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.socks = load()
        self.names, self.asked, self.lines = {}, [], io.StringIO()
        self.socks.resolve = self.resolve
        self.socks.log = lambda *words: print(*words, file=self.lines)
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(f"alice:1000:1000:{YESCRYPT}\nkeys-only:1001:1001:\n")
        self.addCleanup(os.unlink, file.name)
        self.server = self.socks.Server(self.socks.Accounts(file.name), "127.0.0.0/29")
        self.listening = await asyncio.start_server(self.server.serve, "127.0.0.1", 0)
        self.addCleanup(self.listening.close)
        self.port = await self.service("127.0.0.1", b"one")

    async def resolve(self, name):
        self.asked.append(name)
        if name not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.names[name]

    async def service(self, address, greeting, port=0):
        """Greets, and repeats what it was sent once that has ended."""
        async def greet(reader, writer):
            writer.write(greeting)
            writer.write(await reader.read())
            writer.close()
        listening = await asyncio.start_server(greet, address, port)
        self.addCleanup(listening.close)
        return listening.sockets[0].getsockname()[1]

    async def login(self, user=b"alice", password=b"secret", methods=b"\x02"):
        reader, writer = await asyncio.open_connection(*self.listening.sockets[0].getsockname())
        self.addCleanup(writer.close)
        writer.write(b"\x05" + bytes([len(methods)]) + methods)
        method = await reader.readexactly(2)
        if method != b"\x05\x02":
            return method, reader, writer
        writer.write(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        return await reader.readexactly(2), reader, writer

    async def open(self, name, port=None, command=1):
        """The reply, and how long it took; self.reader and self.writer lead on."""
        answer, self.reader, self.writer = await self.login()
        self.assertEqual(answer, b"\x01\x00")
        began = time.monotonic()
        self.writer.write(struct.pack("!BBBBB", 5, command, 0, 3, len(name)) + name.encode() + struct.pack("!H", port or self.port))
        answer = await self.reader.readexactly(10)
        return answer[1], time.monotonic() - began

    async def test_a_known_name_opens_at_once_and_both_halves_end_by_themselves(self):
        self.names["web.hello"] = ["127.0.0.1"]
        reply, _ = await self.open("web.hello")
        self.assertEqual((reply, self.asked), (0, ["web.hello"]))
        text = os.urandom(1 << 20)
        self.writer.write(text)
        self.writer.write_eof()
        self.assertEqual(await self.reader.read(3), b"one")
        self.assertEqual(await self.reader.readexactly(len(text)), text)
        self.assertEqual(await self.reader.read(), b"")

    async def test_a_name_that_becomes_known_within_a_moment_opens(self):
        asyncio.get_running_loop().call_later(0.2, self.names.update, {"web.hello": ["127.0.0.1"]})
        self.assertEqual((await self.open("web.hello"))[0], 0)
        self.assertGreater(len(self.asked), 1)
        self.assertIn("'web.hello':%d: opened after 0." % self.port, self.lines.getvalue())

    async def test_a_way_that_opens_within_a_moment_is_taken(self):
        for number in errno.EHOSTUNREACH, errno.ENETUNREACH:
            self.names["web.hello"], failures, connect = ["127.0.0.1"], [number] * 3, load().connect
            async def late(address, port):
                if failures:
                    raise OSError(failures.pop(), "no way")
                return await connect(address, port)
            self.socks.connect = late
            self.assertEqual((await self.open("web.hello"))[0], 0)
            self.assertEqual(failures, [])

    async def test_an_unknown_name_fails_when_patience_ends(self):
        reply, took = await self.open("nobody.hello")
        self.assertEqual(reply, 4)
        self.assertGreater(took, 0.9)
        self.assertLess(took, 5)
        self.assertIn("alice at 127.0.0.1", self.lines.getvalue())
        self.assertIn("'nobody.hello'", self.lines.getvalue())

    async def test_a_resolver_that_is_silent_fails_when_patience_ends(self):
        async def silent(name):
            await asyncio.sleep(60)
        self.socks.resolve = silent
        reply, took = await self.open("nobody.hello")
        self.assertEqual(reply, 4)
        self.assertLess(took, 5)
        self.assertIn("no answer", self.lines.getvalue())

    async def test_what_is_no_name_fails_at_once(self):
        self.socks.resolve = load().resolve
        for name in "a..b", "x" * 64 + ".hello":
            reply, took = await self.open(name)
            self.assertEqual(reply, 4, name)
            self.assertLess(took, 0.9)

    async def test_no_way_fails_with_its_own_reply_when_patience_ends(self):
        async def never(address, port):
            raise OSError(errno.ENETUNREACH, "no way")
        self.socks.connect = never
        self.names["web.hello"] = ["127.0.0.1"]
        self.assertEqual((await self.open("web.hello"))[0], 3)

    async def test_a_way_that_falls_silent_after_it_was_missing_takes_no_longer(self):
        failures = [errno.EHOSTUNREACH]
        async def silent(address, port):
            if failures:
                raise OSError(failures.pop(), "no way")
            await asyncio.sleep(60)
        self.socks.connect = silent
        self.names["web.hello"] = ["127.0.0.1"]
        reply, took = await self.open("web.hello")
        self.assertEqual(reply, 4)
        self.assertLess(took, 5)

    async def test_a_refused_connection_is_told_at_once(self):
        self.names["web.hello"] = ["127.0.0.2"]
        self.assertEqual((await self.open("web.hello"))[0], 5)
        self.assertEqual(len(self.asked), 1)

    async def test_what_answers_is_found_behind_what_refuses(self):
        self.names["web.hello"] = ["127.0.0.2", "127.0.0.1"]
        self.assertEqual((await self.open("web.hello"))[0], 0)

    async def test_a_name_that_was_unknown_is_not_remembered_as_such(self):
        self.assertEqual((await self.open("web.hello"))[0], 4)
        self.names["web.hello"] = ["127.0.0.1"]
        self.assertEqual((await self.open("web.hello"))[0], 0)

    async def test_a_name_is_followed_to_its_other_address(self):
        await self.service("127.0.0.2", b"two", self.port)
        for address, greeting in ("127.0.0.1", b"one"), ("127.0.0.2", b"two"):
            self.names["web.hello"] = [address]
            self.assertEqual((await self.open("web.hello"))[0], 0)
            self.assertEqual(await self.reader.readexactly(3), greeting)

    async def test_nothing_beyond_the_subnet_is_reached_by_name_or_address(self):
        self.names["outside"] = ["127.0.0.99"]
        self.assertEqual((await self.open("outside"))[0], 2)
        self.assertEqual((await self.open("127.0.0.99"))[0], 2)
        self.assertEqual(self.asked, ["outside"])

    async def test_only_connect_is_served(self):
        self.names["web.hello"] = ["127.0.0.1"]
        for command in 2, 3:
            self.assertEqual((await self.open("web.hello", command=command))[0], 7)

    async def test_only_those_with_a_password_enter_and_only_with_it(self):
        for user, password in (b"alice", b"wrong"), (b"alice", b""), (b"alice", b"secret\0"), (b"bob", b"secret"), (b"keys-only", b""), (b"keys-only", b"secret"):
            answer, reader, _ = await self.login(user, password)
            self.assertEqual(answer, b"\x01\xff", (user, password))
            self.assertEqual(await reader.read(), b"")
        for methods in b"\x00", b"\x00\x01", b"":
            self.assertEqual((await self.login(methods=methods))[0], b"\x05\xff")
        self.assertEqual((await self.login())[0], b"\x01\x00")
        self.assertEqual((await self.login(password=b"wrong"))[0], b"\x01\xff")
        self.assertNotIn("secret", self.lines.getvalue())

    async def test_connections_are_counted_until_they_end(self):
        self.socks.MOST_CONNECTIONS = 0
        with self.assertRaises((asyncio.IncompleteReadError, ConnectionError)):
            await self.login()
        self.socks.MOST_CONNECTIONS = 1
        for _ in range(20):
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                if (await self.login())[0] == b"\x01\x00":
                    return
            await asyncio.sleep(0.05)
        self.fail("the place was not given back")


if __name__ == "__main__":
    unittest.main()
