/**
 * Games of the four sports: their columns. Odds are American, the spread is the home side's.
 */

import { dayTime, fixed, number, odds, UNKNOWN } from "./format.js";

const SPORTS = { nfl: "NFL", nba: "NBA", ncaa_football: "College football", ncaa_basketball: "College basketball" };

/** Return a score as away to home, or a dash. */
export function score({ away_score: away, home_score: home }) {
  return away === null || home === null || away === undefined ? UNKNOWN : `${number(away)} : ${number(home)}`;
}

function spread({ spread_home: points }) {
  const text = fixed(points, 1);
  return Number(points) > 0 ? `+${text}` : text;
}

/** The columns of a game, away at home. */
export const GAME = [
  { head: "Game", kind: "name", cell: (game) => `${game.away_team} at ${game.home_team}` },
  { head: "Sport", wide: 1, cell: ({ sport }) => SPORTS[sport] ?? sport },
  { head: "Start", kind: "when", cell: (game) => dayTime(game.game_time) },
  { head: "Away", kind: "num", cell: (game) => odds(game.moneyline_away) },
  { head: "Home", kind: "num", cell: (game) => odds(game.moneyline_home) },
  { head: "Spread", kind: "num", wide: 1, cell: spread },
  { head: "Total", kind: "num", wide: 1, cell: (game) => fixed(game.over_under, 1) },
];
