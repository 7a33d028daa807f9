// Removes what belongs to another person, or to nobody who is known any more: drafts and unsent messages from this
// tab's storage, and the copy that the device keeps of an account. A guest who becomes an account (g to a) keeps
// drafts. (src/ui/live/signals/tab.rs and public/store.js store them.)
((who) => {
  document.documentElement.dataset.who = who;
  try {
    const was = sessionStorage.getItem("anonchat.who");
    // The copy belongs to one session of an account. Local storage names it, and nothing of guests. A browser that was
    // killed may have lost the name, so a tab's first page without an account deletes the copy in any case.
    const kept = localStorage.getItem("anonchat.account");
    const account = who[0] === "a" ? who : null;
    // First the name: a page of the person before that is making the copy again (store.js) finds that they have left.
    if (account) localStorage.setItem("anonchat.account", account);
    else localStorage.removeItem("anonchat.account");
    if (account ? kept && kept !== account : kept || was !== who) {
      if (navigator.storageBuckets) navigator.storageBuckets.delete("anonchat").catch(() => {});
      else indexedDB.deleteDatabase("anonchat");
    }

    if (was === who) return;
    sessionStorage.setItem("anonchat.who", who);
    if (who && (!was || (was[0] === "g" && who[0] === "a"))) return;
    for (const name of Object.keys(sessionStorage))
      if (/^anonchat\.(draft|mentions|outbox)\./.test(name)) sessionStorage.removeItem(name);
  } catch {
    // Without storage nothing was stored.
  }
})
