// Finds what does not fit on a page: content wider than the screen, controls that are cut off or lie below others, and
// texts that are cut without an ellipsis.
import type { Locator, Page } from "@playwright/test";

/**
 * Describes everything in the present state of a page, or of a part of it, that does not fit. While a dialog or a menu
 * is open, only what is in it counts, because nothing else can be used.
 */
export async function misfits(page: Page, part: Locator = page.locator("body")): Promise<string[]> {
  return part.evaluate(find, page.viewportSize()!.width);
}

/** Runs in the page. `width` is that of the screen: on a phone `innerWidth` grows with content that is too wide. */
function find(part: Element, width: number): string[] {
  const found = new Set<string>();
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  /** What browsers round to whole pixels may be this much off. */
  const slack = 1.5;
  const name = (element: Element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 140);
  const isShown = (element: Element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  const scrolls = (overflow: string) => overflow === "auto" || overflow === "scroll";

  /** An ancestor that cuts what sticks out of it, or lets it be scrolled to. */
  interface Frame {
    element: Element;
    style: CSSStyleDeclaration;
    box: { left: number; right: number; top: number; bottom: number };
  }
  /** The frames around an element, from the inside outwards. The element itself is one for its text. */
  const framesOf = (start: Element | null): Frame[] => {
    const frames: Frame[] = [];
    for (let element = start; element && element !== document.body; element = element.parentElement) {
      const style = getComputedStyle(element);
      if (style.display !== "inline" && (style.overflowX !== "visible" || style.overflowY !== "visible")) {
        const { left, top } = element.getBoundingClientRect();
        const margin = style.overflowX === "clip" ? parseFloat(style.overflowClipMargin) || 0 : 0;
        const [x, y] = [left + element.clientLeft, top + element.clientTop];
        const box = { left: x, right: x + element.clientWidth, top: y, bottom: y + element.clientHeight };
        const wider = {
          left: box.left - margin,
          right: box.right + margin,
          top: box.top - margin,
          bottom: box.bottom + margin,
        };
        frames.push({ element, style, box: wider });
      }
      // What is fixed, or above the page, is cut by the screen alone.
      if (style.position === "fixed" || element.matches("dialog:modal, :popover-open")) break;
    }
    return frames;
  };
  /** Hidden from the eye, for screen readers. */
  const isForReaders = (frames: Frame[]) =>
    frames.some(({ box }) => box.right - box.left <= 1 || box.bottom - box.top <= 1);

  /** Whether frames cut a box, and do not let it be scrolled to. Returns the one that cuts. */
  const cutBy = (box: DOMRect, frames: Frame[], isCutOk: (frame: Frame) => boolean): Element | undefined => {
    let [x, y] = [true, true];
    for (const frame of frames) {
      const { style, box: within, element } = frame;
      if (scrolls(style.overflowX)) x = false;
      if (scrolls(style.overflowY)) y = false;
      const cutX =
        x && style.overflowX !== "visible" && (box.left < within.left - slack || box.right > within.right + slack);
      // A line of text is higher than its letters, so what counts is whether its middle is cut.
      const middle = (box.top + box.bottom) / 2;
      const cutY = y && style.overflowY !== "visible" && (middle < within.top || middle > within.bottom);
      if ((cutX || cutY) && !isCutOk(frame)) return element;
      if (cutX || cutY) return undefined;
    }
    return x && (box.left < -slack || box.right > width + slack) ? document.documentElement : undefined;
  };

  const wide = document.documentElement.scrollWidth;
  if (wide > width) found.add(`the page is ${wide} px wide on a screen of ${width} px`);
  // Such as what is hidden from the eye in a list that scrolls, where the list does not position it.
  const high = document.documentElement.scrollHeight;
  const content = Math.max(document.body.getBoundingClientRect().bottom + scrollY, innerHeight);
  if (high > content + slack) found.add(`the page scrolls to ${high} px, and its content ends at ${content} px`);
  const above = document.querySelector(":popover-open") ?? [...document.querySelectorAll("dialog:modal")].at(-1);
  const root = above && !above.contains(part) ? above : part;

  for (const control of root.querySelectorAll<HTMLElement>(controls)) {
    // The box of a radio button or a switch is invisible, and its label is what people see and press.
    const label = control instanceof HTMLInputElement ? control.closest("label") : null;
    const target = isShown(control) ? control : label;
    if (!target || !isShown(target) || target.closest("[inert]")) continue;
    const frames = framesOf(target.parentElement);
    if (isForReaders(frames)) continue;
    // A link within a sentence has a box for each line.
    for (const box of target.getClientRects()) {
      if (box.width <= 1 || box.height <= 1) continue;
      // The rest of a folded text appears at a press.
      const cut = cutBy(box, frames, ({ style }) => style.maskImage !== "none" || style.textOverflow === "ellipsis");
      if (cut) found.add(`cut off by ${name(cut).slice(0, 60)}: ${name(target)}`);
      const seen = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
      for (const { style, box: within } of frames) {
        if (style.overflowX !== "visible") {
          seen.left = Math.max(seen.left, within.left);
          seen.right = Math.min(seen.right, within.right);
        }
        if (style.overflowY !== "visible") {
          seen.top = Math.max(seen.top, within.top);
          seen.bottom = Math.min(seen.bottom, within.bottom);
        }
      }
      if (seen.right - seen.left < 8 || seen.bottom - seen.top < 8) continue;
      const [x, y] = [(seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2];
      const points: [number, number][] = [
        [x, y],
        [seen.left + 3, y],
        [seen.right - 3, y],
        [x, seen.top + 3],
        [x, seen.bottom - 3],
      ];
      for (const [i, [x, y]] of points.entries()) {
        const top = document.elementFromPoint(x, y);
        if (!top || top.contains(target) || target.contains(top) || label?.contains(top)) continue;
        // The area for taps of a small control may reach over the edge of its neighbour, but not over the middle.
        const { left, right, top: upper, bottom } = top.getBoundingClientRect();
        // A button may lie at the end of its field, such as the one that shows a password.
        if (
          i > 0 &&
          target.matches("input") &&
          top.closest("button") &&
          left > box.left &&
          right <= box.right + slack
        ) {
          continue;
        }
        if (i > 0 && (x < left || x > right || y < upper || y > bottom)) continue;
        // Content may scroll below what stays in place.
        const frame = frames.find(({ style }) => scrolls(style.overflowY))?.element;
        if (frame ? !frame.contains(top) || isStuck(top, frame) : isStuck(top, document.body)) continue;
        found.add(`below ${name(top).slice(0, 60)}: ${name(target)}`);
      }
    }
  }

  /** Whether an element stays where it is while `frame` is scrolled. */
  function isStuck(element: Element, frame: Element): boolean {
    for (let at: Element | null = element; at && at !== frame; at = at.parentElement) {
      if (["sticky", "fixed"].includes(getComputedStyle(at).position)) return true;
    }
    return false;
  }

  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const parent = text.parentElement;
    if (!text.nodeValue?.trim() || !parent || parent.matches("script, style, option, textarea")) continue;
    if (!isShown(parent)) continue;
    const frames = framesOf(parent);
    if (isForReaders(frames)) continue;
    const range = document.createRange();
    if (parent.closest("button, .button")) {
      for (const { 0: word, index } of text.nodeValue.matchAll(/\S+/g)) {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        // A word has several boxes on one line, too: where it is cut, and where its direction changes.
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (lines.size > 1) found.add(`the word “${word}” of a button is on two lines`);
      }
    }
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) {
      // Parts that wrap out of the only line are left out whole, on purpose.
      const isOk = ({ style, box: { bottom } }: Frame) =>
        style.textOverflow === "ellipsis" ||
        style.maskImage !== "none" ||
        style.webkitLineClamp !== "none" ||
        (style.flexWrap === "wrap" && box.top > bottom - slack);
      const cut = cutBy(box, frames, isOk);
      if (cut) found.add(`a text is cut by ${name(cut).slice(0, 60)}: ${text.nodeValue.trim().slice(0, 60)}`);
    }
  }

  const pen = document.createElement("canvas").getContext("2d")!;
  for (const input of root.querySelectorAll<HTMLInputElement>("input[placeholder]:placeholder-shown")) {
    const style = getComputedStyle(input);
    if (!isShown(input) || style.textOverflow === "ellipsis") continue;
    const shown = style.textTransform === "uppercase" ? input.placeholder.toUpperCase() : input.placeholder;
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const needed = pen.measureText(shown).width + (parseFloat(style.letterSpacing) || 0) * shown.length;
    const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (needed > room + slack) found.add(`a placeholder of ${Math.round(needed)} px in ${room} px: ${name(input)}`);
  }
  return [...found];
}
