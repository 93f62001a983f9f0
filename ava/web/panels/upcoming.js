/** The games of the coming days, the soonest first. */

import { GAME } from "../games.js";
import { query } from "../form.js";
import { table } from "../table.js";

export default {
  topics: ["sports"],
  fallbackS: 60,
  form: [{ name: "days", label: "Days ahead", value: "7", type: "number", min: 1, max: 60, step: 1, required: true }],
  path: (asked) => query("/api/v1/sports/upcoming", { ...asked, limit: 50 }),
  view: ({ items }) => table("Upcoming games", GAME, items, "No game is coming."),
};
