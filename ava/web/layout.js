/**
 * What is on the page and where: the sections, and in each the panels, every one a module of
 * `panels/`. A link `#/name` leads to each.
 */

export const SECTIONS = [
  {
    title: "Operation",
    panels: [
      { name: "health", title: "Health" },
      { name: "providers", title: "Providers", wide: true },
      { name: "cache", title: "Cache" },
      { name: "automation", title: "Automation" },
      { name: "tasks", title: "Background tasks", wide: true },
      { name: "schedule", title: "Schedule" },
    ],
  },
  {
    title: "Accounts",
    panels: [
      { name: "dashboard", title: "Dashboard", wide: true },
      { name: "alerts", title: "Alerts" },
      { name: "portfolio", title: "Portfolio", wide: true },
      { name: "watchlists", title: "Watchlists" },
    ],
  },
  {
    title: "Options and signals",
    panels: [
      { name: "expiry", title: "Days to expiry", wide: true },
      { name: "predictions", title: "Predictions" },
      { name: "premium", title: "Premium scanner", wide: true },
      { name: "recommendations", title: "Recommendations" },
      { name: "options", title: "Option scanner", wide: true },
      { name: "earnings", title: "Earnings" },
    ],
  },
  {
    title: "Sports",
    panels: [
      { name: "live", title: "Live games" },
      { name: "upcoming", title: "Upcoming games" },
    ],
  },
];
