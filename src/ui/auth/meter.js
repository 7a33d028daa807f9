// Says how good a password would be while it is typed. Without this the form says it when it is sent.
(() => {
  const password = document.querySelector("input[autocomplete=new-password]");
  const meter = document.querySelector(".strength");
  const advice = document.querySelector("#strength-advice");
  if (!password || !meter || !advice) return;
  const typed = (name) => document.querySelector(`input[name=${name}]`)?.value ?? "";
  let timer;
  const measure = async () => {
    const asked = password.value;
    if (!asked) return show({ score: 0 });
    const answer = await fetch("/api/auth/password-strength", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: asked, name: typed("name"), email: typed("email") }),
    }).catch(() => undefined);
    if (answer?.ok && asked === password.value) show(await answer.json());
  };
  const show = ({ score, advice: text }) => {
    meter.value = score;
    advice.textContent = text ?? "";
  };
  meter.hidden = false;
  password.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(measure, 300);
  });
})();
