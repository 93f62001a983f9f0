/** The lists of symbols that an owner keeps, and what is on the one that was chosen. */

import { h } from "../dom.js";
import { day } from "../format.js";
import { query } from "../form.js";
import { table } from "../table.js";

const ITEMS = [
  { head: "Symbol", kind: "name", cell: (item) => item.symbol },
  { head: "Notes", cell: (item) => item.notes },
  { head: "Since", kind: "when", wide: 1, cell: (item) => day(item.created_at) },
];

function lists(reach) {
  const open = ({ id, name }) => h("button", {
    type: "button", class: "link", "data-focus": `list-${id}`, click: () => reach.ask({ ...reach.asked, list: id, name }),
  }, name);
  return [
    { head: "List", kind: "name", cell: open },
    { head: "Since", kind: "when", cell: (list) => day(list.created_at) },
  ];
}

export default {
  topics: ["watchlists"],
  fallbackS: 60,
  form: [{ name: "owner", label: "Owner", value: "desk", type: "text", maxlength: 64, required: true }],
  path: ({ owner, list }) =>
    list === undefined ? query("/api/v1/watchlists", { owner, limit: 50 }) : `/api/v1/watchlists/${list}/items?limit=50`,
  view: ({ items }, reach) => {
    const { owner, list, name } = reach.asked;
    if (list === undefined) return table(`Watchlists of ${owner}`, lists(reach), items, `${owner} keeps no list.`);
    return [
      h("p", { class: "chosen" },
        h("button", { type: "button", class: "link", "data-focus": "back", click: () => reach.ask({ owner }) }, "← All lists"),
        h("strong", {}, name)),
      table(`Symbols on ${name}`, ITEMS, items, "Nothing is on this list."),
    ];
  },
};
