// The budget of a first visit, in bytes on the wire. Bytes are the same on every machine, so they are asserted. Seconds
// are not; `script/bench-pages` measures them.
import { get } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { type Guest, expect, test, visit } from "./fixtures.ts";
import { makeRoom, open, sayByRest } from "./room.ts";

const WASM_BYTES = 369_500;
const VISIT_BYTES = 418_000;
/** Sample texts of the pages. Texts arrive with the document, so no language may be in the wasm. */
const ENGLISH = "Type six characters and talk";
const GERMAN = "Sechs Zeichen eintippen";
/** The number of messages that the server sends with the page of a room. */
const MESSAGES = 50;

interface File {
  address: string;
  headers: IncomingHttpHeaders;
  /** The body as received, still compressed. */
  body: Buffer;
}

/** Sends a request as a browser with an empty cache does, without decompressing the answer. */
function ask(address: string, cookie: string): Promise<File> {
  const headers = { "accept-encoding": "gzip, deflate, br", accept: "text/html,*/*", cookie };
  return new Promise((done, failed) => {
    get(address, { headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => done({ address, headers: response.headers, body: Buffer.concat(parts) }));
      response.on("error", failed);
      if (response.statusCode !== 200) failed(new Error(`${address}: status ${response.statusCode}`));
    }).on("error", failed);
  });
}

/** Fetches a page, and every file that its head links to, and its scripts. */
async function firstVisit({ context, page }: Guest, path: string): Promise<File[]> {
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const named = await page.evaluate(() => {
    // `rel="expect"` links to the end of the page itself, not to a file.
    const heads = document.querySelectorAll<HTMLLinkElement>('head link[href]:not([rel="expect"])');
    const links = [...heads].map((link) => link.href);
    const fetched = performance.getEntriesByType("resource").map(({ name }) => name);
    return [...links, ...fetched.filter((name) => /\/pkg\/|\/store\.js/.test(name))];
  });
  const own = new URL(path, page.url()).href;
  const files = [];
  for (const address of [own, ...new Set(named)]) files.push(await ask(address, cookie));
  return files;
}

const bytes = (files: File[]): number => files.reduce((sum, { body }) => sum + body.length, 0);

test("a first visit stays within its budget, comes compressed, and is kept for ever", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await visit(ada.page, "/");
  const home = await firstVisit(ada, "/");
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  for (let i = 1; i <= MESSAGES; i++) await sayByRest(ada, code, `Message ${i} of the many that were said here`);
  await open(ada.page, `/rooms/${code}`);
  const room = await firstVisit(ada, `/rooms/${code}`);

  for (const [name, files] of Object.entries({ home, room })) {
    const lines = files.map(({ address, body }) => `${body.length} ${new URL(address).pathname}`);
    console.log([`First visit to ${name}: ${bytes(files)} bytes`, ...lines].join("\n  "));
    const hashed = files.filter(({ address }) => new URL(address).pathname.startsWith("/pkg/"));
    expect(hashed.map(({ address }) => address.split(".").at(-1)).sort()).toEqual(["css", "js", "wasm"]);
    for (const { address, headers } of hashed) {
      expect(headers, address).toMatchObject({
        "content-encoding": "br",
        "cache-control": "public, max-age=31536000, immutable",
      });
    }
    expect(files[0]?.headers["content-encoding"], "the page itself").toBe("br");
    const wasm = hashed.filter(({ address }) => address.endsWith(".wasm"));
    const unpacked = wasm.map(({ body }) => brotliDecompressSync(body).toString());
    for (const text of [ENGLISH, GERMAN]) expect(unpacked.join().includes(text), `the wasm has “${text}”`).toBe(false);
    expect(bytes(wasm), "the wasm").toBeLessThanOrEqual(WASM_BYTES);
    expect(bytes(files), `all of a first visit to ${name}`).toBeLessThanOrEqual(VISIT_BYTES);
  }
});

test("no file comes twice", async ({ stack, guest }) => {
  const { page } = await guest(stack);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await visit(page, "/");
  const files = asked.filter((path) => path.startsWith("/pkg/"));
  expect(files.sort()).toEqual([...new Set(files)].sort());
  expect(files).toHaveLength(3);
});
