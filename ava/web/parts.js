/**
 * Parts of an answer, each of which may have failed alone: `{data, problem, fresh_until, stale}`.
 */

import { h } from "./dom.js";
import { button, notice } from "./notice.js";

/** As many names without an answer are told with their reason; the rest are counted. */
const NAMED = 5;

/** Return a part with its heading: drawn, or its own problem with a retry. */
export function part(title, found, draw, reach) {
  return h("section", { class: "part", "data-part": title }, h("h4", {}, title), drawn(title, found, draw, reach));
}

function drawn(title, found, draw, reach) {
  const retry = () => button("Retry", reach.retry, `Retry ${title}`);
  if (!found) return notice("failed", "the server left this part out", retry());
  if (found.problem) return notice("failed", found.problem.detail, retry());
  try {
    const nodes = draw(found.data);
    return found.stale ? [notice("stale", "stale: the source failed, showing older data"), nodes] : nodes;
  } catch (error) {
    return notice("failed", `this part could not be drawn: ${error.message}`, retry());
  }
}

/** Return the sentence about the parts that failed, as a list of none or one. */
export function failedParts(parts) {
  const failed = Object.entries(parts).filter(([, found]) => found?.problem).map(([name]) => name);
  if (failed.length === 0) return [];
  return [`${failed.length} of ${Object.keys(parts).length} parts failed (${failed.join(", ")})`];
}

/** Return the sentence about names without an answer, each with its reason, as a list of none or one. */
export function failedNames(failed) {
  const said = Object.entries(failed ?? {}).map(([name, found]) => `${name} (${found.detail})`);
  if (said.length === 0) return [];
  const more = said.length > NAMED ? ` and ${said.length - NAMED} more` : "";
  return [`no answer for ${said.slice(0, NAMED).join(", ")}${more}`];
}
