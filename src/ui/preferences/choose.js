// For the pages whose form consists of choices. Shows and stores each choice at once, so the button that sends the form
// goes. What the server refuses is sent again by the browser itself, whose answer shows the error.
(() => {
  const looks = { theme: "theme", accent: "accent", text_size: "textSize" };
  const form = document.querySelector("form[data-saved]");
  const button = form.querySelector("[type=submit]");
  const said = document.createElement("p");
  said.className = "preferences__saved";
  said.setAttribute("role", "status");
  form.after(said);
  let shown;
  const language = form.elements.language?.value;
  const store = async (mine) => {
    if (mine !== newest) return;
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
      keepalive: true,
    }).catch(() => undefined);
    button.hidden = Boolean(answer);
    // Without an answer the button is there again, for another try.
    if (!answer) return;
    if (!answer.ok) return form.submit();
    // Every text of the page is in another language now.
    if (form.elements.language?.value !== language) return location.reload();
    if (mine !== newest) return;
    said.textContent = form.dataset.saved;
    said.classList.add("preferences__saved--shown");
    clearTimeout(shown);
    shown = setTimeout(() => said.classList.remove("preferences__saved--shown"), 2_500);
  };
  // One after the other, so that the newest wins. It contains all before it.
  let newest = 0;
  let stored = Promise.resolve();
  const storeNext = () => {
    const mine = ++newest;
    said.textContent = "";
    stored = stored.then(() => store(mine));
  };
  button.hidden = true;
  form.addEventListener("change", ({ target }) => {
    const look = looks[target.name];
    if (look) document.documentElement.dataset[look] = target.value;
    storeNext();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    storeNext();
  });
})();
