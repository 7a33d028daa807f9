// Shows a look as soon as it is chosen. It is kept once the form is sent.
(() => {
  const names = { theme: "theme", accent: "accent", text_size: "textSize" };
  document.querySelector("#appearance form").addEventListener("change", ({ target }) => {
    const name = names[target.name];
    if (name) document.documentElement.dataset[name] = target.value;
  });
})();
