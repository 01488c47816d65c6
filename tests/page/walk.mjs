// Goes through every page in both languages, in both themes and at both sizes, and through what people do there.
// walk.mjs TOOLS SCREENSHOTS STATION PLANT; `run.sh` says what these are. Waits for what must come, and measures no time.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Line, PASSWORDS } from "./line.mjs";
import { LOCALES, PAGES, SCHEMES, SIZES } from "./pages.mjs";

const [tools, shots, station, plant] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(tools, "node_modules", "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const root = resolve(import.meta.dirname, "../..");

// From one thing that must come to the next; a machine that does other things too is slow.
const PATIENCE = 90_000;
const failures = [];
let passed = 0;

const check = (what, holds, evidence = "") => {
  if (holds) passed += 1;
  else failures.push(`${what}${evidence && `: ${evidence}`}`);
  console.log(`${holds ? "ok" : "FAILED"} ${what}${holds ? "" : ` ${evidence}`}`);
};

const line = await Line.set(root, station, plant);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
mkdirSync(shots, { recursive: true });

// A visitor's browser, whose every request must stay on this server, and whose pages must not complain.
const visitor = async (as, options = {}) => {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE);
  context.setDefaultNavigationTimeout(PATIENCE);
  context.on("request", (request) => {
    if (![line.address, "data:", "file:"].some((known) => request.url().startsWith(known))) failures.push(`asks for ${request.url()}`);
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => failures.push(`script: ${error}`));
  if (as) {
    await page.goto(`${line.address}/login`);
    await page.fill("input[name=name]", as);
    await page.fill("input[type=password]", PASSWORDS[as]);
    await page.locator("main button[type=submit]").click();
    await page.waitForURL(`${line.address}/`);
  }
  return page;
};

// Violations that keep somebody from using the page.
const violations = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ")}`);
};

// Each way in which a page may be looked at.
const looks = Object.entries(LOCALES).flatMap(([language, locale]) =>
  SCHEMES.flatMap((colorScheme) =>
    Object.entries(SIZES).map(([size, viewport]) => [`${language}-${colorScheme}-${size}`, { locale, colorScheme, viewport }]),
  ),
);

const everyPage = async () => {
  for (const { name, path, as, ready, status = 200 } of PAGES) {
    for (const [look, options] of looks) {
      const what = `${name}, ${look}`;
      const page = await visitor(as, options);
      const where = typeof path === "string" ? path : await path(page, line.address);
      const response = await page.goto(line.address + where);
      check(`${what}: answers ${status}`, response.status() === status, `${response.status()}`);
      check(`${what}: in its language`, (await page.locator("html").getAttribute("lang")) === look.slice(0, 2));
      await page.locator(ready).first().waitFor();
      await page.evaluate(() => Promise.all([...document.images].map((image) => image.loading !== "lazy" && image.decode().catch(() => {}))));
      await page.screenshot({ path: join(shots, `${name}-${look}.png`), fullPage: name !== "rejects" });
      const found = await violations(page);
      check(`${what}: axe finds nothing serious`, found.length === 0, found.join(" | "));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(`${what}: nothing is cut off at the side`, wide <= 0, `${wide} pixels too wide`);
      await page.context().close();
    }
  }
};

// Three rejects in a row stop the line, and somebody who may acknowledges.
const alarm = async () => {
  const page = await visitor("operator", { viewport: SIZES.tablet });
  line.start("station");
  await page.locator("#state .bad").waitFor();
  const alarms = await page.locator("#alarms").innerText();
  check("an alarm is shown, with what to do", /REJECTS_IN_A_ROW[\s\S]*look at the rejected parts/.test(alarms), alarms);
  const found = await violations(page);
  check("a page with an alarm: axe finds nothing serious", found.length === 0, found.join(" | "));
  await page.screenshot({ path: join(shots, "alarm.png") });
  const badge = await page.locator("header .station").innerText();
  check("a page that was open before the station came says whose it is", /Crown caps[\s\S]*SIMULATION/.test(badge), badge);
  await page.evaluate(() => document.querySelector("#answer").append(document.createElement("button")));
  check("axe finds a button without a name", (await violations(page)).some((found) => found.startsWith("button-name")));
  await page.reload();
  const looker = await visitor(null);
  await looker.goto(line.address);
  check("who is not signed in has no button", (await looker.locator("#acknowledge").count()) === 0);
  await page.locator("#acknowledge button").click();
  await page.locator("#answer", { hasText: "Acknowledged." }).waitFor();
  await page.locator("#state .good").waitFor();
  check("acknowledged, the line runs again", true);
  await page.context().close();
  await looker.context().close();
};

// From the gallery to a part's page and its pictures.
const reject = async () => {
  const page = await visitor(null, { viewport: SIZES.phone });
  await page.goto(`${line.address}/rejects`);
  await page.selectOption("select[name=reason]", "BAD");
  await page.locator("form.filter button").click();
  await page.locator(".gallery a").first().click();
  await page.waitForURL(/\/parts\//);
  const text = await page.locator("main").innerText();
  check("a reject says what became of it", /BAD – rejected/.test(text), text);
  const drawn = await page.locator(".part img").evaluateAll((all) => Promise.all(all.map(async (it) => (await it.decode(), it.naturalWidth))));
  check("with picture and heatmap", drawn.length === 2 && drawn.every((width) => width === 512), `${drawn}`);
  await page.context().close();
};

// Another product, as whoever runs the line chooses it, and whoever only looks may not.
const products = async () => {
  const page = await visitor("operator", { viewport: SIZES.tablet });
  await page.goto(`${line.address}/products`);
  await page.selectOption("select[name=product]", "7");
  await page.locator("main form button").click();
  await page.locator("#products tr.good", { hasText: "caps-strict" }).waitFor();
  check("another product is inspected", true);
  const found = await violations(page);
  check("products: axe finds nothing serious", found.length === 0, found.join(" | "));
  await page.screenshot({ path: join(shots, "changed.png") });
  await page.goto(line.address);
  await page.locator("#state .good, #state .bad").first().waitFor();
  const looker = await visitor(null);
  await looker.goto(`${line.address}/products`);
  check("who is not signed in cannot change products", (await looker.locator("main form").count()) === 0);
  await page.context().close();
  await looker.context().close();
};

// What is lost is said, on the page that was open, and heals without anybody's doing.
const lost = async () => {
  const page = await visitor(null, { viewport: SIZES.tablet });
  await page.goto(line.address);
  await page.locator("#state .good, #state .bad").first().waitFor();
  await line.kill("plant");
  await page.locator("#lost:visible").waitFor();
  check("a page whose server is gone says so", true);
  await page.screenshot({ path: join(shots, "lost-server.png") });
  line.start("plant");
  await page.locator("#lost").waitFor({ state: "hidden" });
  await page.locator("#state .good, #state .bad").first().waitFor();
  check("and heals when it is back", true);
  await line.kill("station");
  await page.locator("#state .unknown").waitFor();
  check("a line that is not heard of is not shown as if it ran", /NO CONNECTION/.test(await page.locator("#state").innerText()));
  const found = await violations(page);
  check("a page without a station: axe finds nothing serious", found.length === 0, found.join(" | "));
  await page.screenshot({ path: join(shots, "lost-station.png") });
  line.start("station");
  await page.locator("#state .good, #state .bad").first().waitFor();
  check("and is shown again when it is back", true);
  await page.context().close();
};

// The manual's chart of reason codes is one sheet.
const chart = async () => {
  const page = await visitor(null);
  await page.goto(pathToFileURL(join(root, "docs/manual/src/generated/wall-chart.html")).href);
  const printed = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  const sheets = printed.toString("latin1").match(/\/Type \/Page\b/g)?.length;
  check("the wall chart is one sheet of A4", sheets === 1, `${sheets} sheets`);
  const found = await violations(page);
  check("the wall chart: axe finds nothing serious", found.length === 0, found.join(" | "));
  await page.screenshot({ path: join(shots, "wall-chart.png"), fullPage: true });
  await page.context().close();
};

try {
  line.start("plant");
  await line.answers();
  for (const part of [chart, alarm, reject, products, everyPage, lost]) {
    try {
      await part();
    } catch (error) {
      check(part.name, false, `${error.message}\nstation: ${line.said("station")}\nplant: ${line.said("plant")}`);
    }
  }
} finally {
  await browser.close();
  await line.end();
}
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`screenshots in ${shots}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
