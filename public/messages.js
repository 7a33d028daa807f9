// The messages of a room under keys, a finger and the pointer. window.js imports this script.
//
// The page (src/ui/pages/room/timeline.rs) opens the menu of a message at the event "contextmenu" on it, and replies,
// edits and deletes at the keys R, E and Delete. This script leads everything else to these: the keys that move the
// focus, a long press, a swipe, and the button beside the message under the pointer. It also shows and hides spoilers,
// and opens the emoji picker.

const MESSAGE = ".message";
const FRAME = ".timeline__frame";
/** The button beside a message. The page renders it once, and hidden. */
const BUTTON = ".timeline__act";
const LONG_PRESS_MS = 450;
/** A finger that has moved this far, in pixels, neither presses nor taps. */
const STILL = 10;
/** A swipe this far to the right replies. */
const SWIPE = 64;

/** The message that an element is in, unless it was deleted. */
const messageOf = (element) => element.closest?.(`${MESSAGE}:not(.message--deleted)`);

function openMenu(message, clientX, clientY) {
  message.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX, clientY }));
}

/** Opens the menu below the beginning of a message. */
function openMenuOf(message) {
  const { left, bottom } = message.querySelector(".message__bubble").getBoundingClientRect();
  openMenu(message, left, bottom);
}

// The browser's own menu stays for links, and for a text that was selected before the press: some browsers select the
// word under the pointer themselves.
let hadSelection = false;
addEventListener("pointerdown", () => (hadSelection = !getSelection().isCollapsed), true);
addEventListener("keydown", () => (hadSelection = false), true);
addEventListener(
  "contextmenu",
  (event) => {
    if (event.isTrusted && (event.target.closest?.(`${MESSAGE} a`) || hadSelection)) event.stopPropagation();
  },
  true,
);

// Tab leads to the newest visible message, and from there out of the messages. So the frame is no stop of its own while
// a message has the focus.
function focusOn(message) {
  message.tabIndex = -1;
  message.focus();
}
addEventListener("focusin", ({ target }) => {
  const frame = document.querySelector(FRAME);
  if (!frame) return;
  const isMessage = target.matches(MESSAGE);
  frame.tabIndex = isMessage ? -1 : 0;
  if (isMessage) showButton(target);
  if (target !== frame || !frame.matches(":focus-visible")) return;
  const { bottom } = frame.getBoundingClientRect();
  const isVisible = (message) => message.getBoundingClientRect().top < bottom - STILL;
  const visible = [...frame.querySelectorAll(MESSAGE)].findLast(isVisible);
  if (visible) focusOn(visible);
});

/** The keys of a message that has the focus. */
const KEYS = {
  ArrowUp: (message) => step(message, "previousElementSibling"),
  ArrowDown: (message) => step(message, "nextElementSibling") || document.getElementById("message")?.focus(),
  Enter: openMenuOf,
};
function step(message, by) {
  for (let row = message[by]; row; row = row[by]) {
    if (!row.matches(MESSAGE)) continue;
    focusOn(row);
    return true;
  }
  return false;
}
/** The keys of an item of a menu. A row of reactions is one step of the menu, and has steps to the sides. */
const MENU_ITEM = "[role=menuitem], [role=menuitemcheckbox]";
const IN_MENU = {
  ArrowUp: (items, at) => items.at(at - 1),
  ArrowDown: (items, at) => items[(at + 1) % items.length],
  Home: (items) => items[0],
  End: (items) => items.at(-1),
};
const TO_SIDE = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" };
function moveInMenu(item, key) {
  const row = item.closest("[role=group]");
  if (row && TO_SIDE[key]) return item[TO_SIDE[key]]?.focus();
  const steps = [...item.closest("[role=menu]").querySelectorAll(MENU_ITEM)];
  const items = steps.filter((step) => !step.matches("[role=group] > :not(:first-child)"));
  IN_MENU[key]?.(items, items.indexOf(row ? row.firstElementChild : item)).focus();
}
addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!key || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const message = target.closest?.(MESSAGE);
  if (message && message !== target && key.startsWith("Arrow")) {
    // From a link or a button to the message that it is in.
    event.preventDefault();
    focusOn(message);
  } else if (message === target && KEYS[key]) {
    event.preventDefault();
    KEYS[key](message);
  } else if (target.matches?.(MENU_ITEM) && (IN_MENU[key] || TO_SIDE[key])) {
    event.preventDefault();
    moveInMenu(target, key);
  }
});

/** The message that the button is beside. */
let beside;
function showButton(message) {
  const button = document.querySelector(BUTTON);
  if (!button) return;
  beside = message;
  button.hidden = !message;
  if (!message) return;
  const bubble = message.querySelector(".message__bubble").getBoundingClientRect();
  const around = button.parentElement.getBoundingClientRect();
  const isOwn = message.matches(".message--own");
  button.style.top = `${Math.max(bubble.top, around.top) - around.top}px`;
  button.style.left = `${(isOwn ? bubble.left - button.offsetWidth : bubble.right) - around.left}px`;
}
addEventListener("pointerover", ({ target, pointerType }) => {
  if (pointerType === "mouse" && !target.closest?.(BUTTON)) showButton(messageOf(target));
});
addEventListener("scroll", () => showButton(undefined), true);
addEventListener("click", ({ target }) => {
  const button = target.closest?.(BUTTON);
  if (!button || !beside?.isConnected) return;
  const { left, bottom } = button.getBoundingClientRect();
  openMenu(beside, left, bottom);
});

// The style shows what follows a button that is expanded.
addEventListener("click", ({ target }) => {
  const spoiler = target.closest?.(".spoiler");
  if (spoiler) spoiler.ariaExpanded = String(spoiler.ariaExpanded !== "true");
});

let failures = 0;
/**
 * Opens the emoji picker at a press on a button with `data-emoji`. The attribute names the field that the emoji goes
 * into. With another value the emoji goes to the button, as the `detail` of the event "emoji". The picker is loaded at
 * its first use. Some browsers remember by its address that a script did not come.
 */
addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-emoji]");
  if (!button) return;
  let picker = document.getElementById("emoji");
  if (!picker) {
    picker = document.createElement("div");
    Object.assign(picker, { id: "emoji", className: "emoji", popover: "auto", role: "dialog" });
    document.body.append(picker);
  }
  if (picker.matches(":popover-open")) return picker.hidePopover();
  picker.ariaLabel = button.ariaLabel;
  picker.showPopover({ source: button });
  const again = failures ? `&${failures}` : "";
  try {
    const { open } = await import(`/emoji.js${new URL(import.meta.url).search}${again}`);
    await open(picker, button);
  } catch {
    failures += 1;
    picker.textContent = button.dataset.failed;
  }
});

/** The finger on a message. */
let finger;
function letGo() {
  clearTimeout(finger?.timer);
  finger?.message.style.removeProperty("translate");
  finger = undefined;
}
addEventListener(
  "touchstart",
  ({ target, touches }) => {
    letGo();
    const message = messageOf(target);
    if (!message || touches.length > 1 || target.closest("a, button")) return;
    const { clientX: x, clientY: y } = touches[0];
    const press = () => {
      finger.isLong = true;
      openMenu(message, x, y);
    };
    finger = { message, x, y, right: 0, timer: setTimeout(press, LONG_PRESS_MS) };
  },
  { passive: true },
);
addEventListener(
  "touchmove",
  ({ touches: [{ clientX, clientY }] }) => {
    if (!finger || finger.isLong) return;
    const [right, down] = [clientX - finger.x, Math.abs(clientY - finger.y)];
    if (Math.max(Math.abs(right), down) > STILL) clearTimeout(finger.timer);
    if (!finger.right && (right < STILL || down > right)) return;
    finger.right = Math.max(right, 1);
    finger.message.style.translate = `${Math.min(finger.right, SWIPE)}px`;
  },
  { passive: true },
);
addEventListener(
  "touchend",
  (event) => {
    // Otherwise the browser clicks what is below the finger by now.
    if (finger?.isLong) event.preventDefault();
    if (finger?.right > SWIPE) finger.message.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true }));
    letGo();
  },
  { passive: false },
);
addEventListener("touchcancel", letGo);
