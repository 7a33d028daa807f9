// Removes drafts and unsent messages from this tab's storage when its mark changes or nobody is known. They belong to
// their author. A guest who becomes an account (g to a) keeps them. (src/ui/live/signals/tab.rs stores them.)
((who) => {
  try {
    const was = sessionStorage.getItem("anonchat.who");
    if (was === who) return;
    sessionStorage.setItem("anonchat.who", who);
    if (who && (!was || (was[0] === "g" && who[0] === "a"))) return;
    for (const name of Object.keys(sessionStorage))
      if (/^anonchat\.(draft|outbox)\./.test(name)) sessionStorage.removeItem(name);
  } catch {
    // Without storage nothing was stored.
  }
})
