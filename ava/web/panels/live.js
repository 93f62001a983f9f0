/** The games being played now, with the odds on them. */

import { GAME, score } from "../games.js";
import { table } from "../table.js";

const COLUMNS = [
  ...GAME.slice(0, 2),
  { head: "Score", kind: "num", cell: score },
  { head: "Period", cell: ({ period, time_remaining: left }) => [period, left].filter(Boolean).join(" ") || "–" },
  ...GAME.slice(3),
];

export default {
  topics: ["sports"],
  fallbackS: 30,
  path: () => "/api/v1/sports/live?limit=50",
  view: ({ items }) => table("Live games", COLUMNS, items, "No game is being played."),
};
