// What a window has besides its page: the offer to install the app, what another app has shared with it, and the number
// of unread messages outside of the page. start.js imports it after hydration. If something was shared it imports it
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

if (location.hash === "#shared") await takeShared();
if (sessionStorage.getItem(SHARED)) root.dataset.shared = "";
