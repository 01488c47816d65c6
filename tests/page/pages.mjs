// THE table of pages. A new page is a new row: its name in reports, its address or how to find it, as whom, and what is there once it has come.
export const PAGES = [
  { name: "live", path: "/", as: null, ready: "#figures dd" },
  { name: "live-operator", path: "/", as: "operator", ready: "#acknowledge button" },
  { name: "rejects", path: "/rejects?hours=all", as: null, ready: ".gallery img" },
  { name: "reject", path: firstReject, as: null, ready: ".part img" },
  { name: "reject-operator", path: firstReject, as: "operator", ready: "form[action^='/parts/'] button" },
  { name: "threshold", path: "/threshold?hours=all", as: null, ready: "table.compare" },
  { name: "threshold-tried", path: "/threshold?hours=all&at=0.3", as: "engineer", ready: "main form[method=post] button" },
  { name: "health", path: "/health", as: null, ready: "main table" },
  { name: "products", path: "/products", as: null, ready: "#products td" },
  { name: "products-operator", path: "/products", as: "operator", ready: "select[name=product]" },
  { name: "products-engineer", path: "/products", as: "engineer", ready: "form.upload input[type=file]" },
  { name: "upload", path: "/products/upload", as: "engineer", ready: "form.upload input[type=file]" },
  { name: "log", path: "/log", as: "engineer", ready: "table" },
  { name: "log-refused", path: "/log", as: "operator", ready: ".message", status: 403 },
  { name: "login", path: "/login", as: null, ready: "input[type=password]" },
];

// A part that was judged bad, by the link of its card.
async function firstReject(page, address) {
  await page.goto(`${address}/rejects?reason=BAD&hours=all`);
  return page.locator(".gallery a").first().getAttribute("href");
}

export const SIZES = { tablet: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } };
export const SCHEMES = ["light", "dark"];
// German words are the longer ones.
export const LOCALES = { en: "en-GB", de: "de-DE" };
