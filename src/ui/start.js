// Fetches the browser's half and lets it take over the page. Not before the page was drawn: until then every byte would
// keep the reader waiting, and reading and the forms do without it. A page that nobody looks at is not drawn.
((script, wasm) => {
  // A list stays where it was scrolled to, from one document to the next.
  const list = document.querySelector("[data-keeps-place]");
  if (list) {
    const name = `anonchat.place.${list.dataset.keepsPlace}`;
    list.scrollTop = Number(sessionStorage.getItem(name));
    addEventListener("pagehide", () => sessionStorage.setItem(name, String(list.scrollTop)));
  }
  // A room opens where the unread messages begin, if they are more than a screen; at its end if not.
  const unread = document.querySelector(".unread");
  const frame = unread?.closest(".timeline__frame");
  if (frame) frame.scrollBy(0, Math.min(0, unread.getBoundingClientRect().top - frame.getBoundingClientRect().top));
  // Where one writes with a keyboard, the letters typed before the scripts are there are for the composer. On a phone the
  // focus would bring up the keyboard over the room.
  const composer = document.getElementById("message");
  if (composer && document.activeElement === document.body && !matchMedia("(pointer: coarse)").matches) {
    composer.focus();
  }
  const start = async () => {
    const bytes = fetch(wasm);
    const page = await import(script);
    await page.default({ module_or_path: bytes });
    page.hydrate();
  };
  if (document.hidden) start();
  else requestAnimationFrame(() => setTimeout(start));
})
