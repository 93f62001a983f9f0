/** The switches of the automation; a key turns them. */

import { h } from "../dom.js";
import { dayTime } from "../format.js";
import { state, table } from "../table.js";

function columns(reach) {
  return [
    { head: "Automation", kind: "name", cell: ({ name }) => name },
    { head: "State", cell: ({ enabled }) => (enabled ? state("good", "on") : state("off", "off")) },
    { head: "Changed", kind: "when", wide: 1, cell: (found) => dayTime(found.updated_at) },
    { head: "By", wide: 1, cell: (found) => found.updated_by },
    { head: "", cell: (found) => turn(found, reach) },
  ];
}

function turn({ name, enabled }, reach) {
  const path = `/api/v1/automation/${encodeURIComponent(name)}`;
  return h("button", {
    type: "button", role: "switch", "aria-checked": String(enabled), "aria-label": name, "data-focus": `turn-${name}`,
    click: () => reach.act((asker) => asker.change("PUT", path, { enabled: !enabled })),
  }, enabled ? "Turn off" : "Turn on");
}

export default {
  topics: ["automation"],
  fallbackS: 30,
  path: () => "/api/v1/automation?limit=50",
  view: ({ items }, reach) => table("Automation switches", columns(reach), items, "No automation was ever set."),
};
