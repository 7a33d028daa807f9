// What a window has besides its page: the offer to install the app, what another app has shared with it, the number of
// unread messages outside of the page, and shortcuts for what can be clicked on the page. start.js imports it after hydration. If something was shared it imports it
// before, so that the composer finds the text.
//
// This script, the pages and the style share attributes of <html>:
//   data-installable   how the app can be installed here: "prompt" or "hint"
//   data-shared        a shared text waits for a room. The composer that takes it removes the attribute
//   data-unread        the number of unread messages, written by the page

const root = document.documentElement;
/** The entry of session storage for a shared text. Its prefix makes it a draft, which tab.js deletes as the others. */
const SHARED = "anonchat.draft.shared";
/** How long the service worker may take to hand over a shared text. */
const PATIENCE_MS = 2_000;

/**
 * Takes the shared text from the service worker and keeps it in this tab. It travels in a message, so no server log, no
 * history and no Referer has it.
 */
async function takeShared() {
  history.replaceState(null, "", location.pathname + location.search);
  const { port1, port2 } = new MessageChannel();
  const text = await new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(resolve, PATIENCE_MS);
    navigator.serviceWorker.controller?.postMessage("shared", [port2]);
  });
  if (text) sessionStorage.setItem(SHARED, text);
}

const isInTab = () => matchMedia("(display-mode: browser)").matches;

/** Shows the number of unread messages: in a tab as a dot on its icon, in an installed app as a number on the app's. */
function showUnread() {
  const unread = Number(root.dataset.unread ?? 0);
  const icon = document.querySelector('link[rel="icon"][type="image/svg+xml"]');
  if (!isInTab()) navigator.setAppBadge?.(unread).catch(() => {});
  else if (icon) icon.setAttribute("href", unread ? "/icons/unread.svg" : "/icons/icon.svg");
}

addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-install]")) {
    // An event opens the prompt once. If the reader declines, the browser may send another event.
    delete root.dataset.installable;
    globalThis.anonchatInstall.prompt();
    delete globalThis.anonchatInstall;
  } else if (target.closest?.("[data-discard]")) {
    sessionStorage.removeItem(SHARED);
    delete root.dataset.shared;
  }
});
/** Opens the room that many rows below the open one. */
function step(by) {
  const rows = [...document.querySelectorAll(".room-row__link")];
  const at = rows.findIndex((row) => row.ariaCurrent);
  rows[at < 0 ? 0 : at + by]?.click();
}

/** Moves the focus in the list, from the field that searches it to the rows and between these. */
function move(by) {
  const places = [...document.querySelectorAll("#find, .room-row__link")];
  places[places.indexOf(document.activeElement) + by]?.focus();
}

/** The shortcuts, by the keys that are held and the key. Each returns false where the browser acts itself. */
const SHORTCUTS = {
  "mod+k": () => {
    const find = document.getElementById("find");
    if (!find?.checkVisibility()) return false;
    find.focus();
    find.select();
  },
  "alt+ArrowUp": () => step(-1),
  "alt+ArrowDown": () => step(1),
  "mod+/": () => document.querySelector("[data-shortcuts]")?.click() ?? false,
  Escape: () => {
    if (!document.querySelector("dialog:modal, :popover-open, .toasts:focus-within"))
      document.querySelector(".pill--end.pill--shown")?.click();
    return false;
  },
};
/** In the list only. */
const IN_LIST = {
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  Enter: ({ target }) => {
    if (target.id !== "find" || !target.value) return false;
    document.querySelector(".room-row__link")?.click();
    target.value = "";
    target.dispatchEvent(new InputEvent("input", { bubbles: true }));
  },
};
addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented || event.shiftKey || !event.key) return;
  const held = `${event.ctrlKey || event.metaKey ? "mod+" : ""}${event.altKey ? "alt+" : ""}`;
  const inList = event.target.closest?.("#find, .room-row") && IN_LIST[held + event.key];
  const act = inList || SHORTCUTS[held + event.key];
  if (act && act(event) !== false) event.preventDefault();
});
// The browser's event may have come already, or come again later. head.js keeps it.
const offerToInstall = () => {
  if (globalThis.anonchatInstall) root.dataset.installable = "prompt";
};
addEventListener("beforeinstallprompt", offerToInstall);
offerToInstall();
addEventListener("appinstalled", () => delete root.dataset.installable);
// Only browsers on iOS have this property. They have no prompt.
if (navigator.standalone === false) root.dataset.installable = "hint";

new MutationObserver(showUnread).observe(root, { attributeFilter: ["data-unread"] });
showUnread();

// Of the same build as this script.
await import(`/messages.js${new URL(import.meta.url).search}`).catch(() => {});

if (location.hash === "#shared") await takeShared();
if (sessionStorage.getItem(SHARED)) root.dataset.shared = "";
