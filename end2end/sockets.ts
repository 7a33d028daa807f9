// Remembers the sockets of each page, so that a test can wait for frames of a socket that is open already.
import type { BrowserContext, Page, WebSocket } from "@playwright/test";

/** What a page has loaded. */
interface Loaded {
  /** The number of documents. */
  documents: number;
  /** The sockets of the present document. */
  sockets: Set<WebSocket>;
}

const pages = new WeakMap<Page, Loaded>();

/** Remembers the sockets of all pages of a context, including those opened later. */
export function rememberSockets(context: BrowserContext): void {
  context.on("page", (page) => {
    const loaded: Loaded = { documents: 0, sockets: new Set() };
    pages.set(page, loaded);
    page.on("response", (response) => {
      if (!response.request().isNavigationRequest()) return;
      loaded.documents += 1;
      loaded.sockets.clear();
    });
    page.on("websocket", (socket) => {
      loaded.sockets.add(socket);
      socket.on("close", () => loaded.sockets.delete(socket));
    });
  });
}

/** What a page has loaded so far. */
export function loadedBy(page: Page): Loaded {
  return pages.get(page) ?? { documents: 0, sockets: new Set() };
}
