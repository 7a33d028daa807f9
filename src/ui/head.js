// In the head of every page. Stores what the server needs for the next page, and stops a form from being sent twice.
(() => {
  const root = document.documentElement;
  // From the second page on the server writes times in this zone. Not set where a guest is forgotten, who loses the
  // cookie.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? ";secure" : "";
  const forgets = location.pathname === "/auth/guest";
  if (zone && !forgets) document.cookie = `anonchat-zone=${zone};path=/;max-age=31536000;samesite=lax${secure}`;
  try {
    // The offline page is cached once for all readers. It reads its language and theme from here.
    localStorage.setItem("anonchat.look", `${root.lang} ${root.dataset.theme}`);
    // The first page of a window.
    root.toggleAttribute("data-cold", !sessionStorage.getItem("anonchat.started"));
    sessionStorage.setItem("anonchat.started", "yes");
    // Whether the reader has folded the panel of members away.
    root.toggleAttribute("data-folded", !!sessionStorage.getItem("anonchat.folded"));
  } catch {
    // Without storage the offline page uses its own language and theme, and no page is the first.
  }
  // Kept for the button that installs the app (public/window.js). The browser then shows no offer of its own.
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    globalThis.anonchatInstall = event;
  });
  // A form that the browser sends is sent once. Forms that the wasm sends (`defaultPrevented`) are not counted here.
  addEventListener("submit", (event) => {
    const { target: form } = event;
    if (form.dataset.sent) return event.preventDefault();
    setTimeout(() => {
      if (!event.defaultPrevented) form.dataset.sent = "yes";
    });
  });
  // A transition between documents that the browser skips, on a slow machine or for a next navigation, rejects these
  // promises. Unhandled they would be errors of the page (w3c/csswg-drafts#13726).
  for (const name of ["pageswap", "pagereveal"])
    addEventListener(name, ({ viewTransition: skipped }) => {
      for (const promise of [skipped?.ready, skipped?.finished, skipped?.updateCallbackDone]) promise?.catch(() => {});
    });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) for (const form of document.forms) delete form.dataset.sent;
  });
})();
