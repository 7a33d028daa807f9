// For pages whose forms the browser sends itself. Removes the error of a field when the field is edited, and lets a
// button show the password.
(() => {
  // The links between the preferences scroll sideways on a narrow screen. The style fades a side that has more.
  const links = document.querySelector("nav ul");
  const fade = () => {
    const more = links.scrollWidth - links.clientWidth - links.scrollLeft;
    links.classList.toggle("preferences__more-left", links.scrollLeft > 1);
    links.classList.toggle("preferences__more-right", more > 1);
  };
  if (links) {
    links.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
    links.addEventListener("scroll", fade, { passive: true });
    new ResizeObserver(fade).observe(links);
  }
  // When the address has a fragment (`#…`), a browser ignores `autofocus` and moves the focus to the fragment's target.
  const told = location.hash && document.querySelector("[autofocus]");
  if (told) addEventListener("load", () => requestAnimationFrame(() => told.focus({ preventScroll: true })));
  addEventListener("input", ({ target }) => {
    if (!target.hasAttribute("aria-invalid")) return;
    target.removeAttribute("aria-invalid");
    document.getElementById(`${target.id}-error`)?.remove();
  });
  for (const eye of document.querySelectorAll(".field__eye")) {
    const field = eye.parentElement.querySelector("input");
    eye.hidden = false;
    eye.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      eye.setAttribute("aria-pressed", String(shown));
    });
    // Back to a password field before sending, so that a password manager offers to save it.
    field.form.addEventListener("submit", () => (field.type = "password"));
  }
})();
