// Remembers the sockets and streams of each page, so that a test can wait for frames of one that is open already.
import { EventEmitter } from "node:events";
import type { BrowserContext, Page, WebSocket } from "@playwright/test";

/** A WebSocket, or a stream of Server-Sent Events, which emits "framereceived" as well. */
export type Line = WebSocket | EventEmitter;

/** What a page has loaded. Emits "line" with each socket and stream that is opened. */
class Loaded extends EventEmitter {
  /** The sockets and streams of the present document. */
  readonly lines = new Set<Line>();
  /** The streams by the names that their documents gave them. */
  readonly streams = new Map<string, EventEmitter>();

  open(line: Line): void {
    this.lines.add(line);
    this.emit("line", line);
  }
}

const pages = new WeakMap<Page, Loaded>();

/** Remembers the sockets and streams of all pages of a context, including those opened later. */
export async function rememberSockets(context: BrowserContext): Promise<void> {
  context.on("page", loadedBy);
  // Playwright reports no events of streams, so the pages do it themselves.
  await context.exposeBinding("noteStream", ({ page }, name: string, payload?: string) => {
    const loaded = loadedBy(page);
    if (payload !== undefined) return void loaded.streams.get(name)?.emit("framereceived", { payload });
    const stream = new EventEmitter();
    loaded.streams.set(name, stream);
    loaded.open(stream);
  });
  await context.addInitScript(noteStreams);
}

/** Runs in every page before its own scripts. */
function noteStreams(): void {
  const { noteStream } = globalThis as unknown as { noteStream: (name: string, payload?: string) => void };
  let opened = 0;
  globalThis.EventSource = class extends EventSource {
    constructor(...args: ConstructorParameters<typeof EventSource>) {
      super(...args);
      const name = `${performance.timeOrigin} ${(opened += 1)}`;
      noteStream(name);
      this.addEventListener("message", ({ data }) => noteStream(name, data));
    }
  };
}

/** What a page has loaded since its context is remembered, or since the first call. */
export function loadedBy(page: Page): Loaded {
  const known = pages.get(page);
  if (known) return known;
  const loaded = new Loaded();
  pages.set(page, loaded);
  page.on("response", (response) => {
    if (!response.request().isNavigationRequest()) return;
    loaded.lines.clear();
    loaded.streams.clear();
  });
  page.on("websocket", (socket) => {
    loaded.open(socket);
    socket.on("close", () => loaded.lines.delete(socket));
  });
  return loaded;
}

/** Lets no page of a context open a WebSocket, like a proxy that does not know them, until `allow` is called. */
export async function blockSockets(context: BrowserContext): Promise<{ allow: () => void }> {
  let isBlocked = true;
  await context.routeWebSocket(/\/ws$/, (socket) => {
    if (isBlocked) void socket.close();
    else socket.connectToServer();
  });
  return { allow: () => (isBlocked = false) };
}
