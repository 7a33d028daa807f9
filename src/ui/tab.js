// What was written in this tab and not sent belongs to who wrote it. When somebody else has the tab, or nobody is known, it
// is forgotten. A guest who gets an account stays the same person. (src/ui/live/tab.rs keeps it.)
((who) => {
  try {
    const was = sessionStorage.getItem("anonchat.who");
    if (was === who) return;
    sessionStorage.setItem("anonchat.who", who);
    if (who && (!was || (was[0] === "g" && who[0] === "a"))) return;
    for (const name of Object.keys(sessionStorage))
      if (/^anonchat\.(draft|outbox)\./.test(name)) sessionStorage.removeItem(name);
  } catch {
    // Without storage nothing was kept.
  }
})
