/** The conversation in the pictures, as who says what. */
export const TALK: ["Mira" | "Jonas" | "Aiko", string][] = [
  ["Mira", "Morning! Did everybody get the code?"],
  ["Jonas", "Typed it, and I was in"],
  ["Aiko", "Same here, on the train, with one hand"],
  ["Mira", "Lovely. The walk starts at ten, by the old mill."],
  ["Mira", "Route and weather: https://example.org/walk"],
  ["Aiko", "Rain until nine, then sun. I will bring coffee"],
  ["Jonas", "Then I bring the cake"],
];
