// Shows the strength of a new password while it is typed. Without this script the form says it after sending.
(() => {
  const password = document.querySelector("input[autocomplete=new-password]");
  const meter = document.querySelector(".strength__meter");
  const word = document.querySelector(".strength__word");
  const advice = document.querySelector(".strength__advice");
  if (!password || !meter || !word || !advice) return;
  const typed = (kind) => document.querySelector(`input[autocomplete=${kind}]`)?.value ?? "";
  const hinted = JSON.parse(advice.dataset.hints);
  const words = JSON.parse(word.dataset.words);
  // The score is the server's. The words: refused, accepted, and best possible (score 4). The bar is never empty while
  // there is a password, since an empty bar would mean that there is none.
  const show = ({ score, accepted, hints = [] }) => {
    meter.value = password.value ? Math.max(score, 0.5) : 0;
    word.textContent = password.value ? words[accepted ? (score < 4 ? 1 : 2) : 0] : "";
    advice.textContent = hints.map((hint) => hinted[hint] ?? "").join(" ");
  };
  let timer;
  const measure = async () => {
    const asked = password.value;
    if (!asked) return show({ score: 0 });
    const answer = await fetch("/api/auth/password-strength", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: asked, name: typed("nickname"), email: typed("username") }),
    }).catch(() => undefined);
    if (answer?.ok && asked === password.value) show(await answer.json());
  };
  const strength = meter.parentElement;
  password.addEventListener("input", () => {
    clearTimeout(timer);
    strength.hidden = !password.value;
    // Shows the lowest score until the server has answered.
    if (!password.value || meter.value === 0) show({ score: 0 });
    timer = setTimeout(measure, 300);
  });
})();
