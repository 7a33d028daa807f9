// The switch for the copy on this device. It is stored in this browser, so the page works it without the server.
// Without scripts nothing is kept, and the switch is not shown.
(() => {
  const section = document.getElementById("kept");
  const box = section.querySelector("input");
  try {
    box.checked = localStorage.getItem("anonchat.keep") !== "no";
    box.addEventListener("change", () => {
      if (box.checked) return localStorage.removeItem("anonchat.keep");
      localStorage.setItem("anonchat.keep", "no");
      if (navigator.storageBuckets) navigator.storageBuckets.delete("anonchat").catch(() => {});
      else indexedDB.deleteDatabase("anonchat");
    });
    section.hidden = false;
  } catch {
    // Without storage nothing is kept.
  }
})();
