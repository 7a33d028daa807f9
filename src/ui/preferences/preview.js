// Shows a chosen look at once. It is stored when the form is sent.
(() => {
  const names = { theme: "theme", accent: "accent", text_size: "textSize" };
  document.querySelector("#appearance form").addEventListener("change", ({ target }) => {
    const name = names[target.name];
    if (name) document.documentElement.dataset[name] = target.value;
  });
})();
