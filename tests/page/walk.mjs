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
const PATIENCE = 45_000;
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

// A bundle for a new recipe, as whoever looks after the line hands it over: a good one, one without a signature, an older one.
const upload = async () => {
  const form = "main form.upload";
  const page = await visitor("engineer", { viewport: SIZES.tablet });
  const hand = async (recipe, name, bundle, older = false) => {
    await page.goto(`${line.address}/products`);
    return fill(page, recipe, name, bundle, older);
  };
  const fill = async (page, recipe, name, bundle, older = false) => {
    await page.fill(`${form} input[name=recipe]`, recipe);
    await page.fill(`${form} input[name=reason]`, "as the walk wants it");
    if (older) await page.check(`${form} input[name=older]`);
    await page.setInputFiles(`${form} input[type=file]`, { name, mimeType: "application/octet-stream", buffer: bundle });
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await page.locator(`${form} button`).click();
    const status = (await answer).status();
    return [status, await page.locator("main").innerText()];
  };
  const watcher = await visitor("operator", { viewport: SIZES.tablet });
  await watcher.goto(`${line.address}/products`);
  check("an operator may not hand bundles over", (await watcher.locator(form).count()) === 0);
  const csrf = await watcher.locator("input[name=csrf]").first().getAttribute("value");
  const file = { name: "mine.draem", mimeType: "application/octet-stream", buffer: Buffer.from("mine") };
  const refused = await watcher.request.post(`${line.address}/products/upload`, { multipart: { csrf, recipe: "mine", reason: "mine", file }, headers: { Origin: line.address } });
  check("and is refused who tries all the same", refused.status() === 403, `${refused.status()}`);

  // A browser without a script has a page that does not renew itself under the form.
  const plain = await visitor("engineer", { viewport: SIZES.phone, javaScriptEnabled: false });
  await plain.goto(`${line.address}/products/upload`);
  const [status0, said0] = await fill(plain, "plain", "plain.draem", line.sealer.sealed("plain", 0));
  check("a bundle is handed over without a script", status0 === 201, `${status0} ${said0}`);
  await plain.context().close();

  // So slowly that it is seen how far it is.
  const network = await page.context().newCDPSession(page);
  const slow = (uploadThroughput) => network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await slow(300_000);
  const good = line.sealer.sealed("rings", 100);
  const [[status, said]] = await Promise.all([hand("rings", "rings.draem", good), watcher.locator("#products progress").waitFor()]);
  check("who looks sees how much of a bundle has come", true);
  await slow(-1);
  check("a good bundle is taken", status === 201, `${status} ${said}`);
  check("with its self-test and who signed it", /greatest difference/.test(said) && said.includes(line.sealer.id), said);
  const found = await violations(page);
  check("a bundle that was taken: axe finds nothing serious", found.length === 0, found.join(" | "));
  await page.screenshot({ path: join(shots, "uploaded.png"), fullPage: true });
  await watcher.locator("#products tr", { hasText: "rings" }).waitFor();
  check("and its recipe is in the list of a page that was open", true);
  const unsigned = await hand("rings", "unsigned.draem", line.sealer.unsigned(good));
  check("one without a signature is refused, with what would be right", unsigned[0] === 422 && /nobody signed it[\s\S]*0000000000000000/.test(unsigned[1]), unsigned.join(" "));
  const complaints = await violations(page);
  check("a bundle that was refused: axe finds nothing serious", complaints.length === 0, complaints.join(" | "));
  await page.screenshot({ path: join(shots, "refused.png"), fullPage: true });
  const older = line.sealer.sealed("rings", 0);
  const early = await hand("rings", "older.draem", older);
  check("an older one is refused", early[0] === 422 && /made before/.test(early[1]), early.join(" "));
  const meant = await hand("rings", "older.draem", older, true);
  check("and taken when that is meant", meant[0] === 201, meant.join(" "));
  await page.goto(`${line.address}/log`);
  const log = await page.locator("table").innerText();
  check("the log has each of them", ["rings.draem", "unsigned.draem", "not taken: signed by key", "older.draem", "even if older"].every((text) => log.includes(text)), log.slice(0, 2_000));

  // A change takes it up, and again when the recipe that is inspected with has another one.
  const change = async (what) => {
    await page.goto(`${line.address}/products`);
    const number = await page.locator("select[name=product] option", { hasText: "rings" }).getAttribute("value");
    await page.selectOption("select[name=product]", number);
    await page.locator("main form:not(.upload) button").click();
    await page.locator("#products tr.good", { hasText: "rings" }).waitFor();
    await page.locator("#products", { hasNotText: "another bundle than" }).waitFor();
    check(what, true);
  };
  await change("the new product is inspected");
  const running = await hand("rings", "rings.draem", good);
  check("the line goes on with what it inspects", running[0] === 201 && /goes on with the bundle that it has/.test(running[1]), running.join(" "));
  await page.goto(`${line.address}/products`);
  await page.locator("#products tr.good", { hasText: "another bundle than the one that judges" }).waitFor();
  check("and the list says so", true);
  await change("until somebody changes to it again");
  await page.context().close();
  await watcher.context().close();
};

// Another threshold, with a reason, as whoever looks after the line; whoever runs it may only look.
const threshold = async () => {
  const form = 'main form[action="/threshold"][method=post]';
  const operator = await visitor("operator");
  await operator.goto(`${line.address}/threshold?hours=all&at=0.3`);
  check("an operator may look at another threshold, and not set it", (await operator.locator(form).count()) === 0);
  const csrf = await operator.locator("input[name=csrf]").first().getAttribute("value");
  const set = { csrf, bundle: "0".repeat(64), threshold: "0.3", reason: "as I like it" };
  const refused = await operator.request.post(`${line.address}/threshold`, { form: set, headers: { Origin: line.address } });
  check("and is refused who tries all the same", refused.status() === 403, `${refused.status()}`);
  const engineer = await visitor("engineer", { viewport: SIZES.tablet });
  await engineer.goto(`${line.address}/threshold?hours=all&at=0.3`);
  await engineer.fill(`${form} input[name=reason]`, "a new batch, seen by hand");
  const answer = engineer.waitForResponse((response) => response.request().method() === "POST");
  await engineer.locator(`${form} button`).first().click();
  check("an engineer sets it", (await answer).status() === 202, `${(await answer).status()}`);
  let inForce = "";
  for (let tries = 60; tries > 0 && !inForce.includes("0.3000"); tries -= 1) {
    await engineer.goto(`${line.address}/threshold?hours=all`);
    inForce = await engineer.locator("dl.head dd").first().innerText();
  }
  check("and it is in force", inForce.includes("0.3000"), inForce);
  await engineer.goto(`${line.address}/log`);
  const entry = await engineer.locator("table").innerText();
  check("and the log has why", /a new batch, seen by hand/.test(entry), entry.slice(0, 300));
  await operator.context().close();
  await engineer.context().close();
};

// What a part really was, for the next training.
const mark = async () => {
  const page = await visitor("operator", { viewport: SIZES.tablet });
  await page.goto(`${line.address}/rejects?reason=BAD&hours=all`);
  await page.locator(".gallery a").first().click();
  await page.locator("button[name=mark][value=good]").click();
  await page.locator("button[name=mark][value=none]").waitFor();
  check("a part is marked, and the mark can be taken away", (await page.locator("button[name=mark][value=good]").count()) === 0);
  await page.context().close();
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
  for (const part of [chart, alarm, reject, mark, threshold, products, upload, everyPage, lost]) {
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
