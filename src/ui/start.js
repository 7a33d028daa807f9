// Fetches the browser's half and lets it take over the page. Not before the page was drawn: until then every byte would
// keep the reader waiting, and reading and the forms do without it. A page that nobody looks at is not drawn.
((script, wasm) => {
  const start = async () => {
    const bytes = fetch(wasm);
    const page = await import(script);
    await page.default({ module_or_path: bytes });
    page.hydrate();
  };
  if (document.hidden) start();
  else requestAnimationFrame(() => setTimeout(start));
})
