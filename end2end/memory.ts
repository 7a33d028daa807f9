// The memory of the wasm of a page.
import type { BrowserContext, Page } from "@playwright/test";

/** Runs in a page before its own scripts. Keeps the memory of the wasm at hand. */
function noteMemory(): void {
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...args) => {
    const made = await instantiateStreaming(...args);
    Object.assign(globalThis, { memory: made.instance.exports["memory"] });
    return made;
  };
}

/** Call this before the pages whose memory is asked for. */
export const observeMemory = (context: BrowserContext) => context.addInitScript(noteMemory);

/** How many bytes the wasm of a page has taken so far. They never become fewer. */
export const wasmBytes = (page: Page): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength);
