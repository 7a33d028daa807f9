// On every page, before it is drawn: what the server has to know for the next one, and what a page without the wasm does
// about its forms.
(() => {
  const root = document.documentElement;
  // The server writes times as they are here, from the second page on. Whoever is forgotten is so here, too.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? ";secure" : "";
  const forgets = location.pathname === "/auth/guest";
  if (zone && !forgets) document.cookie = `anonchat-zone=${zone};path=/;max-age=31536000;samesite=lax${secure}`;
  // The offline page is kept before anybody knows who will read it, so it looks here for how to speak and look.
  try {
    localStorage.setItem("anonchat.look", `${root.lang} ${root.dataset.theme}`);
  } catch {
    // A browser that keeps nothing for this site gets that page in its own language.
  }
  // A form that is on its way goes once: its answer is another page. One that scripts send is theirs to hold back.
  addEventListener("submit", (event) => {
    const { target: form } = event;
    if (form.dataset.sent) return event.preventDefault();
    setTimeout(() => {
      if (!event.defaultPrevented) form.dataset.sent = "yes";
    });
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) for (const form of document.forms) delete form.dataset.sent;
  });
})();
