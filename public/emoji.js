// The emoji picker. messages.js imports this script when a button with `data-emoji` is pressed for the first time. The
// service worker keeps it from then on, with the emoji of the page's language (public/emoji, see script/emoji).
//
// One group is shown at a time, or what the search finds, so that the picker has a few hundred buttons at most. The
// device's own font draws the emoji.

const COLUMNS = 7;
/** The most emoji that a search shows. */
const FOUND = 20 * COLUMNS;
const { search: VERSION } = new URL(import.meta.url);

/** The button that has opened the picker. */
let opener;
let loading;

/** Opens the picker in an empty popover, for a button. Fails if the emoji cannot be loaded. */
export async function open(picker, button) {
  opener = button;
  // A request that failed is made again at the next opening.
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  const { texts, groups } = await loading;
  if (!picker.querySelector("input")) build(picker, texts, groups);
  // On a touch screen the focus in the field would open the keyboard over the picker.
  const first = matchMedia("(pointer: coarse)").matches ? "[aria-selected=true]" : "input";
  picker.querySelector(first)?.focus();
}

/** Loads the emoji: the texts of the picker, and each group with its name. */
async function load() {
  const answer = await fetch(`/emoji/${document.documentElement.lang}.tsv${VERSION}`);
  if (!answer.ok) throw new Error(`emoji: status ${answer.status}`);
  const [texts, ...lines] = (await answer.text()).trimEnd().split("\n");
  const groups = [];
  for (const line of lines) {
    const [emoji, name, words] = line.split("\t");
    if (name) groups.at(-1).all.push({ emoji, name, words: ` ${folded(`${name} ${words}`)}` });
    else groups.push({ name: line, all: [] });
  }
  return { texts: texts.split("\t"), groups: hasFlags() ? groups : groups.slice(0, -1) };
}

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether the font has flags, the last group. On Windows it has the letters of the country instead, in one colour. */
function hasFlags() {
  const context = document.createElement("canvas").getContext("2d");
  context.font = "16px sans-serif";
  const isColoured = (emoji, y) => {
    context.fillText(emoji, 0, y);
    const { data } = context.getImageData(0, y - 16, 24, 20);
    return data.some((value, at) => at % 4 === 0 && value !== data[at + 1]);
  };
  return !isColoured("😀", 20) || isColoured("🇩🇪", 60);
}

function element(tag, attributes, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

function build(picker, [searchFor, groupsOf, nothing, found], groups) {
  const search = element("input", {
    type: "text",
    class: "field__input",
    "aria-label": searchFor,
    placeholder: searchFor,
  });
  const tabs = groups.map(({ name, all: [{ emoji }] }) =>
    element(
      "button",
      { type: "button", role: "tab", "aria-label": name, "aria-controls": "emoji-grid", title: name },
      emoji,
    ),
  );
  const list = element("div", { role: "tablist", class: "emoji__groups", "aria-label": groupsOf }, ...tabs);
  const grid = element("div", { role: "grid", class: "emoji__grid" });
  const empty = element("p", { class: "emoji__nothing", hidden: "" }, nothing);
  const panel = element("div", { role: "tabpanel", id: "emoji-grid", class: "emoji__panel" }, grid, empty);
  const status = element("p", { role: "status", class: "visually-hidden" });

  const show = (name, all) => {
    const cells = all.map(({ emoji, name }) =>
      element("button", { type: "button", role: "gridcell", tabindex: -1, "aria-label": name, title: name }, emoji),
    );
    const rows = [];
    for (let at = 0; at < cells.length; at += COLUMNS)
      rows.push(element("div", { role: "row" }, ...cells.slice(at, at + COLUMNS)));
    if (cells[0]) cells[0].tabIndex = 0;
    grid.setAttribute("aria-label", name);
    grid.replaceChildren(...rows);
    panel.scrollTop = 0;
    panel.setAttribute("aria-label", name);
    empty.hidden = cells.length > 0;
  };
  const choose = (group) => {
    for (const [at, tab] of tabs.entries()) {
      tab.ariaSelected = String(at === group);
      tab.tabIndex = at === group ? 0 : -1;
    }
    search.value = "";
    status.textContent = "";
    show(groups[group].name, groups[group].all);
  };

  search.addEventListener("input", () => {
    const wanted = folded(search.value).split(/\s+/).filter(Boolean);
    if (!wanted.length) return choose(0);
    for (const tab of tabs) tab.ariaSelected = "false";
    const matches = ({ words }) => wanted.every((word) => words.includes(` ${word}`));
    const all = groups.flatMap(({ all }) => all.filter(matches));
    // Those whose name begins so are what is meant more often than those that have the word.
    const isFirst = ({ words }) => words.startsWith(` ${wanted[0]}`);
    show(searchFor, [...all.filter(isFirst), ...all.filter((one) => !isFirst(one))].slice(0, FOUND));
    status.textContent = all.length ? found.replace("{count}", all.length) : nothing;
  });
  list.addEventListener("click", ({ target }) => target.role === "tab" && choose(tabs.indexOf(target)));
  grid.addEventListener("click", ({ target }) => target.role === "gridcell" && insert(picker, target.textContent));
  picker.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const cells = [...grid.querySelectorAll("button")];
    let to;
    if (target === search) {
      if (key === "ArrowDown") to = cells[0];
      else if (key === "Enter" && search.value && cells[0]) insert(picker, cells[0].textContent);
      else return;
    } else if (target.role === "tab") {
      const at = tabs.indexOf(target);
      to = { ArrowLeft: tabs.at(at - 1), ArrowRight: tabs[(at + 1) % tabs.length], Home: tabs[0], End: tabs.at(-1) }[
        key
      ];
      if (to) choose(tabs.indexOf(to));
      else if (key === "ArrowDown") to = cells[0];
      else return;
    } else {
      const at = cells.indexOf(target);
      const start = at - (at % COLUMNS);
      const next = {
        ArrowLeft: at - 1,
        ArrowRight: at + 1,
        ArrowUp: at - COLUMNS,
        ArrowDown: at + COLUMNS,
        Home: start,
        End: start + COLUMNS - 1,
      }[key];
      if (next === undefined) return;
      to = next < 0 ? search : cells[Math.min(next, cells.length - 1)];
    }
    event.preventDefault();
    to?.focus();
  });
  // The Tab key leads to the emoji that had the focus last.
  grid.addEventListener("focusin", ({ target }) => {
    grid.querySelector("[tabindex='0']").tabIndex = -1;
    target.tabIndex = 0;
  });

  choose(0);
  picker.replaceChildren(search, list, panel, status);
}

/** Closes the picker, and puts the emoji into the field that the opener names, or hands it to the opener. */
function insert(picker, emoji) {
  picker.hidePopover();
  const field = document.getElementById(opener.dataset.emoji);
  if (!field) {
    opener.dispatchEvent(new CustomEvent("emoji", { bubbles: true, detail: emoji }));
    return;
  }
  field.setRangeText(emoji, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  if (!matchMedia("(pointer: coarse)").matches) field.focus();
}
