// Text as a reader sees it: blank input, where links end, how a code is pasted, and how names are sorted.
import { expect, test, visit } from "../fixtures.ts";
import {
  composer,
  joinByRest,
  makeRoom,
  makeRoomByRest,
  messages,
  say,
  sayByRest,
  sendButton,
  spaced,
  withMembers,
} from "../room.ts";

const NOTHING = [
  "\u200B",
  "\uFEFF",
  "\u2060",
  "\u202E",
  "\u034F",
  "\u180E",
  "\uFE0F",
  "\u{E0020}",
  "\u2800",
  "\u3164",
  "\u00AD",
  "\u200D",
  "\u0301",
];

test("what shows nothing cannot be sent @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  for (const text of [...NOTHING, "\u200B\n\u200B"]) {
    await composer(ada.page).fill(text);
    await expect(sendButton(ada.page)).toBeDisabled();
  }
  await say(ada.page, "Hello");
  await expect(messages(ada.page)).toHaveText(["Hello"]);
});

test("a link has what a reader takes for it, and no other host @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  await say(ada.page, "„https://example.org/a“ https://example.org。明天见 https://example.org#top www.пример.рф");
  const links = messages(ada.page).getByRole("link");
  await expect(links).toHaveText([
    "https://example.org/a",
    "https://example.org",
    "https://example.org#top",
    "www.пример.рф",
  ]);
  const hosts = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).hostname));
  expect(hosts).toEqual(["example.org", "example.org", "example.org", "www.xn--e1afmkfd.xn--p1ai"]);
});

test("a code is pasted with what stands around it @phone", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada" });
  await visit(bob.page, "/");
  const box = bob.page.getByRole("textbox", { name: "Room code" });
  await box.fill(`Come: https://chat.example/rooms/${code}, see you`);
  await expect(box).toHaveValue(spaced(code));
  await box.fill(`„${code}“`);
  await expect(box).toHaveValue(spaced(code));
});

test("code is in the font of code, and nothing in it is a link @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoom(ada, { nickname: "Ada" });
  await sayByRest(ada, room, "Run `curl https://example.org`:\n```sh\nset -e\n  make\n```\nDone");
  await expect(messages(ada.page)).toHaveText(["Run curl https://example.org:set -e\n  makeDone"]);
  const code = messages(ada.page).getByRole("code");
  await expect(code).toHaveText(["curl https://example.org", "set -e\n  make"]);
  await expect(messages(ada.page).getByRole("link")).toHaveCount(0);
  for (const one of await code.all()) await expect(one).toHaveCSS("font-family", /monospace/);
});

test("members are sorted as the language does @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const code = await makeRoom(ada, { nickname: "Me" });
  for (const name of ["Zoe", "Ärmel", "10", "9", "Öl", "Łukasz", "Adam"])
    await joinByRest(await guest(stack), code, name);
  await withMembers(ada.page, async (members) => {
    await expect(members).toHaveText([/^Me/, /^9/, /^10/, /^Adam/, /^Ärmel/, /^Łukasz/, /^Öl/, /^Zoe/]);
  });
});
