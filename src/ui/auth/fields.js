// On pages whose forms the browser sends by itself: what was wrong with a field is no more once it is corrected, and a
// password can be looked at.
(() => {
  // A browser that was led to a part of the page does not follow `autofocus`, and takes the focus away when it goes there.
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
    // What is sent is a password, for whoever offers to keep it.
    field.form.addEventListener("submit", () => (field.type = "password"));
  }
})();
