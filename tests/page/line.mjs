// A simulated line with its page, as processes in a folder of their own: started, killed, started again.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { sealer } from "./bundles.mjs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// What each role signs in with.
export const PASSWORDS = { operator: "bottle-cap-7", engineer: "feeler-gauge-3", admin: "master-key-11" };

const free = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export class Line {
  static async set(root, station, plant) {
    const line = new Line();
    Object.assign(line, { station, plant, folder: mkdtempSync(join(tmpdir(), "draem-page-")), running: {} });
    line.sealer = sealer(join(root, "models/demo/cap-nano.draem"));
    writeFileSync(join(line.folder, "page.pub"), line.sealer.publicKey);
    const sim = readFileSync(join(root, "edge-runtime/config/sim.toml"), "utf8");
    const exchanged = (text, pairs) =>
      pairs.reduce((text, [from, to]) => {
        if (!text.includes(from)) throw new Error(`${from} is not in the shipped file`);
        return text.replace(from, to);
      }, text);
    // So many bad parts that three in a row, which stop the line, come within half a minute.
    const text = exchanged(sim, [
      ["../../models/demo/cap-nano.draem", join(root, "models/demo/cap-nano.draem")],
      ['"../../models/demo/demo.pub"', `"${join(root, "models/demo/demo.pub")}", "${join(line.folder, "page.pub")}"`],
      ["../../target/audit", join(line.folder, "audit")],
      ["parts = 1000", "parts = 1000000"],
      ["defect_rate = 0.05", "defect_rate = 0.35"],
      ["stops_per_minute = 1.0", "stops_per_minute = 0.0"],
    ]);
    const socket = join(line.folder, "plant.sock");
    writeFileSync(
      join(line.folder, "station.toml"),
      `${text}\n[recipes]\ndir = "recipes"\n\n[plant]\nsocket = "${socket}"\n\n[alarms]\nconsecutive_rejects = 3\nrejects_in_hundred = 0\n`,
    );
    mkdirSync(join(line.folder, "recipes"));
    writeFileSync(join(line.folder, "recipes", "caps-strict.toml"), `number = 7\n[model]\nbundle = "${join(root, "models/demo/cap-nano.draem")}"\nfalse_reject = 0.05\n`);
    line.address = `http://127.0.0.1:${await free()}`;
    writeFileSync(
      join(line.folder, "plant.toml"),
      `[station]\nsocket = "${socket}"\n\n[web]\nlisten = "${line.address.slice(7)}"\n\n[roles]\nfolder = "${join(line.folder, "roles")}"\n`,
    );
    for (const [role, password] of Object.entries(PASSWORDS)) line.command("set-password", role, password);
    return line;
  }

  command(name, role, password) {
    const done = spawnSync(this.plant, [name, "--config", join(this.folder, "plant.toml"), "--role", role], { input: `${password}\n` });
    if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`);
  }

  start(name) {
    const config = join(this.folder, `${name}.toml`);
    const [program, args] =
      name === "station"
        ? [this.station, ["run", "--config", config, "--real-time"]]
        : [this.plant, ["serve", "--config", config]];
    const log = openSync(join(this.folder, `${name}.log`), "a");
    this.running[name] = spawn(program, args, { stdio: ["ignore", log, log] });
  }

  // Until the page's server answers whatever it says.
  async answers() {
    for (let tries = 300; tries > 0; tries -= 1) {
      if (await fetch(`${this.address}/healthz`).then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`edge-plant does not answer:\n${this.said("plant")}`);
  }

  // As a power cut would.
  async kill(name) {
    const child = this.running[name];
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async end() {
    for (const name of Object.keys(this.running)) await this.kill(name);
    rmSync(this.folder, { recursive: true, force: true });
  }

  said(name) {
    return readFileSync(join(this.folder, `${name}.log`), "utf8").trim().split("\n").slice(-8).join("\n");
  }
}
