// Runs the firmware on MicroPython's WebAssembly port: node micropython.mjs MODULE FIRMWARE_FOLDER.
// Requests and answers are lines of JSON; what answers them is fake_board.py, inside MicroPython.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const [module, firmware] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(module));
const mp = await loadMicroPython({
  stdout: (text) => process.stderr.write(text + "\n"),
});
for (const name of readdirSync(firmware).filter((each) => each.endsWith(".py")))
  mp.FS.writeFile("/" + name, readFileSync(join(firmware, name)));
const here = dirname(fileURLToPath(import.meta.url));
mp.FS.writeFile("/fake_board.py", readFileSync(join(here, "fake_board.py")));
try {
  mp.runPython("import sys; sys.path.insert(0, '/')");
  const handle = mp.pyimport("fake_board").handle;
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(handle(line) + "\n");
} catch (error) {
  process.stderr.write(error.message); // node would show the whole interpreter with it
  process.exit(1);
}
