// Loads the wasm and hydrates the page, after the first drawing: earlier it would delay that, and reading and forms
// work without it. A hidden page is not drawn, so it starts at once.
((script, wasm) => {
  // The server redirects from the address at which the installed app opens. Only the shell is ever shown there.
  if (location.pathname === "/open") history.replaceState(null, "", `/dashboard${location.hash}`);
  // A list keeps its scroll position from one document to the next.
  const list = document.querySelector("[data-keeps-place]");
  if (list) {
    const name = `anonchat.place.${list.dataset.keepsPlace}`;
    list.scrollTop = Number(sessionStorage.getItem(name));
    addEventListener("pagehide", () => sessionStorage.setItem(name, String(list.scrollTop)));
  }
  // Scrolls a room to its first unread message, if that is above the screen. Otherwise it stays at its end.
  const unread = document.querySelector(".unread");
  const frame = unread?.closest(".timeline__frame");
  if (frame) frame.scrollBy(0, Math.min(0, unread.getBoundingClientRect().top - frame.getBoundingClientRect().top));
  // What listens until hydration, and no longer.
  const hydration = new AbortController();
  const early = { signal: hydration.signal };
  // Letters typed before hydration go to the composer. Not on a phone, where the focus would open the keyboard over the
  // room. The composer sends a text that ended with Enter as soon as it is hydrated (composer.rs).
  const composer = document.getElementById("message");
  // What was typed before the page was loaded again in another build, see `retry`.
  const TYPED = "anonchat.draft.typed";
  try {
    if (composer && sessionStorage.getItem(TYPED)) composer.value = sessionStorage.getItem(TYPED) + composer.value;
    sessionStorage.removeItem(TYPED);
  } catch {
    // Without storage nothing was stored.
  }
  if (composer && !matchMedia("(pointer: coarse)").matches) {
    if (document.activeElement === document.body) composer.focus();
    const enter = ({ key, shiftKey, isComposing }) =>
      composer.toggleAttribute("data-entered", key === "Enter" && !shiftKey && !isComposing);
    composer.addEventListener("keydown", enter, early);
  }
  // On the page of a room's link the name is selected, so that Enter joins and typing replaces it.
  const nickname = document.querySelector(".door #nickname");
  if (nickname && document.activeElement === document.body && !matchMedia("(pointer: coarse)").matches) {
    nickname.focus();
    nickname.select();
  }
  // A button does nothing before hydration. The last one that was pressed is pressed again after it. One that asks
  // before it sends its form does not send the form unasked.
  let pressed;
  const press = (event) => {
    const button = event.target.closest("button[type=button]:not([popovertarget]), button[data-asks]");
    if (button?.matches("[data-asks]")) event.preventDefault();
    pressed = button ?? pressed;
  };
  addEventListener("click", press, early);
  // What a window has besides its page. The page does not need it, except that a shared text has to be there when the
  // composer is hydrated.
  const { version } = document.documentElement.dataset;
  const besides = () => import(`/window.js?v=${version}`).catch(() => {});
  // A script that does not come on a bad connection is asked for again, later each time. Some browsers remember by its
  // address that it failed.
  const start = async (tries = 0) => {
    let page;
    try {
      // What the device keeps (public/store.js) is read by the hydrated page, which works without it, too.
      const store = import(`/store.js?v=${version}`).catch(() => {});
      const shared = location.hash === "#shared" && besides();
      const app = import(tries ? `${script}?${tries}` : script);
      const [scripts, bytes] = await Promise.all([app, fetch(wasm), store, shared]);
      page = scripts;
      await page.default({ module_or_path: bytes });
    } catch {
      setTimeout(retry, Math.min(2 ** tries, 30) * 1000, tries + 1);
      return;
    }
    page.hydrate();
    globalThis.anonchatStore?.start();
    const beside = besides();
    // The router hydrates its page in tasks of its own, which are done by the next frame.
    requestAnimationFrame(() =>
      setTimeout(async () => {
        hydration.abort();
        // What these do is in a script beside the page.
        if (pressed?.matches(".spoiler, [data-emoji]")) await beside;
        pressed?.click();
      }),
    );
  };
  // A server that was updated since the document came has no scripts of its build any more.
  const retry = async (tries) => {
    const answer = await fetch("/shell.json").catch(() => {});
    const newest = answer?.ok && (await answer.json()).version;
    if (!newest || newest === version) return start(tries);
    try {
      if (composer?.value) sessionStorage.setItem(TYPED, composer.value);
    } catch {
      // Without storage what was typed is lost.
    }
    location.reload();
  };
  if (document.hidden) start();
  else requestAnimationFrame(() => setTimeout(start));
})
