// Says how good a password would be while it is typed. Without this the form says it when it is sent.
(() => {
  const password = document.querySelector("input[autocomplete=new-password]");
  const meter = document.querySelector(".strength__meter");
  const advice = document.querySelector(".strength__advice");
  if (!password || !meter || !advice) return;
  const typed = (kind) => document.querySelector(`input[autocomplete=${kind}]`)?.value ?? "";
  const texts = JSON.parse(advice.dataset.hints);
  const show = ({ score, hints = [] }) => {
    meter.value = score;
    advice.textContent = hints.map((hint) => texts[hint] ?? "").join(" ");
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
  meter.hidden = false;
  password.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(measure, 300);
  });
})();
